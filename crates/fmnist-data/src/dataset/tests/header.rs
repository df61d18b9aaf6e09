//! False IDX headers, read as the images of a dataset, without a checksum to compare.

use tally::Tally;

use super::*;
use crate::child::{self, Measured};
use crate::fixture::{bomb, refused};
use crate::four_arrays::Shape;
use crate::idx::{MAX_BYTES, Opened};
use crate::values::Array as _;

/// Reads images as a dataset does: their shape, which is checked first, and then their pixels.
fn images(file: &[u8]) -> Result<(Shape, Vec<u8>), Error> {
    let opened = Opened::new(file, Path::new("<memory>"), MAX_BYTES)?;
    Ok((Shape::of(opened.header())?, opened.collect(true)?.whole().unwrap()))
}

#[test]
fn every_byte_of_a_header_counts() {
    let mut tally = Tally::new("D4", "bytes of an image header, each to its 255 other values");
    let file = idx_u8(&[3, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    assert!(images(&file).is_ok());
    for at in 0..16 {
        for flip in 1..=255 {
            let mut changed = file.clone();
            changed[at] ^= flip;
            // As i8, these numbers are the same.
            if changed[2] == 9 {
                assert_eq!(images(&changed).unwrap(), images(&file).unwrap());
                continue;
            }
            tally.case(|| refused(images(&changed), &["<memory>: ", "expected ", "found "]));
        }
    }
    assert_eq!(tally.cases(), 4079);
    tally.finish();
}

#[test]
fn lies_are_refused_by_field() {
    let mut tally = Tally::new("D4", "headers that lie, made by hand");
    let pixels = vec![7; 10 * 784];
    let mut check = |file: &[u8], words: &[&str]| tally.case(|| refused(images(file), words));
    let mut magic = |magic: [u8; 4], words: &[&str]| {
        check(&[&magic, &idx_u8(&[10, 28, 28], &pixels)[4..]].concat(), words);
    };
    magic([1, 0, 8, 3], &["an IDX file, raw or gzip, found unknown data that starts with 01 00"]);
    magic([0, 1, 8, 3], &["byte 0 (magic number): expected 00 00, found 00 01"]);
    magic([3, 8, 0, 0], &["found unknown data that starts with 03 08 00 00"]);
    magic([0, 0, 10, 3], &["byte 2 (element type): expected 08, 09", "found 0a"]);
    magic([0, 0, 13, 3], &["(elements): expected 31360 bytes", "found the end after 7840"]);
    magic([0, 0, 8, 0], &["byte 3 (rank): expected 1 to 8, found 0"]);
    magic([0, 0, 8, 1], &["expected images (count x", "found 10 of u8; are images and labels"]);
    magic([0, 0, 8, 4], &["byte 16 (dimension): expected at least 1", "found 117901063"]);
    magic([0, 0, 8, 255], &["byte 3 (rank): expected 1 to 8, found 255"]);

    let mut dims = |dims: &[usize], words: &[&str]| check(&idx_u8(dims, &pixels), words);
    let limit = "expected at least 1, and at most 1073741824 bytes in all";
    let huge = u32::MAX as usize;
    dims(&[7840], &["expected images (count x height x width", "found 7840 of u8"]);
    dims(&[10, 784], &["found 10 x 784 of u8; save images as count x height x width"]);
    dims(&[10, 28, 14, 2], &["found 10 x 28 x 14 x 2 of u8; save images"]);
    dims(&[10 << 24, 28 << 24, 28 << 24], &["byte 8 (dimension)", limit, "found 469762048"]);
    dims(&[0, 28, 28], &["byte 4 (dimension)", limit, "found 0"]);
    dims(&[10, 0, 28], &["byte 8 (dimension)", limit, "found 0"]);
    dims(&[10, 28, 0], &["byte 12 (dimension)", limit, "found 0"]);
    dims(&[huge, huge, huge], &["byte 4 (dimension)", limit, "found 4294967295"]);
    dims(&[huge, 28, 28], &["byte 4 (dimension)", limit]);
    dims(&[10, 28, huge], &["byte 12 (dimension)", limit]);
    // Each dimension is modest, the product of all is 2^68.
    dims(&[1 << 17; 4], &["byte 8 (dimension)", limit, "found 131072"]);
    dims(&[11, 28, 28], &["byte 16 (elements): expected 8624 bytes", "the end after 7840"]);
    dims(&[9, 28, 28], &["byte 16 (elements): expected 7056 bytes, then the end, found more"]);
    dims(&[10, 27, 29], &["byte 16 (elements): expected 7830 bytes, then the end, found more"]);
    tally.finish();
}

#[test]
fn in_child() {
    child::measure(|dir| Dataset::load_idx(dir, &ReadOptions::default()));
}

/// The elements that these headers declare are all there, and must not be read: the header alone is reason to refuse.
#[test]
fn a_refused_header_takes_no_memory() {
    const BYTES: usize = 64 << 20;
    let mut tally = Tally::new("D4", "headers that fit no dataset, with all their elements");
    let file = |code: u8, dims: &[usize]| {
        let mut header = idx::header_u8(dims);
        header[2] = code;
        bomb(&header, BYTES as u64)
    };
    let mut check = |files: &[(usize, Vec<u8>)], words: &[&str]| {
        let tiny =
            files.iter().fold(Tiny::new(), |tiny, (name, file)| tiny.put(NAMES[*name], file));
        let measured = || Measured::of("dataset::tests::header::in_child", tiny.dir.path());
        tally.case(|| measured()?.refused(words, 16 << 20));
    };
    let [doubles, bytes] = [(0x0e, 8), (0x08, 1)].map(|(code, size)| {
        let images = file(code, &[1024, 1024, (BYTES / size) >> 20]);
        (images, file(code, &[BYTES / size]))
    });
    let all = |(images, labels): &(Vec<u8>, Vec<u8>)| {
        [images, labels, images, labels].map(Vec::clone).into_iter().enumerate().collect::<Vec<_>>()
    };
    let words = [NAMES[1], "has 8388608 labels", NAMES[0], "has 1024 images"];
    check(&all(&doubles), &words);
    check(&[(3, doubles.1)], &[NAMES[3], "has 8388608 labels", NAMES[2], "has 10 images"]);
    let swapped = "found 67108864 of u8; are images and labels swapped?";
    check(&[(0, bytes.1.clone())], &[NAMES[0], "expected images", swapped]);
    let lists = [NAMES[1], "expected labels", "found 8192 x 8192 of u8; save images"];
    check(&[(1, file(8, &[8192, 8192]))], &lists);
    check(&[(1, bytes.1)], &[NAMES[1], "has 67108864 labels", NAMES[0], "has 20 images"]);
    let many = "byte 4 (dimension): expected at most 16777216, found 67108864";
    check(&[(0, file(8, &[BYTES, 1, 1]))], &[NAMES[0], many]);
    let side = "byte 12 (dimension): expected at most 1024, found 65536";
    check(&[(0, file(8, &[1024, 1, 65_536]))], &[NAMES[0], side]);
    check(&[(2, bytes.0)], &[NAMES[3], "has 10 labels", NAMES[2], "has 1024 images"]);
    let labels = bomb(&idx::header_u8(&[64]), 64);
    let files = [(2, file(8, &[64, 1024, 1024])), (3, labels)];
    check(&files, &[NAMES[2], "images of 1024 x 1024", NAMES[0], "images of 3 x 2"]);
    tally.finish();
}
