//! Which folders are read, and as which dataset. Refusals and damage are tested in submodules.

mod arrangement;
mod damage;
mod labelled;
mod variants;

use std::fs;
use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::Split;
use crate::fixture;
use crate::picture::Preparation;

/// A grey picture of 2 x 3 pixels: all of this level, except for the inverted last row.
fn grey(level: u8) -> GrayImage {
    GrayImage::from_fn(2, 3, |_, y| Luma([if y < 2 { level } else { 255 - level }]))
}

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    encode(picture, ImageFormat::Png)
}

/// A directory with these files, in the folders that their names need.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(&dir, name, bytes);
    }
    dir
}

fn put(dir: &TempDir, name: &str, bytes: &[u8]) {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Two classes, each with two training pictures and one test picture.
fn parted() -> TempDir {
    let dir = directory(&[]);
    for (i, name) in ["train/a/1", "train/a/2", "train/b/1", "train/b/2", "test/a/1", "test/b/1"]
        .iter()
        .enumerate()
    {
        put(&dir, &format!("{name}.png"), &png(grey(i as u8)));
    }
    dir
}

fn load(dir: &TempDir) -> Result<Dataset, Error> {
    Folder::list(dir.path())?.load(&ReadOptions::default())
}

/// The first pixel of each image, which distinguishes the pictures of these tests.
fn levels(split: &Split) -> Vec<u8> {
    split.images.iter().map(|pixels| pixels[0]).collect()
}

#[test]
fn folders_are_classes() {
    let dataset = load(&parted()).unwrap();
    assert_eq!(
        (dataset.info.name, &*dataset.info.class_names.join(" ")),
        (DatasetName::Folder, "a b")
    );
    assert_eq!((dataset.train.images.width, dataset.train.images.height), (2, 3));
    assert_eq!(dataset.train.images.get(2).unwrap(), [1, 1, 1, 1, 254, 254]);
    assert_eq!(
        (levels(&dataset.train), &*dataset.train.labels),
        (vec![0, 2, 1, 3], &[0, 1, 0, 1][..])
    );
    assert_eq!((levels(&dataset.test), &*dataset.test.labels), (vec![4, 5], &[0, 1][..]));
}

/// Names are ordered by their bytes, not as the directory lists them and not as in any language.
#[test]
fn the_order_is_that_of_names() {
    let names = ["B/10", "B/9", "B/a", "B/\u{e4}", "a/1", "a/2", "a/3", "a/4", "a/5", "a/6", "a/7"];
    let make = |order: &[usize]| {
        let dir = directory(&[]);
        for &i in order {
            put(&dir, &format!("{}.png", names[i]), &png(grey(i as u8)));
        }
        load(&dir).unwrap()
    };
    let forward: Vec<usize> = (0..names.len()).collect();
    let backward: Vec<usize> = forward.iter().rev().copied().collect();
    let dataset = make(&forward);
    assert_eq!(dataset.info.sha256, make(&backward).info.sha256);
    assert_eq!(dataset.info.class_names, ["B", "a"]);
    // The test picture is the sixth of class a. The rest is spread: B at 1/8, 3/8, ..., a at 1/12, 3/12, ...
    assert_eq!((levels(&dataset.test), &*dataset.test.labels), (vec![9], &[1][..]));
    assert_eq!(levels(&dataset.train), [4, 0, 5, 1, 6, 7, 2, 8, 3, 10]);
}

/// The last images of a set, which a run holds out, cover all classes, however many pictures each class has.
#[test]
fn classes_are_spread_evenly() {
    let sizes = [600, 60, 300];
    let classes = sizes.map(|n| (0..n).map(|i| PathBuf::from(format!("{i:03}"))).collect());
    let [train, test] = order::every_sixth(classes.to_vec());
    assert_eq!(test.iter().map(Vec::len).collect::<Vec<_>>(), [100, 10, 50]);
    assert_eq!(test[1][0], Path::new("005"));
    let entries = order::spread(train);
    assert_eq!(entries.len(), 800);
    for part in entries.chunks(80) {
        let count = |label| part.iter().filter(|entry| entry.label == label).count();
        assert_eq!([count(0), count(1), count(2)], [50, 5, 25]);
    }
    let of_class: Vec<_> = entries.iter().filter(|entry| entry.label == 1).collect();
    assert!(of_class.is_sorted_by_key(|entry| &entry.path));
}

/// Grey pictures stay the same, byte for byte, even bright ones. Others are made grey.
#[test]
fn pictures_keep_their_tones() {
    let dir = parted();
    let bright = GrayImage::from_fn(2, 3, |x, y| Luma([250 - (x * 3 + y) as u8]));
    put(&dir, "train/a/1.png", &png(bright.clone()));
    put(&dir, "train/b/1.png", &png(DynamicImage::from(bright.clone()).to_rgb8()));
    put(&dir, "train/b/2.png", &png(RgbImage::from_pixel(2, 3, Rgb([255, 0, 0]))));
    put(&dir, "test/a/1.png", &encode(grey(80), ImageFormat::Jpeg));
    let Dataset { train, test, .. } = load(&dir).unwrap();
    assert_eq!(train.images.get(0).unwrap(), bright.as_raw().as_slice());
    assert_eq!(train.images.get(1).unwrap(), bright.as_raw().as_slice());
    assert_eq!(train.images.get(3).unwrap(), [54; 6]);
    assert!(levels(&test)[0].abs_diff(80) < 8);
    // So do pictures that a model classifies.
    let path = dir.path().join("train/a/1.png");
    assert_eq!(Preparation::Plain.load(&path, 2, 3).unwrap().pixels, bright.into_raw());
    let words = ["train/a/absent.png: cannot open"];
    fixture::refused(Preparation::Plain.load(&dir.path().join("train/a/absent.png"), 2, 3), &words)
        .unwrap();
}

#[test]
fn pictures_are_fitted_to_a_size() {
    let dir = parted();
    put(&dir, "train/b/2.png", &png(GrayImage::from_pixel(40, 20, Luma([200]))));
    let words = ["train/b/2.png: expected 2x3 as ", "train/a/1.png, found 40x20", "--image-size"];
    fixture::refused(load(&dir), &words).unwrap();
    // The size counts after the picture is turned upright.
    let lying = fixture::turned_png(&GrayImage::new(3, 2));
    let dir_of_turned = parted();
    put(&dir_of_turned, "train/b/2.png", &lying);
    assert!(load(&dir_of_turned).is_ok());
    let size = ImageSize::new(4, 4);
    let dataset = Folder::list(dir.path())
        .unwrap()
        .load(&ReadOptions { size, ..ReadOptions::default() })
        .unwrap();
    assert_eq!((dataset.train.images.width, dataset.train.images.height), (4, 4));
    let fitted = dataset.train.images.get(3).unwrap();
    assert_eq!(fitted, [[0; 4], [200; 4], [200; 4], [0; 4]].concat());
    assert_eq!(
        Preparation::Plain.load(&dir.path().join("train/b/2.png"), 4, 4).unwrap().pixels,
        fitted
    );
}

/// Files that are ignored.
#[test]
fn hidden_and_unrelated_files_are_ignored() {
    let dir = parted();
    let expected = load(&dir).unwrap();
    for name in [".DS_Store", "train/.x/1.png", "train/a/.1.png", "README", "train/LICENSE.txt"] {
        put(&dir, name, b"text");
    }
    assert_eq!(load(&dir).unwrap(), expected);
}

/// Pixels, labels and class names are part of the fingerprint.
#[test]
fn the_fingerprint_distinguishes_sets() {
    let sha256 = load(&parted()).unwrap().info.sha256.clone();
    let changed = |change: &dyn Fn(&TempDir)| {
        let dir = parted();
        change(&dir);
        load(&dir).unwrap().info.sha256.clone()
    };
    assert_eq!(changed(&|_| ()), sha256);
    assert_ne!(changed(&|dir| put(dir, "train/a/1.png", &png(grey(9)))), sha256);
    assert_ne!(changed(&|dir| put(dir, "train/a/3.png", &png(grey(9)))), sha256);
    let rename = |dir: &TempDir| {
        for part in ["train", "test"] {
            fs::rename(dir.path().join(part).join("b"), dir.path().join(part).join("c")).unwrap();
        }
    };
    assert_ne!(changed(&rename), sha256);
    // The name of a picture's file is not.
    let rename = |dir: &TempDir| {
        fs::rename(dir.path().join("train/a/1.png"), dir.path().join("train/a/0")).unwrap();
    };
    assert_eq!(changed(&rename), sha256);
}

#[test]
fn a_folder_says_what_it_holds() {
    let folder = Folder::list(parted().path()).unwrap();
    assert_eq!((folder.counts(), folder.n_validation()), ((4, 2), None));
    assert_eq!(folder.class_names(), ["a", "b"]);
    let dir = directory(&[]);
    for i in 0..7 {
        put(&dir, &format!("train/{i}.png"), &png(grey(i)));
        put(&dir, &format!("bus/{i}.png"), &png(grey(i)));
    }
    // A folder `train` that holds pictures is a class, not a training set.
    let folder = Folder::list(dir.path()).unwrap();
    assert_eq!((folder.counts(), folder.n_validation()), ((12, 2), None));
    assert_eq!(folder.class_names(), ["bus", "train"]);
}
