//! The four files together: what is accepted as the published set, and what is said otherwise.

use std::fs;

use super::*;
use crate::fixture::{self, gzip, idx_u8};
use crate::locate;

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// A directory with the tiny set, and the manifest that pins it.
struct Tiny {
    dir: tempfile::TempDir,
    raw: [Vec<u8>; 4],
    manifest: Manifest,
}

impl Tiny {
    fn new() -> Self {
        let raw = fixture::raw_files(0);
        let manifest = fixture::manifest(&raw, &fixture::raw_files(5));
        let dir = tempfile::tempdir().unwrap();
        fixture::write(dir.path(), &raw);
        Self { dir, raw, manifest }
    }

    fn put(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.dir.path().join(name), bytes).unwrap();
        self
    }

    fn remove(self, name: &str) -> Self {
        fs::remove_file(self.dir.path().join(name)).unwrap();
        self
    }

    fn load(&self) -> Result<Dataset, Error> {
        load_published(self.dir.path(), &self.manifest)
    }

    #[track_caller]
    fn refused(&self, expected: &[&str]) {
        check(self.load(), expected);
    }

    #[track_caller]
    fn refused_unpinned(&self, expected: &[&str]) {
        check(Dataset::load_idx(self.dir.path()), expected);
    }
}

#[track_caller]
fn check(result: Result<Dataset, Error>, expected: &[&str]) {
    let message = result.expect_err("accepted").to_string();
    for part in expected {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[test]
fn loads_the_published_files() {
    let tiny = Tiny::new();
    let dataset = tiny.load().unwrap();
    assert_eq!(dataset.name, DatasetName::FashionMnist);
    assert_eq!((dataset.train.images.count, dataset.train.labels.len()), (20, 20));
    assert_eq!((dataset.test.images.height, dataset.test.images.width), (3, 2));
    assert_eq!(dataset.train.images.get(1), tiny.raw[0].get(22..28));
    assert_eq!(dataset.train.images.get(20), None);
    assert_eq!(dataset.train.class_counts(), [2; 10]);
    // The fingerprint is that of the unzipped files, one after another.
    assert_eq!(dataset.sha256, fixture::digest(&tiny.raw.concat()).sha256);
}

/// Where a file is there in both forms, the unzipped one is read, unless it is not whole.
#[test]
fn unzipped_files_are_read_first() {
    let (expected, raw) = (Tiny::new().load().unwrap(), fixture::raw_files(0));
    let unzipped = Tiny::new().put("train-images-idx3-ubyte", &raw[0]);
    assert_eq!(unzipped.put(NAMES[0], b"not looked at").load().unwrap(), expected);
    let half = Tiny::new().put("train-images-idx3-ubyte", &raw[0][..50]);
    assert_eq!(half.load().unwrap(), expected);
    let mut damaged = raw[0].clone();
    damaged[20] ^= 1;
    let damaged = Tiny::new().put("train-images-idx3-ubyte", &damaged);
    damaged.refused(&["train-images-idx3-ubyte:", "SHA-256"]);
}

#[test]
fn gzip_or_raw_is_decided_by_content() {
    let expected = Tiny::new().load().unwrap();
    let accept = |tiny: Tiny| assert_eq!(tiny.load().unwrap(), expected);
    let raw = fixture::raw_files(0);
    accept(Tiny::new().remove(NAMES[0]).put("train-images-idx3-ubyte", &raw[0]));
    accept(Tiny::new().put(NAMES[1], &raw[1]));
    accept(Tiny::new().remove(NAMES[2]).put("t10k-images-idx3-ubyte", &gzip(&raw[2])));
    accept(Tiny::new().put("t10k-labels-idx1-ubyte", b"the zipped one comes first"));
}

#[test]
fn says_what_a_wrong_file_is() {
    let tiny = Tiny::new;
    let other = fixture::raw_files(5);
    tiny().put(NAMES[0], &gzip(&other[0])).refused(&[NAMES[0], "this is MNIST"]);
    tiny().put(NAMES[3], &gzip(&other[3])).refused(&[NAMES[3], "this is MNIST"]);
    let raw = tiny().raw;
    let swapped = tiny().put(NAMES[0], &gzip(&raw[2])).put(NAMES[2], &gzip(&raw[0]));
    swapped.refused(&[NAMES[0], "contents of t10k-images-idx3-ubyte.gz", "swapped"]);
    let swapped = tiny().put(NAMES[2], &gzip(&raw[3])).put(NAMES[3], &gzip(&raw[2]));
    swapped.refused(&[NAMES[2], "contents of t10k-labels-idx1-ubyte.gz"]);
    tiny().put(NAMES[1], b"<html>403 Forbidden").refused(&[NAMES[1], "19 bytes, an HTML page"]);
    tiny().put(NAMES[1], b"").refused(&["0 bytes, an empty file", "fetch the dataset again"]);
    let zipped = gzip(&raw[0]);
    tiny().put(NAMES[0], &zipped[..50]).refused(&["50 bytes, a gzip stream", "expected"]);
    let missing = tiny().remove(NAMES[0]).remove(NAMES[3]);
    missing.refused(&["missing train-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz"]);
    let dir = tiny().remove(NAMES[0]);
    fs::create_dir(dir.dir.path().join(NAMES[0])).unwrap();
    dir.refused(&[NAMES[0], "cannot open: not a regular file"]);
}

/// Pinned means pinned: no bit may differ, not even one that gzip itself ignores.
#[test]
fn no_flipped_bit_and_no_prefix_passes() {
    for (i, form) in [(1, gzip as fn(&[u8]) -> Vec<u8>), (1, <[u8]>::to_vec)] {
        let mut tiny = Tiny::new();
        let file = form(&tiny.raw[i]);
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            tiny = tiny.put(NAMES[i], &flipped);
            tiny.refused(&[NAMES[i], "expected"]);
        }
        for length in 0..file.len() {
            tiny = tiny.put(NAMES[i], &file[..length]);
            tiny.refused(&[NAMES[i], "expected"]);
        }
        assert!(tiny.put(NAMES[i], &file).load().is_ok());
    }
}

#[test]
fn an_unpinned_set_must_be_consistent() {
    let tiny = Tiny::new;
    assert_eq!(
        tiny().put(NAMES[0], &gzip(&tiny().raw[0])).load().unwrap().name.as_str(),
        "fashion-mnist"
    );
    let dataset = Dataset::load_idx(tiny().dir.path()).unwrap();
    assert_eq!(dataset.name, DatasetName::Idx);

    let labels = |change: fn(&mut Vec<u8>)| {
        let mut labels = vec![0; 20];
        change(&mut labels);
        idx_u8(&[labels.len()], &labels)
    };
    let refuse_labels = |file: Vec<u8>, expected: &[&str]| {
        tiny().put(NAMES[1], &file).refused_unpinned(expected);
    };
    refuse_labels(labels(|l| l[0] = 10), &["byte 8 (label 0)", "expected 0 to 9, found 10"]);
    refuse_labels(labels(|l| l[10] = 255), &["byte 18 (label 10)", "found 255"]);
    refuse_labels(labels(|l| l[19] = 10), &["byte 27 (label 19)", "found 10"]);
    refuse_labels(labels(|l| l.truncate(19)), &["has 19 labels", "has 20 images", NAMES[0]]);
    let raw = tiny().raw;
    refuse_labels(raw[0].clone(), &[NAMES[1], "expected 1 dimension of u8 (labels)", "swapped?"]);
    let images = tiny().put(NAMES[0], &raw[1]);
    images.refused_unpinned(&[NAMES[0], "expected 3 dimensions of u8 (images), found 1 of u8"]);
    let wide = tiny().put(NAMES[2], &idx_u8(&[10, 2, 3], &[0; 60]));
    wide.refused_unpinned(&[NAMES[2], "images of 2 x 3", "images of 3 x 2"]);
}

/// The real files, where they are; they are never part of the repository.
#[test]
fn loads_fashion_mnist_itself() {
    let Ok(Some(dir)) = locate::find(None) else {
        eprintln!("notice: no Fashion-MNIST on this machine, only the tiny set is tested");
        return;
    };
    let dataset = Dataset::load(&dir).unwrap();
    assert_eq!(dataset.train.class_counts(), [6_000; 10]);
    assert_eq!(dataset.test.class_counts(), [1_000; 10]);
    assert_eq!((dataset.train.images.height, dataset.train.images.width), (28, 28));
    // The pinned fingerprint is that of the content.
    let Dataset { train, test, name, sha256 } = dataset;
    assert_eq!(Dataset::new(train, test, name).sha256, sha256);
}
