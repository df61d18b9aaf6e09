use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::ops::ControlFlow;
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, ffi::OsStr, fs, io, path::PathBuf, thread};

use nn_io::{Checkpoint, CheckpointDir, CheckpointRef, ErrorKind, Newest, OutputFile};
use nn_train::{Features, Samples, Threads, Trainer};
use tally::{Dice, Failure, Tally, ensure, size};

use crate::checkpoint_dir::{at, encoded};
use crate::fixture;

/// The variable with the directory in which a child process of this test works, until it is killed.
const CHILD: &str = "NN_IO_CHILD";

/// The command that runs one of this program's tests as a child process, through another program if one is given.
fn child(wrapper: &[&str], test: &str, directory: &Path) -> Command {
    let exe = env::current_exe().unwrap();
    let mut words = wrapper.iter().map(OsStr::new).chain([exe.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", test, "--nocapture"]).env(CHILD, directory);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// The directory in which a child process works. `None` in an ordinary run of the tests, in which the children do
/// nothing.
fn directory_of_child() -> Option<PathBuf> {
    env::var_os(CHILD).map(Into::into)
}

/// A child process: saves one checkpoint after another, and prints each after it was saved.
#[test]
fn child_that_saves_without_end() {
    let Some(directory) = directory_of_child() else { return };
    let (mut checkpoints, mut step) = match CheckpointDir::open(&directory) {
        Ok((checkpoints, newest)) => {
            (checkpoints, newest.checkpoint.training.unwrap().optimizer.step())
        }
        Err(_) => (CheckpointDir::create(&directory).unwrap(), 0),
    };
    println!("ready");
    loop {
        step += 1;
        let checkpoint = at(step);
        checkpoints.save(&encoded(&checkpoint)).unwrap();
        if step.is_multiple_of(3) {
            checkpoints.save_best(&encoded(&checkpoint)).unwrap();
        }
        writeln!(io::stdout(), "saved {step}").unwrap();
    }
}

/// `kill -9` at random moments of a process that only saves. No checkpoint that it has acknowledged is lost, and none
/// is torn.
#[test]
fn killed_while_saving() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("run");
    let mut tally = Tally::new("B1", "kill -9 in a loop of saves");
    let mut dice = Dice::new(1);
    let mut acknowledged = 0;
    for _ in 0..size(200, 2000) {
        tally.case(|| {
            let mut saver =
                child(&[], "kills::child_that_saves_without_end", &directory).spawn().unwrap();
            let mut stdout = BufReader::new(saver.stdout.take().unwrap());
            let mut output = String::new();
            while !output.ends_with("ready\n") && stdout.read_line(&mut output).unwrap() > 0 {}
            thread::sleep(dice.time(Duration::from_millis(25)));
            saver.kill().unwrap();
            stdout.read_to_string(&mut output).unwrap();
            saver.wait().unwrap();
            let steps = output.lines().filter_map(|line| line.split("saved ").nth(1)?.parse().ok());
            acknowledged = steps.chain([acknowledged]).max().unwrap();
            let newest = match Newest::load(&directory) {
                Ok(newest) => newest,
                Err(_) if acknowledged == 0 => return Ok(()),
                Err(error) => return Err(Failure::lost(error)),
            };
            let step = newest.checkpoint.training.as_ref().unwrap().optimizer.step();
            let lost = || Failure::lost(format!("step {step} instead of {acknowledged}"));
            ensure(step >= acknowledged, lost)?;
            ensure(newest.checkpoint == at(step), || Failure::torn(format!("step {step}")))?;
            ensure(newest.skipped.is_empty(), || Failure::torn(&newest.skipped[0]))
        });
    }
    assert!(acknowledged > 0, "nothing was ever saved");
    tally.finish();
}

/// A child process: saves once, over the existing file.
#[test]
fn child_that_saves_once() {
    if let Some(directory) = directory_of_child() {
        at(2).view().save(directory.join("m.model")).unwrap();
    }
}

/// The system's limit on file sizes kills the process when its file reaches a length.
#[test]
#[cfg(target_os = "linux")]
fn killed_at_any_byte() {
    const SIGXFSZ: i32 = 25;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("m.model");
    let (old, new) = (at(1), at(2));
    let len = new.view().to_bytes().unwrap().len();
    let mut tally = Tally::new("B3", "killed at each 64th byte of a save");
    for limit in (0..=len + 64).step_by(64) {
        old.view().save(&path).unwrap();
        let limited = ["prlimit", &format!("--fsize={limit}")];
        let mut saver = child(&limited, "kills::child_that_saves_once", root.path());
        let status = saver.stdout(Stdio::null()).status();
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                writeln!(
                    io::stderr(),
                    "notice: nothing was tested, since prlimit does not run: {error}"
                )
                .unwrap();
                return;
            }
        };
        tally.case(|| {
            let found = Checkpoint::load(&path).map_err(Failure::torn)?;
            let is_killed = status.signal() == Some(SIGXFSZ);
            ensure(is_killed == (limit < len), || Failure::wrong(format!("{limit}: {status}")))?;
            let expected = if is_killed { &old } else { &new };
            ensure(found == *expected, || Failure::lost(format!("killed at byte {limit}")))
        });
    }
    tally.finish();
}

/// A panic during a step reaches the caller of the trainer, so no unfinished state is saved.
#[test]
fn a_panic_in_training() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("m.model");
    let Checkpoint { model, info, training } = fixture::checkpoint();
    let mut training = training.unwrap();
    (training.progress, training.history) = (Default::default(), Vec::new());
    training.optimizer =
        nn_optim::Optimizer::new(nn_optim::Adam::default(), model.params().len()).unwrap();
    let mut trainer = Trainer::new(model, training, &Threads::new(2).unwrap()).unwrap();
    let samples = Samples::new(Features::Floats(&[0.5; 64 * 4]), 4, &[1; 64]).unwrap();
    let mut tally = Tally::new("B17", "a panic in the middle of an epoch");
    let save = |trainer: &Trainer| {
        let (model, training) = (trainer.model(), Some(trainer.state()));
        CheckpointRef { model, info: &info, training }.save(&path).unwrap();
    };
    trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
    save(&trainer);
    let saved = fs::read(&path).unwrap();
    tally.case(|| {
        let run = AssertUnwindSafe(|| {
            let panic_at_3 = &mut |step: nn_train::Step<'_>| match step.batch {
                3 => panic!("a bug"),
                _ => ControlFlow::Continue(()),
            };
            trainer.train_epoch(&samples, None, panic_at_3).unwrap();
            save(&trainer);
        });
        ensure(catch_unwind(run).is_err(), || {
            Failure::wrong("the panic did not reach the caller")
        })?;
        ensure(fs::read(&path).unwrap() == saved, || Failure::lost("the last good file"))
    });
    tally.finish();
}

/// A load while the file is replaced gives the old file or the new one.
#[test]
fn read_while_it_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("m.model");
    let versions = [at(1), at(2)];
    versions[0].view().save(&path).unwrap();
    let mut tally = Tally::new("B11", "loads during replacements");
    let replacements = size(100, 1000);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for i in 0..replacements {
                versions[i % 2].view().save(&path).unwrap();
            }
        });
        while !writer.is_finished() {
            tally.case(|| {
                let found = Checkpoint::load(&path).map_err(Failure::torn)?;
                ensure(versions.contains(&found), || Failure::torn("a mixture"))
            });
        }
    });
    tally.finish();
}

/// The number of times that each of two processes holds a lock.
const TURNS: usize = 5000;

/// A child process: takes a lock repeatedly, and checks that no other process holds it.
#[test]
fn child_that_takes_a_lock() {
    let Some(directory) = directory_of_child() else { return };
    let (output, mark) = (directory.join("m.model"), directory.join("held"));
    let mut held = 0;
    while held < TURNS {
        match OutputFile::claim(&output) {
            Ok(_lock) => {
                // Fails if the other process holds the lock too.
                fs::File::create_new(&mark).unwrap();
                fs::remove_file(&mark).unwrap();
                held += 1;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
        }
    }
    println!("held {held}");
}

/// Two processes race for a lock whose file each holder removes.
#[test]
fn a_lock_has_one_holder() {
    let root = tempfile::tempdir().unwrap();
    let mut tally = Tally::new("B10", "two processes race for a lock 10,000 times");
    let start = |_| child(&[], "kills::child_that_takes_a_lock", root.path()).spawn().unwrap();
    for child in [(); 2].map(start) {
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        for _ in 0..TURNS {
            let held = stdout.contains(&format!("held {TURNS}"));
            tally.case(|| ensure(held, || Failure::torn(&stdout)));
        }
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "a lock is left over");
    tally.finish();
}
