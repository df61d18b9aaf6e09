//! Damage to the published files. No bit may differ, not even one that gzip itself ignores.

use tally::{Failure, Tally, size};

use super::*;
use crate::fixture::{bomb, flipped, named, overwrite, published_labels, refused, sample};

/// A place for damaged copies of the published test labels, which are never changed themselves.
struct Labels {
    dir: tempfile::TempDir,
    manifest: Manifest,
}

impl Labels {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), manifest: manifest::fashion_mnist() }
    }

    fn read(&self, bytes: &[u8]) -> Result<([usize; 1], Vec<u8>), Error> {
        let path = self.dir.path().join(NAMES[3]);
        overwrite(&path, bytes);
        self.manifest.read(&self.manifest.files[3], &path)
    }

    fn refused(&self, bytes: &[u8]) -> Result<(), Failure> {
        refused(self.read(bytes), &[NAMES[3], "expected 5148 bytes", "found ", "fetch the dataset"])
    }
}

/// Damages a file of the tiny set, zipped and unzipped, in each way that `damage` returns, and loads the whole set.
fn tiny_damage(tally: &mut Tally, damage: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    for form in [gzip, <[u8]>::to_vec] {
        let tiny = Tiny::new();
        let file = form(&tiny.raw[1]);
        let tiny = damage(&file).iter().fold(tiny, |tiny, damaged| {
            let tiny = tiny.put(NAMES[1], damaged);
            tally.case(|| refused(tiny.load(), &[NAMES[1], "expected"]));
            tiny
        });
        assert!(tiny.put(NAMES[1], &file).load().is_ok());
    }
}

#[test]
fn no_prefix_of_a_published_file_passes() {
    let mut tally = Tally::new("D1", "prefixes of a published file");
    tiny_damage(&mut tally, |file| (0..file.len()).map(|end| file[..end].to_vec()).collect());
    if let Some(file) = published_labels() {
        let labels = Labels::new();
        assert!(labels.read(&file).is_ok());
        for end in sample(0..file.len(), size(500, usize::MAX)) {
            tally.case(|| labels.refused(&file[..end]));
        }
    }
    tally.finish();
}

#[test]
fn no_flipped_bit_of_a_published_file_passes() {
    let mut tally = Tally::new("D1", "flipped bits of a published file");
    tiny_damage(&mut tally, |file| (0..file.len() * 8).map(|bit| flipped(file, bit)).collect());
    if let Some(file) = published_labels() {
        let labels = Labels::new();
        for bit in sample(0..file.len() * 8, size(1000, usize::MAX)) {
            tally.case(|| labels.refused(&flipped(&file, bit)));
        }
    }
    tally.finish();
}

/// A file of another length is not even opened. One of the right length is inflated, at most to the length of the
/// published file.
#[test]
fn a_bomb_of_the_published_length_is_no_published_file() {
    let mut tally = Tally::new("D2", "gzip bombs as long as the published file");
    let labels = Labels::new();
    let header = idx::header_u8(&[10_000]);
    for zeros in [10_001, 1 << 20, 2 << 20] {
        let bomb = bomb(&header, zeros);
        let padded = named(&bomb, 5148 - 1 - bomb.len());
        assert_eq!(padded.len(), 5148);
        tally.case(|| labels.refused(&padded));
    }
    tally.finish();
}
