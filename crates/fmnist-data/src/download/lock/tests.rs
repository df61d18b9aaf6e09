//! Other things in a lock's place, and lock files that are removed while others wait.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tally::{Failure, Tally, ensure, size};

use super::*;
use crate::fixture::{notice, refused, right};

/// A missing answer is a failure like any other.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn other_things_than_locks_are_refused_at_once() {
    let mut tally = Tally::new("D14", "links, pipes and directories in the place of a lock");
    let root = tempfile::tempdir().unwrap();
    let own = root.path().join("own");
    fs::write(&own, "my own").unwrap();
    let [own, absent] = [own, root.path().join("absent")];
    type Make<'a> = &'a dyn Fn(&Path);
    let mut check = |make: Make<'_>, found: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOCK);
        make(&path);
        if fs::symlink_metadata(&path).is_err() {
            return notice("no mkfifo on this machine");
        }
        let (answer, answers) = mpsc::channel();
        let place = dir.path().to_owned();
        thread::spawn(move || answer.send(Lock::attempt(&place)));
        tally.case(|| {
            let late = |_| Failure::wrong(format!("{found}: no answer"));
            let result = answers.recv_timeout(PATIENCE).map_err(late)?;
            let words = [LOCK, "expected the lock of a download, found ", found, "move it away"];
            refused(result, &words)?;
            ensure(fs::symlink_metadata(&path).is_ok(), || Failure::lost(found))?;
            right(!absent.exists(), "a file was made through a link")?;
            ensure(fs::read(&own).unwrap() == b"my own", || Failure::lost("what a link leads to"))
        });
    };
    check(&|path| symlink(&own, path).unwrap(), "a symbolic link");
    check(&|path| symlink(&absent, path).unwrap(), "a symbolic link");
    check(&|path| symlink("/dev/zero", path).unwrap(), "a symbolic link");
    check(&|path| symlink(LOCK, path).unwrap(), "a symbolic link");
    check(&|path| fs::create_dir(path).unwrap(), "a directory");
    check(&|path| drop(Command::new("mkfifo").arg(path).status()), "a pipe or device");
    tally.finish();
}

/// Another program's file under this name is never touched.
#[test]
fn only_the_file_with_the_name_is_a_lock() {
    let mut tally = Tally::new("D14", "lock files that are removed or replaced");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(LOCK);
    tally.case(|| {
        let first = Lock::attempt(dir.path()).unwrap().unwrap();
        // Opened before the first gives the lock up.
        let late = open(&path).unwrap().unwrap();
        right(Lock::attempt(dir.path()).unwrap().is_none(), "two have the lock")?;
        drop(first);
        right(!path.exists(), "the lock file stays")?;
        let second = Lock::attempt(dir.path()).unwrap().unwrap();
        right(Lock::of(late, path.clone()).unwrap().is_none(), "two have the lock")?;
        drop(second);
        right(!path.exists(), "the lock file stays")
    });
    tally.case(|| {
        let lock = Lock::attempt(dir.path()).unwrap().unwrap();
        fs::rename(&path, dir.path().join("moved")).unwrap();
        fs::write(&path, "another's").unwrap();
        drop(lock);
        ensure(path.exists(), || Failure::lost("another's lock file"))
    });
    // A file that an older version or a killed process left is used again.
    tally.case(|| {
        right(Lock::attempt(dir.path()).unwrap().is_some(), "a lock file that nobody holds")?;
        right(!path.exists(), "the lock file stays")
    });
    tally.finish();
}

#[test]
fn never_two_have_the_lock() {
    let mut tally = Tally::new("D14", "locks taken by many at once");
    let dir = tempfile::tempdir().unwrap();
    let taken = AtomicBool::new(false);
    let times = size(50, 5_000);
    let take = || {
        let mut tally = Tally::new("D14", "locks taken by many at once");
        while tally.cases() < times {
            let Some(lock) = Lock::attempt(dir.path()).unwrap() else { continue };
            tally.case(|| {
                let alone = !taken.swap(true, Ordering::SeqCst);
                ensure(alone, || Failure::torn("two have the lock"))
            });
            thread::yield_now();
            taken.store(false, Ordering::SeqCst);
            drop(lock);
        }
        tally
    };
    let parts = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(take));
        threads.map(|thread| thread.join().unwrap())
    });
    parts.into_iter().for_each(|part| tally.add(part));
    tally.finish();
}
