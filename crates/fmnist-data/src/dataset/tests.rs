//! The four files together: what is accepted as the published set. Refusals are tested in submodules.

mod damage;
mod disagreement;
mod forms;
mod header;
mod stranger;
mod test_images;

use std::fs;

use std::path::Path;

use super::*;
use crate::fixture::{self, gzip, idx_u8};
use crate::four_files::load_published;
use crate::manifest::Manifest;
use crate::{Error, manifest};

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
        fixture::overwrite(&self.dir.path().join(name), bytes);
        self
    }

    fn remove(self, name: &str) -> Self {
        fs::remove_file(self.dir.path().join(name)).unwrap();
        self
    }

    fn load(&self) -> Result<Dataset, Error> {
        load_published(self.dir.path(), &self.manifest)
    }

    fn load_idx(&self) -> Result<Dataset, Error> {
        Dataset::load_idx(self.dir.path(), &ReadOptions::default())
    }
}

#[test]
fn loads_the_published_files() {
    let tiny = Tiny::new();
    let dataset = tiny.load().unwrap();
    assert_eq!(dataset.info.name, DatasetName::FashionMnist);
    assert_eq!((dataset.train.images.count, dataset.train.labels.len()), (20, 20));
    assert_eq!((dataset.test.images.height, dataset.test.images.width), (3, 2));
    assert_eq!(dataset.train.images.get(1), tiny.raw[0].get(22..28));
    assert_eq!(dataset.train.images.get(20), None);
    assert_eq!(dataset.train.class_counts(), [2; 10]);
    // The fingerprint is that of the unzipped files, one after another.
    assert_eq!(dataset.info.sha256, fixture::digest(&tiny.raw.concat()).sha256);
}

/// If a file exists in both forms, the unzipped one is read, unless it is incomplete.
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
    fixture::refused(damaged.load(), &["train-images-idx3-ubyte:", "SHA-256"]).unwrap();
}

#[test]
fn the_name_of_a_set_says_whether_it_was_verified() {
    assert_eq!(Tiny::new().load().unwrap().info.name.as_str(), "fashion-mnist");
    assert_eq!(Tiny::new().load_idx().unwrap().info.name, DatasetName::Idx);
}

/// A custom dataset has as many classes as its labels need, or as `classes.txt` names.
#[test]
fn classes_are_counted_or_named() {
    let labels = idx_u8(&[10], &[3, 0, 1, 2, 3, 3, 3, 3, 3, 25]);
    let tiny = Tiny::new().put(NAMES[3], &labels);
    let numbered = tiny.load_idx().unwrap();
    assert_eq!(numbered.info.class_names.len(), 26);
    assert_eq!((&*numbered.info.class_names[0], &*numbered.info.class_names[25]), ("0", "25"));

    let names: Vec<String> = (0..30).map(|class| format!("class {class}")).collect();
    let tiny = tiny.put("classes.txt", names.join("\n").as_bytes());
    let named = tiny.load_idx().unwrap();
    assert_eq!(named.info.class_names, names);
    for (named, numbered) in [(&named.train, &numbered.train), (&named.test, &numbered.test)] {
        assert_eq!((&named.images, &named.labels), (&numbered.images, &numbered.labels));
    }
    // Class names are part of the fingerprint.
    assert_ne!(named.info.sha256, numbered.info.sha256);
    let content = [&fixture::raw_files(0)[..3].concat(), labels.as_slice()].concat();
    let names =
        names.iter().map(|name| [&(name.len() as u64).to_be_bytes(), name.as_bytes()].concat());
    let content = [content, names.collect::<Vec<_>>().concat()].concat();
    assert_eq!(named.info.sha256, fixture::digest(&content).sha256);

    let tiny = tiny.put("classes.txt", b"a\nb\nc\n");
    let words = [NAMES[1], "byte 11 (label 3): expected 0 to 2, found 3", "classes.txt"];
    fixture::refused(tiny.load_idx(), &words).unwrap();
    // Fashion-MNIST keeps its own class names.
    assert_eq!(
        tiny.put(NAMES[3], &gzip(&fixture::raw_files(0)[3])).load().unwrap().info.class_names,
        CLASS_NAMES
    );
}

#[test]
fn images_have_a_largest_size() {
    let wide = Tiny::new().put(NAMES[2], &idx_u8(&[1, 1, 1025], &[0; 1025]));
    let words = [NAMES[2], "byte 12 (dimension): expected at most 1024, found 1025"];
    fixture::refused(wide.load_idx(), &words).unwrap();
    let high = Tiny::new().put(NAMES[0], &idx_u8(&[1, 1025, 1], &[0; 1025]));
    fixture::refused(high.load_idx(), &[NAMES[0], "byte 8 (dimension): expected at most 1024"])
        .unwrap();
}

/// The last images are held out, with their labels. Both parts belong to the same dataset.
#[test]
fn images_are_held_out() {
    let tiny = Tiny::new();
    let whole = tiny.load_idx().unwrap().train;
    let n = whole.len();
    let (train, held_out) = whole.clone().hold_out(3);
    assert_eq!((train.len(), held_out.len()), (n - 3, 3));
    assert_eq!((train.images.count, held_out.images.count), (n - 3, 3));
    assert_eq!([train.images.pixels, held_out.images.pixels].concat(), whole.images.pixels);
    assert_eq!([train.labels, held_out.labels].concat(), whole.labels);
    assert_eq!((&train.dataset, &held_out.dataset), (&whole.dataset, &whole.dataset));
    assert_eq!(train.dataset.n_train, n);
    assert!(whole.clone().hold_out(0).1.is_empty());
    let refused = std::panic::catch_unwind(|| whole.hold_out(n)).unwrap_err();
    let message = refused.downcast_ref::<String>().unwrap();
    assert_eq!(
        message,
        &format!("images to hold out: expected at most {} of {n}, found {n}", n - 1)
    );
}

#[test]
fn rows_and_columns_are_exchanged() {
    let images = |pixels: &[u8], height, width, channels| {
        let count = pixels.len() / (height * width * channels);
        Images { pixels: pixels.to_vec(), count, height, width, channels }
    };
    let grey = images(&[1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16], 3, 2, 1);
    let expected = images(&[1, 3, 5, 2, 4, 6, 11, 13, 15, 12, 14, 16], 2, 3, 1);
    assert_eq!(grey.clone().transposed(), expected);
    assert_eq!(expected.transposed(), grey);
    let colour = images(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 2, 2, 3);
    let expected = images(&[1, 2, 3, 7, 8, 9, 4, 5, 6, 10, 11, 12], 2, 2, 3);
    assert_eq!(colour.transposed(), expected);
}
