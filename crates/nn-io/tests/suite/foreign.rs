use std::fs;

use nn_io::{Checkpoint, CheckpointDir, Newest};
use tally::{Failure, Tally, ensure};

use crate::checkpoint_dir::{at, encoded, names, saved};
use crate::fixture::{self, newer, says};

/// A file that has the name of a checkpoint but is not the run's keeps its bytes, under this name or another. The run
/// resumes from its newest valid checkpoint.
#[test]
fn files_that_are_not_the_runs_are_set_aside() {
    let mut tally = Tally::new("B18", "other files under the names of a directory of checkpoints");
    let damaged = |mut bytes: Vec<u8>| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bytes
    };
    let mut inference = at(30);
    inference.training = None;
    let files = [
        ("a text", b"keep me\n".to_vec()),
        ("nothing", Vec::new()),
        ("another step's", fixture::bytes()),
        ("a newer version's", newer(encoded(&at(30)).bytes().to_vec())),
        ("a damaged one", damaged(encoded(&at(30)).bytes().to_vec())),
        ("for inference", inference.view().to_bytes().unwrap()),
    ];
    for (what, bytes) in files {
        for name in ["ckpt-000030.model", "best.model"] {
            // The name `best.model` has no step that could differ.
            if (what, name) == ("another step's", "best.model") {
                continue;
            }
            for is_there_before in [true, false] {
                tally.case(|| {
                    let (_root, path) = saved(&[10, 20]);
                    let put = || fs::write(path.join(name), &bytes).unwrap();
                    if is_there_before {
                        put();
                    }
                    let (mut directory, _) = CheckpointDir::open(&path).unwrap();
                    if !is_there_before {
                        put();
                    }
                    let mut moved = Vec::new();
                    for step in [25, 30, 40, 50, 60, 70] {
                        moved.extend(directory.save(&encoded(&at(step))).unwrap());
                        moved.extend(directory.save_best(&encoded(&at(step))).unwrap());
                    }
                    let kept: Vec<_> = fs::read_dir(&path)
                        .unwrap()
                        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
                        .collect();
                    ensure(kept.contains(&bytes), || Failure::lost(format!("{name}: {what}")))?;
                    let aside = path.join(format!("{name}.skipped"));
                    let is_reported =
                        moved.iter().all(|it| (&it.from, &it.to) == (&path.join(name), &aside));
                    ensure(moved.len() == 1 && is_reported, || {
                        Failure::wrong(format!("{what}: {moved:?}"))
                    })?;
                    let newest = Newest::load(&path).unwrap();
                    let all = || Failure::wrong(format!("{what}: {:?}", newest.skipped));
                    ensure(newest.checkpoint == at(70) && newest.skipped.is_empty(), all)
                });
            }
        }
    }
    tally.finish();
}

/// A run can resume from a checkpoint of a newer version. But replacing it would lose what that version added.
#[test]
fn a_newer_checkpoint_is_never_removed() {
    let (_root, path) = saved(&[10, 20, 30]);
    let bytes = newer(encoded(&at(30)).bytes().to_vec());
    fs::write(path.join("ckpt-000030.model"), &bytes).unwrap();
    let (mut directory, newest) = CheckpointDir::open(&path).unwrap();
    assert_eq!(newest.checkpoint, at(30));
    for step in [40, 50, 60, 70] {
        directory.save(&encoded(&at(step))).unwrap();
    }
    assert_eq!(fs::read(path.join("ckpt-000030.model")).unwrap(), bytes);
}

/// If a directory has checkpoints of two runs, the run with the newest state resumes. The checkpoints of the other run
/// stay.
#[test]
fn checkpoints_of_another_run_are_kept() {
    let mut tally = Tally::new("B18", "checkpoints of another run in a directory");
    let of_another = |step: u64, change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint = at(step);
        change(&mut checkpoint);
        encoded(&checkpoint).bytes().to_vec()
    };
    let changes: [&dyn Fn(&mut Checkpoint); 3] = [
        &|it| it.training.as_mut().unwrap().config.seed += 1,
        &|it| it.info.dataset.as_mut().unwrap().name = "other".into(),
        &|it| it.training.as_mut().unwrap().history[0].train.loss += 0.5,
    ];
    for change in changes {
        tally.case(|| {
            let (_root, path) = saved(&[10, 20, 30]);
            let others = [("ckpt-000015.model", 15), ("best.model", 25)]
                .map(|(name, step)| (name, of_another(step, change)));
            for (name, bytes) in &others {
                fs::write(path.join(name), bytes).unwrap();
            }
            let (mut directory, newest) = CheckpointDir::open(&path).unwrap();
            let found = newest.checkpoint == at(30) && newest.skipped.len() == 2;
            ensure(found, || Failure::wrong(format!("{:?}", newest.skipped)))?;
            says(&newest.skipped[0], &["best.model: belongs to another run than", "ckpt-000030"]);
            for step in [40, 50, 60, 70] {
                directory.save(&encoded(&at(step))).unwrap();
                directory.save_best(&encoded(&at(step))).unwrap();
            }
            let kept = |name: &str| fs::read(path.join(name)).ok();
            let [(numbered, one), (best, other)] = &others;
            let aside = format!("{best}.skipped");
            let all = kept(numbered).as_ref() == Some(one) && kept(&aside).as_ref() == Some(other);
            ensure(all, || Failure::lost(format!("{:?}", names(&path))))
        });
    }
    tally.finish();
}

/// Each file that is set aside gets a name of its own.
#[test]
fn nothing_that_was_set_aside_is_replaced() {
    let (_root, path) = saved(&[10]);
    let mut all = Vec::new();
    for n in 0..4 {
        let text = format!("the {n}th");
        fs::write(path.join("ckpt-000020.model"), &text).unwrap();
        CheckpointDir::open(&path).unwrap().0.save(&encoded(&at(20))).unwrap();
        all.push(text);
    }
    let endings = ["", ".1", ".2", ".3"];
    let kept = endings.map(|end| path.join(format!("ckpt-000020.model.skipped{end}")));
    assert_eq!(kept.map(|path| fs::read_to_string(path).unwrap()).as_slice(), all);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Any file of the directory can be a link, for example from a stranger's archive. What it leads to is neither read
    /// nor written.
    #[test]
    fn links_are_not_followed() {
        let mut tally = Tally::new("B18", "links under the names of a directory of checkpoints");
        let names = [
            "best.model",
            "ckpt-000030.model",
            "ckpt-000010.model",
            "final.model",
            "checkpoints.lock",
        ];
        for name in names {
            for target in ["there", "absent", &format!("run/{name}")] {
                tally.case(|| {
                    let (root, path) = saved(&[10, 20]);
                    let there = root.path().join("there");
                    let precious = encoded(&at(30)).bytes().to_vec();
                    fs::write(&there, &precious).unwrap();
                    let _ = fs::remove_file(path.join(name));
                    symlink(root.path().join(target), path.join(name)).unwrap();
                    match CheckpointDir::open(&path) {
                        Ok((mut directory, newest)) => {
                            let found = newest.checkpoint;
                            ensure(found == at(20), || Failure::torn(format!("{name} was read")))?;
                            let is_output = directory.final_path().is_ok();
                            let followed = || Failure::wrong("a link as the output");
                            ensure(is_output == (name != "final.model"), followed)?;
                            directory.rehearse_save(&encoded(&at(30))).map_err(Failure::wrong)?;
                            for step in [30, 40, 50, 60] {
                                directory.save(&encoded(&at(step))).unwrap();
                                directory.save_best(&encoded(&at(step))).unwrap();
                            }
                        }
                        Err(error) => {
                            let is_lock = name == "checkpoints.lock";
                            ensure(is_lock, || Failure::wrong(error.to_string()))?;
                            says(&error, &["checkpoints.lock", "a symbolic link"]);
                        }
                    }
                    let kept = fs::read(&there).unwrap() == precious;
                    ensure(kept, || Failure::lost("what a link leads to"))?;
                    let made = root.path().join("absent").exists();
                    ensure(!made, || Failure::wrong("a file was created through a link"))
                });
            }
        }
        tally.finish();
    }
}
