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
    let of_class = "expected pictures of this class, found an empty folder; add pictures";
    check(&empty("train/b"), &["train/b: ", of_class]);
    check(&empty("test/b"), &["test/b: ", of_class]);
    // An empty class that no other part has is called empty too.
    let void = |dir: &TempDir| fs::create_dir(dir.path().join("train/void")).unwrap();
    check(&void, &["train/void: ", of_class]);
    check(&empty("test"), &["train has a class \"a\""]);
    check(
        &empty(""),
        &["expected 2 classes or more, each with its pictures, found 0 of them", hint],
    );
    let no_test =
        |dir: &TempDir| ["test/a", "test/b"].into_iter().for_each(|name| empty(name)(dir));
    check(&no_test, &["test/a: ", of_class]);
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
    let dir = parted();
    let file = dir.path().join("train/a/1.png");
    refused(Folder::list(&file), &["1.png: expected a directory, found a file; name the"]).unwrap();
}

/// Pictures that lie straight in the folders of the parts have no class: "train" and "test" must not become classes.
#[test]
fn pictures_without_classes_are_refused() {
    let mut tally = Tally::new("D11", "pictures in the folders of parts, without classes");
    let mut check = |names: &[&str], words: &[&str]| {
        let dir = directory(&[]);
        for name in names {
            put(&dir, name, &png(grey(1)));
        }
        tally.case(|| refused(load(&dir), words));
    };
    let words = "expected folders of classes, or a table labels.csv next to the pictures, found only pictures";
    let hint = "; move each picture into a folder of its class, or list the files";
    check(&["train/1.png", "test/1.png"], &["/train: ", words, hint]);
    check(&["set/TRAIN/1.png", "set/Val/1.png"], &["/set/TRAIN: ", words]);
    check(&["testing/1.png", "training/1.png"], &["/training: ", words]);
    check(&["bus/1.png", "test/1.png", "validation/1.png"], &["/validation: ", words]);
    check(&["train/1.png"], &["/train: ", words]);
    check(&["train/train/1.png", "test/test/1.png"], &["/train/train: ", words]);
    // Also if the training set has classes.
    check(&["train/a/1.png", "train/b/1.png", "test/1.png"], &["/test: ", words]);
    // The tables that may have the labels are named.
    let tables = ["train/1.png", "test/1.png", "train.csv", "more.csv"];
    let hint =
        "; if that table has the files and their labels, put it next to the pictures as labels.csv";
    check(&tables, &["/train: ", words, ", and ", "/more.csv, ", "/train.csv", hint]);
    check(&["train/1.png", "test/1.png", "train/t.csv", "x.csv"], &["/train/t.csv; if that"]);
    tally.finish();
    // One such folder next to other classes is a class.
    let dir = directory(&[]);
    for i in 0..6 {
        put(&dir, &format!("train/{i}.png"), &png(grey(1)));
        put(&dir, &format!("bus/{i}.png"), &png(grey(2)));
    }
    assert_eq!(load(&dir).unwrap().info.class_names, ["bus", "train"]);
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
        check(name, b"GIF89a", &[&place, "the GIF is damaged; check the file in a viewer"]);
        check(name, b"\x89PNG\r\n\x1a\n", &[&place, "the file is cut short; check the file"]);
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
