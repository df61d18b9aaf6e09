use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nn_io::Checkpoint;
use nn_optim::Optimizer;
use tally::{Dice, Failure, Tally, ensure, size};

use crate::fixture::{self, mentions};

/// How a file may be changed under its reader.
type Change = fn(&Path, &[u8], &mut Dice);

/// Cuts the file in place.
fn truncate(path: &Path, _: &[u8], dice: &mut Dice) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len() as usize;
    file.set_len(dice.below(len) as u64).unwrap();
}

/// Writes another model over the file in place, part by part: no length shows that.
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
    let beside = path.with_extension("new");
    fs::write(&beside, other).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// Removes the file.
fn remove(path: &Path, _: &[u8], _: &mut Dice) {
    fs::remove_file(path).unwrap();
}

/// Whatever happens to a file while it is read: an error, or one of the models that it was.
#[test]
fn races() {
    let mut tally =
        Tally::new("A16", "changed while it is read: cut, overwritten, extended, replaced");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    let first = fixture::real();
    // As long as the first, and other throughout: no mixture of both is either.
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
                    // No sleep is as short as this.
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

    /// Checks that there is an error, for the reason that the system or this crate gives, at once.
    fn unread(path: &Path, kind: ErrorKind, expected: &[&str]) -> Result<(), Failure> {
        let start = Instant::now();
        // On a thread that may wait for ever.
        let (sender, receiver) = mpsc::channel();
        let load = path.to_path_buf();
        thread::spawn(move || drop(sender.send(Checkpoint::load(load))));
        let Ok(result) = receiver.recv_timeout(Duration::from_secs(20)) else {
            return Err(Failure::wrong(format!("{} hangs", path.display())));
        };
        let Err(error) = result else { return Err(Failure::torn(path.display())) };
        let time = start.elapsed();
        ensure(error.kind() == kind, || Failure::wrong(format!("{error:?}")))?;
        // Only the full size looks at the clock.
        let soon = !is_full() || time < Duration::from_millis(100);
        ensure(soon, || Failure::wrong(format!("{} after {time:?}", path.display())))?;
        mentions(&error, &[&[path.to_str().unwrap()], expected].concat())
    }

    #[test]
    fn no_regular_files() {
        let mut tally =
            Tally::new("A17", "no regular file: pipe, device, directory, loop, system's");
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
        // They say that they are regular, of length 0, and then have content, or none.
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

    /// Tells this test, in a process of another user, what to read.
    const CHILD: &str = "NN_IO_UNREADABLE";

    /// To root every file is readable: as root, the test runs itself as nobody.
    #[test]
    fn unreadable() {
        if let Some(path) = env::var_os(CHILD) {
            let expected = &["cannot open", "ermission denied"];
            return unread(Path::new(&path), ErrorKind::Io, expected).unwrap();
        }
        let mut tally =
            Tally::new("A17", "no regular file: one that may not be read, a closed directory");
        let directory = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode));
        mode(directory.path(), 0o755).unwrap();
        // Where the program was built, nobody may have no business.
        let program = directory.path().join("program");
        // By another process: a program that somebody has open for writing, if only a child of another
        // test that is about to start, cannot be run.
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
