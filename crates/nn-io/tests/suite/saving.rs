use std::fs;
use std::path::{Path, PathBuf};

use nn_io::{Checkpoint, Error, ErrorKind, OutputFile};
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
    (newer[11], newer[13]) = (1, 1);
    seal_header(&mut newer);
    protected(&write("newer.model", &newer), "a model of format 1.1");
    newer.truncate(1000);
    newer[13] = 0;
    seal_header(&mut newer);
    protected(&write("cut.model", &newer), "a model that cannot be read");
    protected(&directory.path().join(".m.model.7.tmp"), "a temporary file, by its name");
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
            let encoded = output.encode(&fixture::checkpoint().view()).unwrap();
            ensure(output.save(&encoded).unwrap().is_none(), || Failure::wrong("its own file"))?;
            fs::write(&path, &bytes).unwrap();
            let moved = output.save(&encoded).unwrap();
            let aside = directory.path().join("m.model.skipped");
            let is_reported = moved.is_some_and(|it| it.from == path && it.to == aside);
            ensure(is_reported, || Failure::wrong("what was set aside"))?;
            let kept = fs::read(&aside).is_ok_and(|kept| kept == bytes);
            ensure(kept, || Failure::lost(format!("{} bytes", bytes.len())))?;
            ensure(Checkpoint::load(&path).is_ok(), || Failure::torn("the output"))
        });
    }
    tally.finish();
}

/// A save only replaces a readable model of the same dataset. A model for inference never replaces a run.
#[test]
fn what_a_save_replaces() {
    let (directory, path) = saved();
    let new = fixture::checkpoint();
    let output = OutputFile::claim(&path).unwrap();
    assert!(output.check_replaced(&new.view()).unwrap());
    let mut inference = new.clone();
    inference.training = None;
    let error = output.check_replaced(&inference.view()).unwrap_err();
    says(&error, &["m.model: refusing to overwrite a run that can be resumed"]);
    let mut other = new.clone();
    other.info.dataset.as_mut().unwrap().name = "other".into();
    let error = output.check_replaced(&other.view()).unwrap_err();
    says(&error, &["m.model: refusing to overwrite a model of", "with one of \"other\" (SHA-256 "]);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = output.check_replaced(&new.view()).unwrap_err();
    says(&error, &["m.model: refusing to overwrite a model that cannot be read", "CRC-32"]);
    assert_eq!(error.kind(), ErrorKind::WouldOverwrite);
    let output = OutputFile::claim(directory.path().join("new.model")).unwrap();
    assert!(!output.check_replaced(&new.view()).unwrap());
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
        let encoded = output.encode(&fixture::checkpoint().view()).unwrap();
        output.save(&encoded).unwrap();
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
    let mut other = fixture::checkpoint();
    other.training = None;
    let rehearse = |path: &Path| {
        let mut output = OutputFile::claim(path).unwrap();
        let encoded = output.encode(&other.view()).unwrap();
        output.rehearse_save(&encoded).unwrap();
    };
    rehearse(&path);
    assert_eq!(Checkpoint::load(&path).unwrap(), fixture::checkpoint());
    rehearse(&directory.path().join("new.model"));
    assert_eq!(names(directory.path()), ["m.model"]);
}
