//! Archives that are cut short, changed, or smaller than what they inflate to.

use tally::{Failure, Tally, ensure, size};

use super::*;
use crate::child::{self, Measured};
use crate::fixture::{flipped, sample};

/// The forms of the archive.
fn forms() -> [Vec<u8>; 2] {
    [false, true].map(|deflated| archive(&[], ZipForm { deflated, zip64: deflated }))
}

#[test]
fn no_prefix_passes() {
    let mut tally = Tally::new("D16", "prefixes of a NumPy archive");
    for file in forms() {
        for end in sample(0..file.len(), size(1000, usize::MAX)) {
            tally.case(|| refused(parse(&file[..end]), &["<memory>", "; "]));
        }
    }
    tally.finish();
}

/// Some bits of a zip archive, such as times, do not matter. A flip of any other bit is detected.
#[test]
fn a_flipped_bit_never_gives_other_content() {
    let mut tally = Tally::new("D16", "flipped bits of a NumPy archive");
    for file in forms() {
        let whole = parse(&file).unwrap();
        for bit in sample(0..file.len() * 8, size(4000, usize::MAX)) {
            tally.case(|| match parse(&flipped(&file, bit)) {
                Err(_) => Ok(()),
                Ok(dataset) => ensure(dataset == whole, || Failure::torn(format!("bit {bit}"))),
            });
        }
    }
    tally.finish();
}

#[test]
fn in_child() {
    child::measure(|path| Dataset::load_npz(path, &ReadOptions::default()));
}

/// Memory is allocated only for numbers that are there, and nothing after them is inflated.
#[test]
fn a_refusal_takes_little_memory() {
    const BYTES: usize = 64 << 20;
    let mut tally = Tally::new("D16", "NumPy archives that inflate to more than they say, or less");
    let images = |shape: &str, n: usize| npy("|u1", shape, &vec![0; n]);
    let labels = npy("|u1", "(1024,)", &[0; 1024]);
    let mut check = |changes: &[(&'static str, Vec<u8>)], words: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bomb.npz");
        let form = ZipForm { deflated: true, zip64: false };
        fs::write(&file, archive(changes, form)).unwrap();
        let measured = || Measured::of("npz::tests::damage::in_child", &file);
        tally.case(|| measured()?.refused(words, 16 << 20));
    };
    let longer = [("x_train.npy", images("(3, 2, 2)", BYTES))];
    check(&longer, &["x_train.npy: expected 12 bytes of numbers, then the end, found more"]);
    let labelled = |shape: &str, n: usize| {
        [("x_train.npy", images(shape, n)), ("y_train.npy", labels.clone())]
    };
    let small = "(1024, 1, 1)";
    check(&labelled(small, BYTES), &["x_test.npy has images of 2 x 2", "images of 1 x 1"]);
    check(&labelled("(1024, 1024, 64)", BYTES), &["images of 1024 x 64"]);
    let short = [
        ("x_train.npy", images("(1024, 1024, 1024)", 100)),
        ("y_train.npy", labels.clone()),
        ("x_test.npy", images("(2, 1024, 1024)", 2 << 20)),
    ];
    check(&short, &["expected 1073741824 bytes of numbers, then the end, found the end after 100"]);
    let text = [("y_train.npy", npy_of(&" ".repeat(60_000), &[]))];
    check(&text, &["y_train.npy: expected a header such as"]);
    tally.finish();
}
