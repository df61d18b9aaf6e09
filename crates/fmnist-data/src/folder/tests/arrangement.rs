//! Folders with an arrangement that no dataset may have.

#[cfg(unix)]
use std::os::unix::ffi::OsStrExt as _;

use tally::{Failure, Tally};

use super::*;
use crate::fixture::refused;

/// Fails unless a good folder is refused after a change.
fn refused_with(change: impl FnOnce(&TempDir), words: &[&str]) -> Result<(), Failure> {
    let dir = parted();
    change(&dir);
    refused(load(&dir), words)
}

#[test]
fn wrong_arrangements_are_refused() {
    let mut tally = Tally::new("D11", "folders with a wrong arrangement");
    let picture = png(grey(1));
    let remove = |dir: &TempDir, name: &str| fs::remove_dir_all(dir.path().join(name)).unwrap();
    let mut check =
        |change: &dyn Fn(&TempDir), words: &[&str]| tally.case(|| refused_with(change, words));
    let hint = "DIR/train/CLASS/*.png";
    check(&|dir| remove(dir, ""), &[": no such directory"]);
    check(&|dir| remove(dir, "test"), &["expected a test set, or a class with 6 pictures", hint]);
    check(&|dir| remove(dir, "train"), &["expected a folder train, found test without train"]);
    check(&|dir| remove(dir, "test/b"), &["train has a class \"b\"", "test has none of this name"]);
    check(
        &|dir| remove(dir, "train/a"),
        &["test has a class \"a\"", "train has none of this name"],
    );
    let empty = |name: &'static str| {
        move |dir: &TempDir| {
            remove(dir, name);
            fs::create_dir(dir.path().join(name)).unwrap();
        }
    };
    check(&empty("train/b"), &["train/b: expected pictures of this class, found none", hint]);
    check(&empty("test"), &["train has a class \"a\""]);
    check(
        &empty(""),
        &["expected 2 classes or more, each with its pictures, found 0 of them", hint],
    );
    let no_test =
        |dir: &TempDir| ["test/a", "test/b"].into_iter().for_each(|name| empty(name)(dir));
    check(&no_test, &["expected a test set, or a class with 6 pictures or more, found fewer"]);
    let one_class =
        |dir: &TempDir| ["train/b", "test/b"].into_iter().for_each(|name| remove(dir, name));
    check(
        &one_class,
        &["train: expected 2 classes or more, each with its pictures, found 1 of them"],
    );
    let too_few = |dir: &TempDir| {
        empty("")(dir);
        for name in ["a/1.png", "a/2.png", "b/1.png"] {
            put(dir, name, &picture);
        }
    };
    check(&too_few, &["expected a test set, or a class with 6 pictures or more, found fewer"]);
    let with = |name: &'static str| {
        let picture = &picture;
        move |dir: &TempDir| put(dir, name, picture)
    };
    check(
        &with("train/1.png"),
        &["train/1.png: expected pictures in the folders of their classes"],
    );
    check(&with("test/1.JPG"), &["test/1.JPG: expected pictures in the folders"]);
    check(&with("test/1.webp"), &["test/1.webp: expected pictures in the folders"]);
    check(&with("train/1.Tiff"), &["train/1.Tiff: expected pictures in the folders"]);
    check(&with("Training/a/1.png"), &["train: expected one folder of this kind, as ", "Training"]);
    check(&with("val/a/1.png"), &["train has a class \"b\"", "val has none of this name"]);
    let below = "train/a/1/2/3/4/5/6/7/8/9/1.png";
    check(&with(below), &["7/8/9: expected at most 8 folders below that of a class"]);
    check(
        &with("train/a/\u{1b}[2J.png"),
        &["train/a: expected names without control", "\\u001b[2J"],
    );
    check(&with("train/\u{202e}c/1.png"), &["train: expected names without control", "\\u202e"]);
    let many =
        |dir: &TempDir| (0..255).for_each(|i| put(dir, &format!("train/c{i}/1.png"), &picture));
    check(&many, &["train: expected at most 256 classes, found more"]);
    #[cfg(unix)]
    check(
        &|dir| {
            fs::create_dir(dir.path().join("train").join(std::ffi::OsStr::from_bytes(b"\xff")))
                .unwrap()
        },
        &["expected a class's name in UTF-8 of 1 to 255 bytes, found nothing"],
    );
    tally.finish();
}

#[test]
fn files_that_are_not_pictures() {
    let mut tally = Tally::new("D11", "files in a class's folder that are not pictures");
    let mut check = |name: &str, bytes: &[u8], words: &[&str]| {
        tally.case(|| refused_with(|dir| put(dir, name, bytes), words));
    };
    for name in ["train/a/1.png", "train/b/9", "test/b/0.png"] {
        let place = format!("{name}: ");
        let kind =
            "expected a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, ICO, TGA or QOI), found ";
        check(name, b"", &[&place, kind, "an empty file"]);
        check(name, b"Dear diary,\n", &[&place, kind, "a text file"]);
        check(name, b"\0\0\0\x1cftypavif", &[&place, kind, "an AVIF image; open it in a viewer"]);
        check(name, b"GIF89a", &[&place, "check the file in a viewer"]);
        check(name, b"\x89PNG\r\n\x1a\n", &[&place, "check the file in a viewer"]);
    }
    let large = png(GrayImage::new(1025, 1));
    check(
        "train/a/1.png",
        &large,
        &["a/1.png: expected sides of at most 1024", "found 1025x1", "--image-size"],
    );
    let turned = png(GrayImage::new(3, 2));
    check("train/a/2.png", &turned, &["a/2.png: expected 2x3 as ", "a/1.png, found 3x2"]);
    check("test/a/1.png", &turned, &["test/a/1.png: expected 2x3 as ", "train/a/1.png, found 3x2"]);
    tally.finish();
}
