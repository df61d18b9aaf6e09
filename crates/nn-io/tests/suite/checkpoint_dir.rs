use std::fs;
use std::path::{Path, PathBuf};

use nn_io::{Checkpoint, CheckpointDir, Encoded, Encoder, Error, ErrorKind, Newest, OutputFile};
use nn_optim::Optimizer;
use tally::{Failure, Tally, ensure};
use tempfile::TempDir;

use crate::fixture::{self, says};

/// The fixture after this many steps.
pub(crate) fn at(step: u64) -> Checkpoint {
    let mut checkpoint = fixture::checkpoint();
    let training = checkpoint.training.as_mut().unwrap();
    let (config, moments) = (training.optimizer.config(), training.optimizer.moments().to_vec());
    training.optimizer = Optimizer::from_parts(config, step, moments).unwrap();
    checkpoint
}

pub(crate) fn encoded(checkpoint: &Checkpoint) -> Encoded {
    Encoder::default().encode(&checkpoint.view()).unwrap()
}

/// A directory with checkpoints after these steps, saved one after another, and its path.
pub(crate) fn saved(steps: &[u64]) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    let mut directory = CheckpointDir::create(&path).unwrap();
    for &step in steps {
        directory.save(&encoded(&at(step))).unwrap();
    }
    (root, path)
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn damage(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn keeps_the_newest_three_and_the_best() {
    let (_root, path) = saved(&[10, 20]);
    let (mut directory, newest) = CheckpointDir::open(&path).unwrap();
    assert_eq!(newest.path, path.join("ckpt-000020.model"));
    assert_eq!(newest.checkpoint, at(20));
    directory.save_best(&encoded(&at(25))).unwrap();
    for step in [30, 40, 1_234_567] {
        directory.save(&encoded(&at(step))).unwrap();
    }
    // A state that was saved already is not saved again.
    directory.save(&encoded(&at(40))).unwrap();
    let kept = ["ckpt-000030.model", "ckpt-000040.model", "ckpt-1234567.model"];
    assert_eq!(names(&path), [&["best.model", "checkpoints.lock"], &kept[..]].concat());
    let newest = Newest::load(&path).unwrap();
    assert_eq!((newest.checkpoint, newest.skipped.len()), (at(1_234_567), 0));
}

/// `best.model` can be the newest checkpoint, since not every epoch need be saved otherwise.
#[test]
fn the_best_may_be_the_newest() {
    let (_root, path) = saved(&[10]);
    let (mut directory, _) = CheckpointDir::open(&path).unwrap();
    directory.save_best(&encoded(&at(15))).unwrap();
    assert_eq!(Newest::load(&path).unwrap().path, path.join("best.model"));
    directory.save_best(&encoded(&at(5))).unwrap();
    assert_eq!(Newest::load(&path).unwrap().checkpoint, at(10));
}

/// One, two or all three of the newest checkpoints are damaged. The newest intact one is used. The error names each
/// damaged one with its reason. The damaged files keep their bytes, even when the run reaches the same steps again.
#[test]
fn damaged_checkpoints_are_skipped_and_kept() {
    let mut tally = Tally::new("B12", "damaged checkpoints among the newest three and the best");
    for damaged in 1..=3 {
        tally.case(|| {
            let (_root, path) = saved(&[10, 20, 30]);
            let file = |step: u64| path.join(format!("ckpt-{step:06}.model"));
            CheckpointDir::open(&path).unwrap().0.save_best(&encoded(&at(10))).unwrap();
            let steps: Vec<u64> = [30, 20, 10].into_iter().take(damaged).collect();
            let damaged_bytes: Vec<_> = steps.iter().map(|&step| damage(&file(step))).collect();

            let (mut directory, newest) = CheckpointDir::open(&path).unwrap();
            let expected = [20, 10, 10][damaged - 1];
            ensure(newest.checkpoint == at(expected), || Failure::lost(newest.path.display()))?;
            for (step, error) in steps.iter().zip(&newest.skipped) {
                says(error, &[&format!("ckpt-{step:06}.model: byte "), "expected CRC-32"]);
            }
            let n = newest.skipped.len();
            ensure(n == damaged, || Failure::wrong(format!("{n} of {damaged} are reported")))?;

            for step in [15, 20, 30, 40] {
                directory.save(&encoded(&at(step))).unwrap();
            }
            for (step, bytes) in steps.iter().zip(damaged_bytes) {
                let aside = path.join(format!("ckpt-{step:06}.model.skipped"));
                let kept = [file(*step), aside]
                    .iter()
                    .any(|it| fs::read(it).ok().as_ref() == Some(&bytes));
                ensure(kept, || Failure::lost(format!("the damaged checkpoint of step {step}")))?;
            }
            let newest = Newest::load(&path).unwrap().checkpoint;
            ensure(newest == at(40), || Failure::lost("the newest after the damage"))
        });
    }
    tally.finish();
}

#[test]
fn no_usable_checkpoint() {
    let (_root, path) = saved(&[10, 20]);
    for step in [10, 20] {
        damage(&path.join(format!("ckpt-{step:06}.model")));
    }
    fs::write(path.join("best.model"), "no model\n").unwrap();
    let error = CheckpointDir::open(&path).unwrap_err();
    assert!(matches!(&error, Error::NoCheckpoint { skipped, .. } if skipped.len() == 3));
    assert_eq!(error.kind(), ErrorKind::BadModel);
    let message = error.to_string();
    for words in [
        path.to_str().unwrap(),
        "no usable checkpoint in this directory; ",
        "ckpt-000020.model: byte",
        "ckpt-000010.model: byte",
        "best.model: expected a model file, found a text file",
    ] {
        assert!(message.contains(words), "no {words:?} in: {message}");
    }
}

/// Files with the name of a checkpoint that cannot be used: without training, or of another step.
#[test]
fn files_under_names_of_checkpoints() {
    let (_root, path) = saved(&[10]);
    let mut inference = fixture::checkpoint();
    inference.training = None;
    inference.view().save(path.join("ckpt-000020.model")).unwrap();
    at(10).view().save(path.join("ckpt-000030.model")).unwrap();
    let newest = Newest::load(&path).unwrap();
    assert_eq!(newest.path, path.join("ckpt-000010.model"));
    says(&newest.skipped[0], &["ckpt-000030.model", "expected 30, as the file's name says", "10"]);
    says(&newest.skipped[1], &["ckpt-000020.model", "expected a training state, found none"]);
    let error = CheckpointDir::open(&path).unwrap().0.save(&encoded(&inference)).unwrap_err();
    says(&error, &["training: expected a training state"]);
}

#[test]
fn a_directory_belongs_to_one_run() {
    let (root, path) = saved(&[10]);
    let error = CheckpointDir::create(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldOverwrite);
    says(&error, &[path.to_str().unwrap(), "the checkpoints of another run"]);

    let (held, _) = CheckpointDir::open(&path).unwrap();
    let error = CheckpointDir::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    says(&error, &[path.to_str().unwrap(), &format!("process {}", std::process::id())]);
    // The lock does not stop readers.
    assert!(Newest::load(&path).is_ok());
    drop(held);
    CheckpointDir::open(&path).unwrap();

    // An existing directory can be used, even if it contains other files.
    fs::write(root.path().join("notes"), "keep me").unwrap();
    CheckpointDir::create(root.path()).unwrap();
    let error = CheckpointDir::create(root.path().join("none/run")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    says(&error, &["none/run: cannot create this directory"]);
    assert!(CheckpointDir::create(root.path().join("notes")).is_err());
    assert_eq!(Newest::load(root.path().join("absent")).unwrap_err().kind(), ErrorKind::Io);
    let error = CheckpointDir::open(root.path().join("absent")).unwrap_err();
    says(&error, &["absent: cannot list it"]);
}

/// No run can use a file of a checkpoint directory as its output.
#[test]
fn its_files_cannot_be_outputs() {
    let (root, path) = saved(&[10]);
    for name in ["ckpt-000010.model", "ckpt-000020.model", "best.model", "checkpoints.lock"] {
        let error = OutputFile::claim(path.join(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldOverwrite, "{name}");
        says(&error, &[name, "a file of a directory of checkpoints", "choose another path"]);
    }
    OutputFile::claim(path.join("m.model")).unwrap();
    OutputFile::claim(root.path().join("best.model")).unwrap();
    // The directory refuses its own files too, by whatever path.
    let (directory, _) = CheckpointDir::open(&path).unwrap();
    let error = directory.check_output(path.join("../run/best.model")).unwrap_err();
    says(&error, &["best.model", "a file of a directory of checkpoints", "choose another path"]);
    directory.check_output(root.path().join("best.model")).unwrap();
}

/// `final.model` is used if it is a later state of the run than the checkpoints, or the only file that is left.
#[test]
fn the_final_model() {
    let find = |steps: &[u64], end: &Checkpoint| {
        let (root, path) = saved(steps);
        end.view().save(path.join("final.model")).unwrap();
        let newest = Newest::load(&path).unwrap();
        (root, path, newest)
    };
    let (_root, path, newest) = find(&[10, 20], &at(30));
    assert_eq!((newest.path, newest.skipped.len()), (path.join("final.model"), 0));
    let (_root, path, newest) = find(&[10, 20, 30], &at(30));
    assert_eq!((newest.path, newest.skipped.len()), (path.join("ckpt-000030.model"), 0));
    let mut other = at(50);
    other.training.as_mut().unwrap().config.seed += 1;
    let (_root, path, newest) = find(&[10, 20], &other);
    assert_eq!((newest.path, newest.skipped.len()), (path.join("ckpt-000020.model"), 1));
    says(&newest.skipped[0], &["final.model: belongs to another run than", "ckpt-000020"]);

    let (_root, path, newest) = find(&[], &at(30));
    assert_eq!(newest.path, path.join("final.model"));
    assert!(CheckpointDir::create(&path).is_err(), "a new run in the directory of another");
    let (mut directory, newest) = CheckpointDir::open(&path).unwrap();
    assert_eq!(newest.checkpoint, at(30));
    // It is an output like any other, and is not removed as an old checkpoint.
    assert_eq!(directory.final_path().unwrap(), path.join("final.model"));
    directory.check_output(path.join("final.model")).unwrap();
    for step in [40, 50, 60, 70] {
        directory.save(&encoded(&at(step))).unwrap();
    }
    assert_eq!(Checkpoint::load(path.join("final.model")).unwrap(), at(30));
}

#[test]
fn temporary_files_of_killed_runs_are_swept() {
    let mut tally = Tally::new("B14", "temporary files in a directory of checkpoints");
    let (_root, path) = saved(&[10]);
    let ours = [".ckpt-000020.model.0.tmp", ".best.model.3.tmp"];
    let others =
        [".ckpt-20.model.0.tmp", ".m.model.0.tmp", ".best.model.tmp", "ckpt-000020.model.tmp"];
    let half = &fixture::bytes()[..500];
    for name in ours.iter().chain(&others) {
        fs::write(path.join(name), half).unwrap();
    }
    // From saves that were killed before or within the first bytes, and a user's file with such a name.
    fs::write(path.join(".best.model.4.tmp"), "").unwrap();
    fs::write(path.join(".best.model.5.tmp"), &half[..5]).unwrap();
    fs::write(path.join(".best.model.6.tmp"), "a diary").unwrap();
    let _newest = Newest::load(&path).unwrap();
    assert!(ours.iter().all(|name| path.join(name).exists()), "swept without the lock");
    let _held = CheckpointDir::open(&path).unwrap();
    for name in ours.into_iter().chain([".best.model.4.tmp", ".best.model.5.tmp"]) {
        tally.case(|| ensure(!path.join(name).exists(), || Failure::wrong(name)));
    }
    for name in others.into_iter().chain([".best.model.6.tmp"]) {
        tally.case(|| ensure(path.join(name).exists(), || Failure::lost(name)));
    }
    tally.finish();
}
