//! Files of other kinds and other sets under a dataset's names.

use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tally::{Failure, Tally, ensure};

use super::*;
use crate::fixture::{notice, refused, right};

/// Fails unless the file is refused both as a published file and as one of a custom dataset, each with its words.
fn refused_as(file: &[u8], pinned: &str, unpinned: &str) -> Result<(), Failure> {
    let tiny = Tiny::new().put(NAMES[1], file);
    refused(tiny.load(), &[NAMES[1], pinned, "fetch the dataset again"])?;
    refused(tiny.load_idx(), &[NAMES[1], unpinned])
}

#[test]
fn other_kinds_of_files_are_named() {
    let mut tally = Tally::new("D3", "files of other kinds under a dataset's name");
    let mut check = |file: &[u8], pinned: &str, unpinned: &str| {
        tally.case(|| refused_as(file, pinned, unpinned));
    };
    let expected = |kind: &str| format!("expected an IDX file, raw or gzip, found {kind}");
    check(b"<html>403 Forbidden", "19 bytes, an HTML page", &expected("an HTML page"));
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:3aede38d\n";
    check(pointer, "a git-lfs pointer", &expected("a git-lfs pointer (the file itself was never"));
    check(b"", "0 bytes, an empty file", &expected("an empty file"));
    check(b"PK\x03\x04", "4 bytes, a zip archive", &expected("a zip archive"));
    check(b"\x08\x01", "unknown data that starts with 08 01", &expected("unknown data"));
    check(&gzip(b"<html>"), "a gzip stream", "byte 0 (magic number): expected 00 00, found 3c 68");
    tally.finish();
}

#[test]
fn gzip_or_raw_is_decided_by_content() {
    let mut tally = Tally::new("D3", "raw files named .gz, gzip files named raw");
    let (pinned, unpinned) = (Tiny::new().load().unwrap(), Tiny::new().load_idx().unwrap());
    let mut accept = |tiny: Tiny| {
        tally.case(|| {
            right(tiny.load().is_ok_and(|found| found == pinned), "not the published set")?;
            right(
                tiny.load_idx().is_ok_and(|found| found.info.sha256 == unpinned.info.sha256),
                "not the same set",
            )
        });
    };
    let raw = fixture::raw_files(0);
    accept(Tiny::new().remove(NAMES[0]).put("train-images-idx3-ubyte", &raw[0]));
    accept(Tiny::new().put(NAMES[1], &raw[1]));
    accept(Tiny::new().remove(NAMES[2]).put("t10k-images-idx3-ubyte", &gzip(&raw[2])));
    tally.finish();
    let both = Tiny::new().put("t10k-labels-idx1-ubyte", b"the zipped one comes first");
    assert_eq!(both.load().unwrap(), pinned);
}

/// Opening or reading one would block, or never end. The test would then fail after `PATIENCE`.
#[cfg(unix)]
#[test]
fn other_things_than_files_are_refused_at_once() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let mut tally = Tally::new("D3", "directories, pipes and devices under a dataset's name");
    let make = |tool: &str, arguments: &[&str], name: &str| -> Option<Tiny> {
        let tiny = Tiny::new().remove(name);
        let path = tiny.dir.path().join(name);
        let made = Command::new(tool).args(arguments).arg(path).status();
        made.is_ok_and(|status| status.success()).then_some(tiny)
    };
    for name in [NAMES[0], NAMES[3]] {
        for (tool, arguments, reason) in [
            ("mkdir", &[][..], "cannot open: not a regular file"),
            ("mkfifo", &[], "cannot open: not a regular file"),
            ("ln", &["-s", "/dev/zero"], "cannot open: not a regular file"),
            ("ln", &["-s", "/dev/tty"], "cannot open: not a regular file"),
            ("ln", &["-s", name], "no dataset here, missing"),
        ] {
            let Some(tiny) = make(tool, arguments, name) else {
                notice(&format!("no {tool} on this machine"));
                continue;
            };
            let (answer, answers) = mpsc::channel();
            thread::spawn(move || {
                let _ = answer.send([tiny.load(), tiny.load_idx()]);
            });
            tally.case(|| {
                let late = |_| Failure::wrong(format!("{tool} {arguments:?}: no answer"));
                let results = answers.recv_timeout(PATIENCE).map_err(late)?;
                results.into_iter().try_for_each(|result| refused(result, &[name, reason]))
            });
        }
    }
    tally.finish();
}

#[test]
fn mnist_is_recognised_by_its_checksums() {
    let mut tally = Tally::new("D7", "files of MNIST under Fashion-MNIST's names");
    let mnist = fixture::raw_files(5);
    for (name, raw) in NAMES.iter().zip(&mnist) {
        let words = [name, "this is MNIST (handwritten digits)", "different directories"];
        tally.case(|| refused(Tiny::new().put(name, &gzip(raw)).load(), &words));
    }
    let all = Tiny::new();
    fixture::write(all.dir.path(), &mnist);
    tally.case(|| refused(all.load(), &["this is MNIST"]));
    // As a custom dataset, it is accepted.
    tally.case(|| right(all.load_idx().is_ok(), "MNIST is refused as an unpinned set"));
    tally.finish();
}

/// The classes of a custom dataset may have any number of images. For the published set, the checksums determine the
/// numbers.
#[test]
fn class_counts_are_as_published() {
    let mut tally = Tally::new("D8", "class counts");
    let mut uneven = fixture::raw_files(0);
    // One image of class 0 more, one of class 9 less; everything else is the same.
    let nine = uneven[1].iter().rposition(|&label| label == 9).unwrap();
    uneven[1][nine] = 0;
    let tiny = Tiny::new().put(NAMES[1], &gzip(&uneven[1]));
    tally.case(|| refused(tiny.load(), &[NAMES[1], "expected "]));
    tally.case(|| {
        let counts = tiny.load_idx().unwrap().train.class_counts();
        right(counts == [3, 2, 2, 2, 2, 2, 2, 2, 2, 1], counts)
    });
    if let Some(dir) = fixture::published_dir() {
        let dataset = Dataset::fashion_mnist(&dir).unwrap();
        let counts = |split: &Split| split.class_counts();
        tally.case(|| right(counts(&dataset.train) == [6_000; 10], counts(&dataset.train)));
        tally.case(|| right(counts(&dataset.test) == [1_000; 10], counts(&dataset.test)));
        let size = (dataset.train.images.height, dataset.train.images.width);
        tally.case(|| right(size == (28, 28), size));
        // The pinned fingerprint is that of the content.
        let Dataset { train, test, info, .. } = dataset;
        let [train, test] =
            [train, test].map(|Split { images, labels, .. }| LabelledImages { images, labels });
        let DatasetInfo { name, sha256, .. } = &*info;
        let content = &Dataset::garments(train, test, *name).info.sha256;
        tally.case(|| ensure(content == sha256, || Failure::torn(content.as_str())));
    }
    tally.finish();
}
