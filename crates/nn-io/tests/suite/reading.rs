use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nn_io::Checkpoint;
use nn_optim::Optimizer;
use tally::{Dice, Failure, Tally, ensure, size};

use crate::fixture::{self, mentions};

/// A change to a file while it is read.
type Change = fn(&Path, &[u8], &mut Dice);

/// Truncates the file in place.
fn truncate(path: &Path, _: &[u8], dice: &mut Dice) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len() as usize;
    file.set_len(dice.below(len) as u64).unwrap();
}

/// Overwrites the file with another model in place, part by part. Its length does not change.
fn overwrite(path: &Path, other: &[u8], _: &mut Dice) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    other.chunks(64 << 10).for_each(|part| file.write_all(part).unwrap());
}

/// Makes the file longer.
fn extend(path: &Path, other: &[u8], _: &mut Dice) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(other).unwrap();
}

/// Puts another file in its place.
fn replace(path: &Path, other: &[u8], _: &mut Dice) {
    let new = path.with_extension("new");
    fs::write(&new, other).unwrap();
    fs::rename(&new, path).unwrap();
}

/// Removes the file.
fn remove(path: &Path, _: &[u8], _: &mut Dice) {
    fs::remove_file(path).unwrap();
}

/// If a file changes while it is read, the result is an error or one of the models that it contained.
#[test]
fn races() {
    let mut tally =
        Tally::new("A16", "changed while it is read: cut, overwritten, extended, replaced");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    let first = fixture::real();
    // As long as the first and different everywhere, so that no mixture equals one of them.
    let mut second = fixture::real();
    second.model.params_mut().iter_mut().for_each(|param| *param += 1.0);
    let training = second.training.as_mut().unwrap();
    let n = training.optimizer.moments()[0].len();
    let moments = vec![fixture::buffer(n, |i| i * 1e-6); 2];
    training.optimizer = Optimizer::from_parts(Default::default(), 39, moments).unwrap();
    let bytes = first.view().to_bytes().unwrap();
    let other = second.view().to_bytes().unwrap();
    assert_eq!(bytes.len(), other.len());
    let changes: [Change; 5] = [truncate, overwrite, extend, replace, remove];
    fs::write(&path, &bytes).unwrap();
    let start = Instant::now();
    fs::read(&path).unwrap();
    let reading = start.elapsed();
    let mut dice = Dice::new(16);
    for race in 0..size(50, 500) {
        fs::write(&path, &bytes).unwrap();
        let delay = dice.time(2 * reading);
        let change = changes[race % changes.len()];
        tally.case(|| {
            let loaded = thread::scope(|scope| {
                scope.spawn(|| {
                    // A sleep would be too long.
                    let start = Instant::now();
                    while start.elapsed() < delay {}
                    change(&path, &other, &mut dice);
                });
                Checkpoint::load(&path)
            });
            match loaded {
                Err(error) => mentions(&error, &["m.model"]),
                Ok(loaded) => {
                    let whole = loaded == first || loaded == second;
                    ensure(whole, || Failure::torn(format!("change {}", race % changes.len())))
                }
            }
        });
    }
    tally.finish();
}

#[cfg(unix)]
mod unix {
    use std::env;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::process::CommandExt as _;
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::mpsc;

    use nn_io::ErrorKind;
    use tally::is_full;

    use super::*;

    /// Checks that loading fails at once, with these words.
    fn unread(path: &Path, kind: ErrorKind, expected: &[&str]) -> Result<(), Failure> {
        let start = Instant::now();
        // On a thread of its own, since loading might never return.
        let (sender, receiver) = mpsc::channel();
        let load = path.to_path_buf();
        thread::spawn(move || drop(sender.send(Checkpoint::load(load))));
        let Ok(result) = receiver.recv_timeout(Duration::from_secs(20)) else {
            return Err(Failure::wrong(format!("{} hangs", path.display())));
        };
        let Err(error) = result else { return Err(Failure::torn(path.display())) };
        let time = start.elapsed();
        ensure(error.kind() == kind, || Failure::wrong(format!("{error:?}")))?;
        // Only the full size of the test looks at the clock.
        let soon = !is_full() || time < Duration::from_millis(100);
        ensure(soon, || Failure::wrong(format!("{} after {time:?}", path.display())))?;
        mentions(&error, &[&[path.to_str().unwrap()], expected].concat())
    }

    #[test]
    fn no_regular_files() {
        let mut tally =
            Tally::new("A17", "not a regular file: pipe, device, directory, loop of links, /proc");
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let pipe = at("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        symlink("loop", at("loop")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        symlink("pipe", at("to a pipe")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let other = &["cannot open", "expected a file, found a device, pipe or socket"][..];
        let cases: [(PathBuf, &[&str]); 8] = [
            (pipe, other),
            (at("to a pipe"), other),
            (at("socket"), other),
            ("/dev/zero".into(), other),
            ("/dev/null".into(), other),
            (directory.path().into(), &["cannot open", "expected a file, found a directory"]),
            (at("loop"), &["cannot open", "symbolic link"]),
            (at("dangling"), &["cannot open", "No such file"]),
        ];
        for (path, expected) in cases {
            tally.case(|| unread(&path, ErrorKind::Io, expected));
        }
        // The system reports these as regular files of length 0, but they may have content.
        for path in ["/proc/self/status", "/proc/self/maps", "/proc/self/environ"] {
            if Path::new(path).exists() {
                let expected = &["expected a model file, found"];
                tally.case(|| unread(Path::new(path), ErrorKind::BadModel, expected));
            }
        }
        let memory = Path::new("/proc/self/mem");
        if memory.exists() {
            tally.case(|| unread(memory, ErrorKind::Io, &["cannot read", "os error"]));
        }
        tally.finish();
    }

    /// The variable with the file that a child process of this test, run by another user, reads.
    const CHILD: &str = "NN_IO_UNREADABLE";

    /// Root can read every file. So as root, the test runs itself as the user nobody.
    #[test]
    fn unreadable() {
        if let Some(path) = env::var_os(CHILD) {
            let expected = &["cannot open", "ermission denied"];
            return unread(Path::new(&path), ErrorKind::Io, expected).unwrap();
        }
        let mut tally =
            Tally::new("A17", "not a regular file: no permission for the file or its directory");
        let directory = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode));
        mode(directory.path(), 0o755).unwrap();
        // The user nobody may have no access to the build directory.
        let program = directory.path().join("program");
        // Copied by another process: a program that is open for writing cannot be run, and a child that another test is
        // starting may have inherited the open file.
        let copied = Command::new("cp").arg(env::current_exe().unwrap()).arg(&program).status();
        assert!(copied.unwrap().success());
        let closed = directory.path().join("closed");
        fs::create_dir(&closed).unwrap();
        let file = directory.path().join("m.model");
        for path in [&file, &closed.join("m.model")] {
            fs::write(path, fixture::bytes()).unwrap();
        }
        mode(&file, 0).unwrap();
        mode(&closed, 0).unwrap();
        for path in [&file, &closed.join("m.model")] {
            tally.case(|| {
                let readable = Checkpoint::load(path).is_ok();
                let mut child = Command::new(&program);
                child.args(["--exact", "reading::unix::unreadable", "--nocapture"]);
                child.env(CHILD, path).current_dir("/");
                if readable {
                    child.uid(65534);
                }
                let output = child.output().map_err(Failure::wrong)?;
                let passed = String::from_utf8_lossy(&output.stdout).contains("1 passed");
                ensure(passed, || Failure::wrong(String::from_utf8_lossy(&output.stderr)))
            });
        }
        mode(&closed, 0o755).unwrap();
        tally.finish();
    }
}
