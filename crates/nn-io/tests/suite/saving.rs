use std::fs;
use std::path::{Path, PathBuf};

use nn_io::{Checkpoint, Error, ErrorKind, OutputFile};
use nn_optim::Optimizer;
use tally::{Failure, Tally, ensure};
use tempfile::TempDir;

use crate::fixture::{self, says, seal_header};

/// A directory with the fixture saved as `m.model`, and the path of that file.
fn saved() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    fixture::checkpoint().view().save(&path).unwrap();
    (directory, path)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries.map(|it| name(it).into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn replaces_the_file() {
    let (directory, path) = saved();
    assert_eq!(fs::read(&path).unwrap(), fixture::bytes());
    let mut other = fixture::checkpoint();
    other.training = None;
    other.view().save(&path).unwrap();
    assert_eq!(Checkpoint::load(&path).unwrap(), other);
    assert_eq!(names(directory.path()), ["m.model"]);
}

/// A save that fails before the rename leaves the old file, and nothing else.
#[test]
fn a_save_that_fails_changes_nothing() {
    let (directory, path) = saved();
    let mut invalid = fixture::checkpoint();
    invalid.model.params_mut()[0] = f32::NAN;
    let error = invalid.view().save(&path).unwrap_err();
    assert!(matches!(error, Error::File { .. }));
    assert_eq!(error.kind(), ErrorKind::BadModel);
    says(&error, &[path.to_str().unwrap(), "tensor dense0.weights, element 0"]);
    assert_eq!(fs::read(&path).unwrap(), fixture::bytes());

    // A directory of this name cannot be replaced: the rename fails.
    let blocked = directory.path().join("blocked");
    fs::create_dir_all(blocked.join("inside")).unwrap();
    let error = fixture::checkpoint().view().save(&blocked).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    says(&error, &[blocked.to_str().unwrap(), "cannot replace the file"]);
    assert_eq!(names(directory.path()), ["blocked", "m.model"]);
}

/// If a run is killed in the middle of a save, the old file is whole, the next save finds a free name, and the next
/// lock removes the temporary file.
#[test]
fn a_save_that_was_killed() {
    let (directory, path) = saved();
    let half = &fixture::bytes()[..500];
    fs::write(directory.path().join(".m.model.0.tmp"), half).unwrap();
    fs::write(directory.path().join(".other.model.0.tmp"), half).unwrap();
    assert_eq!(Checkpoint::load(&path).unwrap(), fixture::checkpoint());
    fixture::checkpoint().view().save(&path).unwrap();
    assert_eq!(names(directory.path()), [".m.model.0.tmp", ".other.model.0.tmp", "m.model"]);
    let _lock = OutputFile::claim(&path).unwrap();
    assert_eq!(names(directory.path()), [".other.model.0.tmp", "m.model", "m.model.lock"]);
}

#[test]
fn missing_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none/m.model");
    let none = directory.path().join("none");
    let claimed = OutputFile::claim(&path).map(drop);
    for error in [claimed, fixture::checkpoint().view().save(&path)] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        says(&error, &[none.to_str().unwrap(), "cannot create a file in it"]);
    }
    assert_eq!(Checkpoint::load(&path).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn what_may_be_overwritten() {
    let (directory, path) = saved();
    OutputFile::claim(&path).unwrap();
    OutputFile::claim(directory.path().join("new.model")).unwrap();
    assert_eq!(names(directory.path()), ["m.model"]);
}

#[track_caller]
fn protected(path: &Path, found: &str) {
    let error = OutputFile::claim(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldOverwrite, "{error}");
    says(&error, &[path.to_str().unwrap(), "refusing to overwrite", found, "choose another"]);
}

#[test]
fn what_must_not_be_overwritten() {
    let (directory, path) = saved();
    let write = |name: &str, content: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    protected(directory.path(), "a directory");
    protected(Path::new("/"), "names no file");
    protected(&write("a.png", b"\x89PNG\r\n\x1a\n"), "a PNG image");
    protected(&write("notes", b"do not lose\n"), "a text file");
    protected(&write("empty", b""), "an empty file");
    let mut newer = fs::read(&path).unwrap();
    newer[11] = 2;
    seal_header(&mut newer);
    protected(&write("newer.model", &newer), "a model of format 2.0");
    (newer[11], newer[13]) = (1, 3);
    seal_header(&mut newer);
    protected(&write("newer.model", &newer), "a model of format 1.3");
    newer.truncate(1000);
    newer[13] = 0;
    seal_header(&mut newer);
    protected(&write("cut.model", &newer), "a model that cannot be read");
    protected(&directory.path().join(".m.model.7.tmp"), "the name of a temporary file");
}

#[test]
fn one_run_at_a_time() {
    let (directory, path) = saved();
    let lock = OutputFile::claim(&path).unwrap();
    let error = OutputFile::claim(&path).unwrap_err();
    let id = std::process::id();
    assert!(matches!(error, Error::Locked { pid, .. } if pid == Some(id)));
    assert_eq!(error.kind(), ErrorKind::Locked);
    says(&error, &[path.to_str().unwrap(), &format!("another run (process {id})")]);
    // The lock stops neither readers nor the holder itself.
    assert!(Checkpoint::load(&path).is_ok());
    fixture::checkpoint().view().save(&path).unwrap();
    drop(lock);
    OutputFile::claim(&path).unwrap();
    assert_eq!(names(directory.path()), ["m.model"], "the holder did not remove the lock");
}

/// A file that another program puts there during a run is not replaced.
#[test]
fn a_file_that_appears_is_set_aside() {
    let mut tally = Tally::new("B19", "other files at the output during a run");
    let mut inference = fixture::checkpoint();
    inference.training = None;
    let model = inference.view().to_bytes().unwrap();
    for bytes in [b"keep me".to_vec(), Vec::new(), model] {
        tally.case(|| {
            let (directory, path) = saved();
            let mut output = OutputFile::claim(&path).unwrap();
            let mut save = || output.save(&fixture::checkpoint().view()).unwrap().set_aside;
            ensure(save().is_empty(), || Failure::wrong("its own file"))?;
            fs::write(&path, &bytes).unwrap();
            let moved = save();
            let aside = directory.path().join("m.model.skipped");
            let is_reported = moved.len() == 1 && moved[0].from == path && moved[0].to == aside;
            ensure(is_reported, || Failure::wrong("what was set aside"))?;
            let kept = fs::read(&aside).is_ok_and(|kept| kept == bytes);
            ensure(kept, || Failure::lost(format!("{} bytes", bytes.len())))?;
            ensure(Checkpoint::load(&path).is_ok(), || Failure::torn("the output"))
        });
    }
    tally.finish();
}

/// A checkpoint after this many steps. The fixture's seed gives the fixture's run, and another seed another run.
fn state(seed: u64, step: u64) -> Checkpoint {
    let mut checkpoint = fixture::checkpoint();
    let training = checkpoint.training.as_mut().unwrap();
    training.config.seed = seed;
    let (config, moments) = (training.optimizer.config(), training.optimizer.moments().to_vec());
    training.optimizer = Optimizer::from_parts(config, step, moments).unwrap();
    checkpoint.model.params_mut()[0] = step as f32;
    checkpoint
}

/// Saves the model there, if there is one.
fn put(path: &Path, checkpoint: Option<&Checkpoint>) {
    checkpoint.iter().for_each(|it| it.view().save(path).unwrap());
}

/// Checks that a save of `new` over `old` is refused with these words.
#[track_caller]
fn keeps(old: &Checkpoint, new: &Checkpoint, words: &[&str]) {
    let (_directory, path) = saved();
    put(&path, Some(old));
    let mut output = OutputFile::claim(&path).unwrap().with_substitute("drawn");
    let error = output.check_replaced(&new.view()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldOverwrite);
    says(&error, words);
    assert!(output.save(&new.view()).is_err());
    assert_eq!(Checkpoint::load(path).unwrap(), *old);
}

/// A save refuses to replace a model of another dataset, or one that cannot be read. A model for inference never replaces
/// a run.
#[test]
fn what_a_save_refuses() {
    let new = fixture::checkpoint();
    let mut inference = new.clone();
    inference.training = None;
    keeps(&new, &inference, &["m.model: refusing to overwrite a run that can be resumed"]);
    let mut other = new.clone();
    fixture::dataset(&mut other).name = "other".into();
    let words = ["m.model: refusing to overwrite a model of", "with one of \"other\" (SHA-256 "];
    keeps(&new, &other, &words);
    // A model of the substitute does not take the place of a model of real data either.
    fixture::dataset(&mut other).name = "drawn".into();
    keeps(&new, &other, &["with one of \"drawn\""]);
    other.info.dataset = None;
    keeps(&other, &new, &["refusing to overwrite a model of unknown data with"]);

    let (_directory, path) = saved();
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = OutputFile::claim(&path).unwrap().save(&state(1, 0).view()).unwrap_err();
    says(&error, &["m.model: refusing to overwrite a model that cannot be read", "CRC-32"]);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// A save replaces the same state, an earlier state of the same run, and the same model for inference.
#[test]
fn what_a_save_replaces() {
    let mut inference = fixture::checkpoint();
    inference.training = None;
    let mut resumed = state(7, 10);
    resumed.training.as_mut().unwrap().schedule.learning_rate *= 0.5;
    // The same data in a directory of another name.
    let mut moved = state(7, 20);
    fixture::dataset(&mut moved).directory = Some("digits".into());
    for (old, new) in [
        (state(7, 10), moved.clone()),
        (moved, state(7, 30)),
        (state(7, 10), state(7, 10)),
        (state(7, 10), state(7, 20)),
        (state(7, 10), resumed),
        (inference.clone(), inference),
    ] {
        let (directory, path) = saved();
        put(&path, Some(&old));
        let mut output = OutputFile::claim(&path).unwrap();
        assert_eq!(output.check_replaced(&new.view()).unwrap(), None);
        assert!(output.save(&new.view()).unwrap().set_aside.is_empty());
        assert_eq!(Checkpoint::load(&path).unwrap(), new);
        drop(output);
        assert_eq!(names(directory.path()), ["m.model"]);
    }
}

/// Any other model is kept as the previous generation. There is only one: an older one is replaced if the rules allow it.
#[test]
fn what_a_save_keeps() {
    let (run, new) = (state(1, 50), state(2, 0));
    let of = |dataset: &str, checkpoint: &Checkpoint| {
        let mut checkpoint = checkpoint.clone();
        fixture::dataset(&mut checkpoint).name = dataset.into();
        checkpoint
    };
    let mut inference = run.clone();
    inference.training = None;
    let mut other_inference = inference.clone();
    other_inference.model.params_mut()[0] = -1.0;
    let skipped = &["m.model", "m.previous.model", "m.previous.model.skipped"][..];
    let replaced = &skipped[..2];
    let cases = [
        (None, &run, &new, replaced),
        // A run that starts again with the same settings does not continue the old one.
        (None, &state(2, 50), &new, replaced),
        (None, &inference, &new, replaced),
        (None, &inference, &other_inference, replaced),
        (None, &of("drawn", &run), &new, replaced),
        (Some(state(3, 70)), &run, &new, replaced),
        (Some(state(2, 70)), &run, &new, replaced),
        (Some(of("drawn", &run)), &run, &new, replaced),
        // The rules are those for the output itself.
        (Some(of("other", &run)), &run, &new, skipped),
        (Some(state(3, 70)), &of("drawn", &run), &of("drawn", &new), skipped),
        (Some(run.clone()), &inference, &new, skipped),
        // Until the new run is saved, this is its only file.
        (Some(state(2, 70)), &run, &state(2, 70), skipped),
    ];
    let mut tally = Tally::new("B20", "models that a new run keeps");
    for (i, (older, old, new, expected)) in cases.iter().enumerate() {
        tally.case(|| {
            let (directory, path) = saved();
            let previous = directory.path().join("m.previous.model");
            put(&path, Some(old));
            put(&previous, older.as_ref());
            let mut output = OutputFile::claim(&path).unwrap().with_substitute("drawn");
            let kept = output.check_replaced(&new.view()).unwrap();
            let replaces = older.is_some() && *expected == replaced;
            let kept = kept.map(|it| (it.from, it.to, it.replaced));
            let is_reported = kept == Some((path.clone(), previous.clone(), replaces));
            ensure(is_reported, || Failure::wrong(format!("case {i}: {kept:?}")))?;
            // Nothing is renamed before there is a file to take its place.
            output.rehearse_save(&new.view()).unwrap();
            ensure(Checkpoint::load(&path).unwrap() == **old, || Failure::lost("the old model"))?;
            let saves = [(), ()].map(|()| output.save(&new.view()).unwrap().set_aside.len());
            let expected_moves = [if replaces || older.is_none() { 1 } else { 2 }, 0];
            ensure(saves == expected_moves, || Failure::wrong(format!("case {i}: {saves:?}")))?;
            drop(output);
            let found = names(directory.path());
            ensure(found == *expected, || Failure::wrong(format!("case {i}: {found:?}")))?;
            let load = |path: &Path| Checkpoint::load(path).unwrap();
            ensure(load(&previous) == **old, || Failure::lost(format!("case {i}")))?;
            ensure(load(&path) == **new, || Failure::torn(format!("case {i}")))
        });
    }
    // A file that is not a model, or cannot be read, is not an older generation, so it is set aside.
    let mut damaged = fixture::bytes();
    *damaged.last_mut().unwrap() ^= 1;
    for bytes in [b"keep me".to_vec(), Vec::new(), damaged, fixture::newer(fixture::bytes())] {
        tally.case(|| {
            let (directory, path) = saved();
            fs::write(directory.path().join("m.previous.model"), &bytes).unwrap();
            let set_aside = OutputFile::claim(&path).unwrap().save(&new.view()).unwrap().set_aside;
            let aside = directory.path().join("m.previous.model.skipped");
            ensure(fs::read(&aside).is_ok_and(|it| it == bytes), || Failure::lost("a file"))?;
            ensure(set_aside.len() == 2 && set_aside[0].to == aside, || {
                Failure::wrong(format!("{set_aside:?}"))
            })
        });
    }
    tally.finish();
}

#[test]
fn names_of_the_previous_generation() {
    let new = state(1, 0);
    for (name, previous) in [
        ("garments", "garments.previous"),
        ("a.b.model", "a.b.previous.model"),
        (".hidden", ".hidden.previous"),
        ("m.previous.model", "m.previous.previous.model"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        put(&path, Some(&fixture::checkpoint()));
        OutputFile::claim(&path).unwrap().save(&new.view()).unwrap();
        let mut expected = [name, previous];
        expected.sort();
        assert_eq!(names(directory.path()), expected);
    }
}

/// A run that saves to the name of the previous generation is not disturbed.
#[test]
fn a_previous_generation_in_use() {
    let (directory, path) = saved();
    let previous = directory.path().join("m.previous.model");
    let held = OutputFile::claim(&previous).unwrap();
    let mut output = OutputFile::claim(&path).unwrap();
    let error = output.check_replaced(&state(1, 0).view()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    says(&error, &["m.previous.model: in use by another run"]);
    // A save that keeps no model does not need that name.
    output.save(&fixture::checkpoint().view()).unwrap();
    drop(held);
    drop(output);
    let mut output = OutputFile::claim(&path).unwrap();
    output.check_replaced(&state(1, 0).view()).unwrap();
    assert_eq!(OutputFile::claim(&previous).unwrap_err().kind(), ErrorKind::Locked);
    output.save(&state(1, 0).view()).unwrap();
    // The lock is released once the file is there.
    OutputFile::claim(&previous).unwrap();
}

#[test]
fn a_lock_file_of_someone_else() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("Cargo.lock");
    fs::write(&lock, "version = 4\n").unwrap();
    let error = OutputFile::claim(directory.path().join("Cargo")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldOverwrite);
    says(&error, &[lock.to_str().unwrap(), "a file that is not a lock"]);
    assert_eq!(fs::read(&lock).unwrap(), b"version = 4\n");
}

#[test]
fn loading_names_path_and_place() {
    let (_directory, path) = saved();
    let mut bytes = fs::read(&path).unwrap();
    bytes[80] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = Checkpoint::load(&path).unwrap_err();
    assert!(matches!(error, Error::File { .. }));
    assert_eq!(error.kind(), ErrorKind::BadModel);
    says(&error, &[path.to_str().unwrap(), "byte 64 (metadata)", "expected CRC-32", "damaged"]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn through_a_link() {
        let (directory, path) = saved();
        let link = directory.path().join("link");
        symlink("m.model", &link).unwrap();
        OutputFile::claim(&link).unwrap();
        let mut other = fixture::checkpoint();
        other.training = None;
        other.view().save(&link).unwrap();
        assert!(link.is_symlink());
        assert_eq!(Checkpoint::load(&path).unwrap(), other);
        // A file and a link to it have the same lock.
        let _lock = OutputFile::claim(&path).unwrap();
        assert_eq!(OutputFile::claim(&link).unwrap_err().kind(), ErrorKind::Locked);

        let looped = directory.path().join("loop");
        symlink("loop", &looped).unwrap();
        assert_eq!(OutputFile::claim(&looped).unwrap_err().kind(), ErrorKind::Io);
    }

    /// Processes that this one is starting have all its files open for a moment. Still, a dropped lock is free at once.
    #[test]
    fn a_lock_is_free_once_it_is_dropped() {
        let (_directory, path) = saved();
        thread::scope(|scope| {
            let starts = scope.spawn(|| {
                for _ in 0..100 {
                    Command::new("true").status().unwrap();
                }
            });
            while !starts.is_finished() {
                OutputFile::claim(&path).unwrap();
            }
        });
    }

    #[test]
    fn a_pipe_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        protected(&pipe, "a device, pipe or socket");
    }

    /// A link in the place of a lock is not followed, and a pipe is not waited for.
    #[test]
    fn locks_that_are_not_files() {
        let (directory, path) = saved();
        let lock = directory.path().join("m.model.lock");
        for target in ["diary", "absent"] {
            let diary = directory.path().join("diary");
            fs::write(&diary, "").unwrap();
            symlink(directory.path().join(target), &lock).unwrap();
            let error = OutputFile::claim(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldOverwrite);
            says(&error, &[lock.to_str().unwrap(), "a symbolic link", "move it away"]);
            assert_eq!(fs::read(&diary).unwrap(), b"");
            assert!(!directory.path().join("absent").exists());
            fs::remove_file(&lock).unwrap();
        }
        assert!(Command::new("mkfifo").arg(&lock).status().unwrap().success());
        let error = OutputFile::claim(&path).unwrap_err();
        says(&error, &["m.model.lock: refusing to overwrite a directory, device, pipe or socket"]);
    }

    /// A new file gets the permissions that the umask leaves, not the 0600 of other temporary files. A replaced file
    /// keeps its permissions.
    #[test]
    fn permissions() {
        let (directory, path) = saved();
        let plain = directory.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut output = OutputFile::claim(&path).unwrap();
        output.save(&fixture::checkpoint().view()).unwrap();
        assert_eq!(mode(&path) & 0o777, 0o600);
        // Also one that takes the name of another run's.
        drop(output);
        OutputFile::claim(&path).unwrap().save(&state(1, 0).view()).unwrap();
        assert_eq!(mode(&path) & 0o777, 0o600);
        fixture::checkpoint().view().save(&path).unwrap();
        assert_eq!(mode(&path) & 0o777, 0o600);
    }
}

/// Every damaged tensor is reported, and nothing else.
#[test]
fn all_damage_is_reported() {
    let (_directory, path) = saved();
    assert!(Checkpoint::damage(&path).is_empty());
    let whole = fixture::bytes();
    let mut bytes = whole.clone();
    let start = 64 + fixture::metadata_len(&bytes);
    // The length of the first weights, the first biases, and the last moment.
    let biases = start + 5 + 4 * 12 + 5;
    for at in [start + 4, biases, bytes.len() - 1] {
        bytes[at] ^= 1;
    }
    fs::write(&path, &bytes).unwrap();
    let damage = Checkpoint::damage(&path);
    let names = ["tensor dense0.weights", "tensor dense0.biases", "tensor adam.v"];
    assert_eq!(damage.len(), names.len(), "{damage:?}");
    for (error, name) in damage.iter().zip(names) {
        says(error, &["byte ", name, "expected", "found"]);
    }
    let first = Checkpoint::load(&path).unwrap_err();
    assert_eq!(first.to_string(), format!("{}: {}", path.display(), damage[0]));

    // If the metadata are damaged, nothing after them can be read.
    bytes[70] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let damage = Checkpoint::damage(&path);
    assert_eq!(damage.len(), 1, "{damage:?}");
    says(&damage[0], &["(metadata)"]);
    says(&Checkpoint::damage(path.with_extension("none"))[0], &["cannot open"]);
}

#[test]
fn rehearsing_a_save_changes_nothing() {
    let (directory, path) = saved();
    let other = state(1, 0);
    let rehearse = |path: &Path| {
        OutputFile::claim(path).unwrap().rehearse_save(&other.view()).unwrap();
    };
    rehearse(&path);
    assert_eq!(Checkpoint::load(&path).unwrap(), fixture::checkpoint());
    rehearse(&directory.path().join("new.model"));
    assert_eq!(names(directory.path()), ["m.model"]);
}
