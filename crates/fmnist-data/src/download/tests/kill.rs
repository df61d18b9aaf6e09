//! Fetches that are killed, and what they leave.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Instant;

use tally::{Dice, Tally, size};

use super::*;
use crate::child;
use crate::fixture::right;

/// A directory that holds the files of [`noisy_files`].
fn noisy_source() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fixture::write(dir.path(), &noisy_files());
    dir
}

/// The argument of a child: where to fetch into, and from where.
fn paths(target: &Path, source: &Path) -> PathBuf {
    std::env::join_paths([target, source]).unwrap().into()
}

#[test]
fn in_child() {
    let Some(paths) = child::argument() else { return };
    let paths: Vec<PathBuf> = std::env::split_paths(&paths).collect();
    let [dir, source] = paths.try_into().unwrap();
    let manifest = Target::of(noisy_files()).manifest;
    println!("\nready");
    let source = Source::Directory(source);
    // As slow as a network, so that many kills come between the first byte and the last.
    let mut slowly = |_: DownloadProgress<'_>| thread::sleep(Duration::from_millis(5));
    fetch_into(&dir, &manifest, config(), &[source], &mut slowly).unwrap();
}

/// Starts the child, and returns when its fetch begins.
fn start(target: &Target, source: &Path) -> Child {
    let paths = paths(target.dir.path(), source);
    let mut command = child::command(&[], "download::tests::kill::in_child", &paths);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "ready"));
    child
}

#[test]
fn a_killed_fetch_is_healed_by_the_next() {
    let mut tally = Tally::new("D10", "fetches killed at a random moment");
    let (source, cases) = (noisy_source(), size(8, 20));
    let whole = Target::of(noisy_files());
    let mut child = start(&whole, source.path());
    let begun = Instant::now();
    assert!(child.wait().unwrap().success());
    let end = begun.elapsed();
    whole.assert_complete();

    let mut dice = Dice::new(10);
    // Some end before they are killed. These do not count.
    for _ in 0..10 * cases {
        let target = Target::of(noisy_files());
        let mut child = start(&target, source.path());
        thread::sleep(dice.time(end));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            continue;
        }
        tally.case(|| {
            target.check_names()?;
            let again = target.fetch(&[Source::Directory(source.path().into())]);
            right(again.is_ok(), &again)?;
            target.check_complete()
        });
        if tally.cases() == cases {
            break;
        }
    }
    tally.finish();
}

#[test]
fn files_of_a_killed_fetch_are_swept() {
    let mut tally = Tally::new("D10", "temporary files of killed fetches");
    let [stale, kept] = [TEMPORARY.1, ".notes"].map(|end| format!("{}abc123{end}", TEMPORARY.0));
    let mut check = |zipped: &[&'static str]| {
        let target = Target::new();
        fixture::write(target.dir.path(), &target.raw);
        for spec in target.manifest.files.iter().filter(|spec| !zipped.contains(&spec.name)) {
            fs::remove_file(target.path(spec.name)).unwrap();
        }
        fs::write(target.path(&stale), b"half a file").unwrap();
        fs::write(target.path(&kept), b"somebody else's").unwrap();
        let server = target.mirror(Behaviour::Good);
        let fetched = target.fetch_within(config(), &[server.source()], &mut |_| {});
        tally.case(|| {
            right(fetched.is_ok(), &fetched)?;
            right(!target.path(&stale).exists(), "not swept")?;
            ensure(target.path(&kept).exists(), || Failure::lost("what is not ours"))?;
            target.check_complete()
        });
    };
    check(&[]);
    check(&[IMAGES]);
    // Everything is there, and only needs to be unzipped.
    check(&manifest::fashion_mnist().files.map(|spec| spec.name));
    tally.finish();
}

/// Other programs may have files with almost the same names, and links and directories with exactly these names.
#[cfg(unix)]
#[test]
fn only_temporary_files_are_swept() {
    let mut tally =
        Tally::new("D15", "links, directories and files with names like temporary ones");
    let target = Target::new();
    let own = target.path("own");
    fs::write(&own, "my own").unwrap();
    let names = ["abc12", "abc1234", "abc-12", "b\u{e4}c12", ""];
    let names = names.map(|name| format!("{}{name}{}", TEMPORARY.0, TEMPORARY.1));
    for name in &names {
        fs::write(target.path(name), "my own").unwrap();
    }
    let named = |random: &str| target.path(&format!("{}{random}{}", TEMPORARY.0, TEMPORARY.1));
    let [link, dangling, directory, pipe] = ["link12", "absent", "direct", "pipe12"].map(named);
    std::os::unix::fs::symlink(&own, &link).unwrap();
    std::os::unix::fs::symlink(target.path("absent"), &dangling).unwrap();
    fs::create_dir(&directory).unwrap();
    drop(std::process::Command::new("mkfifo").arg(&pipe).status());
    let kept: Vec<PathBuf> = names.iter().map(|name| target.path(name)).collect();
    let kept = [kept, vec![own.clone(), link, dangling, directory, pipe]].concat();
    let kept: Vec<_> = kept.iter().filter(|path| fs::symlink_metadata(path).is_ok()).collect();
    let server = target.mirror(Behaviour::Good);
    let fetched = target.fetch_within(config(), &[server.source()], &mut |_| {});
    tally.case(|| right(fetched.is_ok(), &fetched));
    for path in kept {
        tally.case(|| ensure(fs::symlink_metadata(path).is_ok(), || Failure::lost(path.display())));
    }
    tally.case(|| ensure(fs::read(&own).unwrap() == b"my own", || Failure::lost("own")));
    tally.finish();
}
