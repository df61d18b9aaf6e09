//! Disks without room, and two fetches into one directory.

use std::process::Command;
use std::sync::mpsc;
use std::thread;

use tally::{Dice, Tally, size};

use super::*;
use crate::child;
use crate::fixture::{notice, refused, right, says};

/// The directory that the child fetches into, a file system of its own.
const MOUNT: &str = "target";
/// The directory that the child fetches from.
const SOURCE: &str = "source";
/// A damaged file that is there before.
const OLD: (&str, &[u8]) = ("t10k-images-idx3-ubyte.gz", b"old");

/// Fetches into a file system that may be too small. The answer is what the child prints, or its panic.
#[test]
fn in_child() {
    let Some(root) = child::argument() else { return };
    let raw = noisy_files();
    let manifest = Target::of(raw.clone()).manifest;
    let dir = root.join(MOUNT);
    let labels = gzip(&raw[1]);
    fs::write(dir.join(LABELS), &labels).unwrap();
    fs::write(dir.join(OLD.0), OLD.1).unwrap();
    let source = Source::Directory(root.join(SOURCE));
    let result = fetch_into(&dir, &manifest, config(), &[source], &mut |_| {});

    assert_eq!(fs::read(dir.join(LABELS)).unwrap(), labels);
    let entries = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.starts_with(TEMPORARY.0)), "{names:?}");
    let goods = manifest.files.each_ref().map(|spec| is_good(&dir.join(spec.name), spec).unwrap());
    let Err(error) = result else {
        assert_eq!(goods, [true; 4]);
        println!("\nthere was room");
        return;
    };
    // Files are fetched in order, and the error names the first that did not fit.
    let first = goods.iter().position(|good| !good).unwrap();
    let spec = &manifest.files[first];
    let room = format!("; the file takes {} bytes: make room, or name another", spec.gzip.bytes);
    let path = format!("{}: cannot write: ", dir.join(spec.name).display());
    says(&error.to_string(), &[&path, "No space left on device", &room]).unwrap();
    assert!(goods[2] || fs::read(dir.join(OLD.0)).unwrap() == OLD.1);
    println!("\nthere was no room");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_what_it_had() {
    // If the system allows it, any user may mount a file system of any size in a new namespace.
    const OWN_MOUNTS: [&str; 2] = ["unshare", "-Urm"];
    const MOUNT_AND_RUN: &str = r#"mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@""#;
    let mut probe = Command::new(OWN_MOUNTS[0]);
    if !probe.args([OWN_MOUNTS[1], "true"]).output().is_ok_and(|done| done.status.success()) {
        return notice("no file system can be mounted here to be filled");
    }
    let mut tally = Tally::new("D10", "disks that are full at byte n");
    let root = tempfile::tempdir().unwrap();
    let [mount, source] = [MOUNT, SOURCE].map(|name| root.path().join(name));
    fs::create_dir(&mount).unwrap();
    fs::create_dir(&source).unwrap();
    fixture::write(&source, &noisy_files());
    let mut check = |bytes: usize, answer: &str| {
        let bytes = bytes.to_string();
        let mount = mount.to_str().unwrap();
        let words = [OWN_MOUNTS[0], OWN_MOUNTS[1], "sh", "-c", MOUNT_AND_RUN, &bytes, mount];
        let words = words.map(AsRef::as_ref);
        let mut command = child::command(&words, "download::tests::disk::in_child", root.path());
        tally.case(|| says(&child::output(&mut command)?, &[answer]));
    };
    check(16 << 10, "there was no room");
    check(4 << 20, "there was room");
    let mut dice = Dice::new(4);
    for _ in 0..size(4, 40) {
        check((16 << 10) + dice.below(3 << 19), "there was ");
    }
    tally.finish();
}

#[test]
fn two_fetches_at_once_take_turns() {
    let mut tally = Tally::new("D10", "two fetches into one directory at once");
    for _ in 0..size(1, 20) {
        tally.case(|| {
            take_turns(&Target::new());
            Ok(())
        });
    }
    tally.finish();
}

/// The wait for a download that hangs ends, with an error that says what to do.
#[test]
fn the_wait_for_a_lock_ends() {
    let mut tally = Tally::new("D14", "locks that are never given up");
    let target = Target::new();
    let lock = Lock::attempt(target.dir.path()).unwrap().unwrap();
    let server = target.mirror(Behaviour::Good);
    let fetch = |patience: Duration| {
        let (dir, files) = (target.dir.path().to_owned(), target.manifest.files.clone());
        let sources = [server.source()];
        let (answer, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut waits = 0;
            let agent = config().proxy(None).build().new_agent();
            let progress = &mut |progress: DownloadProgress<'_>| {
                waits += usize::from(matches!(progress, DownloadProgress::Waiting));
            };
            let fetch = Fetch { dir: &dir, sources: &sources, agent, patience, progress };
            let result = fetch.all(&files);
            answer.send((result, waits))
        });
        // A missing answer is a failure like any other.
        let late = |_| Failure::wrong("no answer");
        answers.recv_timeout(Duration::from_secs(10)).map_err(late)
    };
    for milliseconds in [0, 1, 250] {
        tally.case(|| {
            let (result, waits) = fetch(Duration::from_millis(milliseconds))?;
            let reason = "another download into this directory did not end within 0 minutes";
            refused(result, &[LOCK, "cannot lock", reason, "stop it, or name another"])?;
            right(waits == 1 && server.requests() == 0, waits)
        });
    }
    drop(lock);
    tally.case(|| {
        let (result, waits) = fetch(Duration::ZERO)?;
        right(result.is_ok() && waits == 0, result)
    });
    // All files are there now, so there is nothing to wait for.
    let _lock = Lock::attempt(target.dir.path()).unwrap().unwrap();
    tally.case(|| {
        let (result, waits) = fetch(Duration::ZERO)?;
        right(result.is_ok() && waits == 0, result)
    });
    fs::remove_file(target.path(target.manifest.files[0].raw_name())).unwrap();
    tally.case(|| {
        let (result, waits) = fetch(Duration::ZERO)?;
        right(result.is_ok() && waits == 0, result)
    });
    tally.finish();
}

fn take_turns(target: &Target) {
    let server = &target.mirror(Behaviour::Good);
    let sources = &[server.source()];
    let (waiting, waits) = mpsc::channel();
    thread::scope(|scope| {
        let mut second = None;
        let first = target.fetch_with(sources, &mut |_| {
            // The first holds the lock here. It continues when the second reports that it waits.
            if second.is_none() {
                let waiting = waiting.clone();
                second = Some(scope.spawn(move || {
                    target.fetch_with(sources, &mut |progress| {
                        assert!(matches!(progress, DownloadProgress::Waiting), "{progress:?}");
                        waiting.send(()).unwrap();
                    })
                }));
                waits.recv_timeout(Duration::from_secs(10)).unwrap();
            }
        });
        first.unwrap();
        let second = second.unwrap().join().unwrap().unwrap();
        assert!(second.iter().all(|fetched| fetched.outcome == Outcome::AlreadyGood));
    });
    assert_eq!(server.requests(), 4);
    target.assert_complete();
}
