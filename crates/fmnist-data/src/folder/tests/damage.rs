//! Pictures of a set that are cut short, have a flipped bit, or claim to be large; and things that are not files.

#[cfg(unix)]
use std::process::Command;

use tally::{Failure, Tally, ensure, size};

use super::*;
use crate::child::{self, Measured};
use crate::fixture::{flipped, notice, right, sample};

const DAMAGED: &str = "train/b/1.png";

/// A picture may be damaged where it does not matter. The set must still be complete, or the error must name the file.
fn ends_well(dir: &TempDir, bytes: &[u8]) -> Result<(), Failure> {
    fixture::overwrite(&dir.path().join(DAMAGED), bytes);
    match load(dir) {
        Err(error) => right(error.to_string().contains(&format!("{DAMAGED}: ")), error.to_string()),
        Ok(Dataset { train, .. }) => {
            let whole = (train.labels.len(), train.images.pixels.len()) == (4, 24)
                && levels(&train)[0] == 0
                && levels(&train)[2..] == [1, 3];
            ensure(whole, || Failure::torn(format!("{train:?}")))
        }
    }
}

#[test]
fn pictures_that_are_cut() {
    let mut tally = Tally::new("D11", "prefixes of a picture in a folder");
    let (dir, whole) = (parted(), png(grey(2)));
    for end in 0..whole.len() {
        tally.case(|| ends_well(&dir, &whole[..end]));
    }
    tally.finish();
}

#[test]
fn pictures_with_a_flipped_bit() {
    let mut tally = Tally::new("D11", "flipped bits of a picture in a folder");
    let (dir, whole) = (parted(), png(grey(2)));
    for bit in sample(0..whole.len() * 8, size(200, usize::MAX)) {
        tally.case(|| ends_well(&dir, &flipped(&whole, bit)));
    }
    tally.finish();
}

#[test]
fn in_child() {
    child::measure(|dir| Folder::list(dir)?.load(&ReadOptions::default()));
}

const CHILD: &str = "folder::tests::damage::in_child";

/// A header that claims a billion pixels, first in the set or not.
#[test]
fn pictures_that_claim_to_be_large() {
    let mut tally = Tally::new("D11", "pictures of a billion pixels in a folder");
    for name in ["train/a/1.png", DAMAGED] {
        for side in [32_000_u32, 16_384] {
            let mut picture = png(GrayImage::new(1, 1));
            picture[16..20].copy_from_slice(&side.to_be_bytes());
            picture[20..24].copy_from_slice(&side.to_be_bytes());
            let mut crc = flate2::Crc::new();
            crc.update(&picture[12..29]);
            picture[29..33].copy_from_slice(&crc.sum().to_be_bytes());
            let dir = parted();
            put(&dir, name, &picture);
            let words = [&format!("{name}: expected at most 16384 pixels a side"), "found "];
            tally.case(|| Measured::of(CHILD, dir.path())?.refused(&words, 16 << 20));
        }
    }
    tally.finish();
}

/// The header of a picture shows that it has another size, so its pixels are not decoded.
#[test]
fn pictures_of_another_size() {
    let mut tally = Tally::new("D11", "large pictures of another size in a folder");
    let large = png(GrayImage::new(8000, 4000));
    for (name, words) in [
        ("train/a/1.png", &["a/1.png: expected sides of at most 1024", "found 8000x4000"][..]),
        (DAMAGED, &["b/1.png: expected 2x3 as ", "a/1.png, found 8000x4000"]),
    ] {
        let dir = parted();
        put(&dir, name, &large);
        tally.case(|| Measured::of(CHILD, dir.path())?.refused(words, 16 << 20));
    }
    tally.finish();
}

#[test]
fn fitting_in_child() {
    child::measure(|dir| {
        Folder::list(dir)?
            .load(&ReadOptions { size: ImageSize::new(2, 3), ..ReadOptions::default() })
    });
}

/// Two pictures of more than half of the limit wait for each other, whatever the number of threads.
#[test]
fn large_pictures_take_no_more_memory_than_one() {
    let mut tally = Tally::new("D13", "two large pictures in a folder at once");
    let (width, height) = (16_384, 2_100);
    let large = png(GrayImage::new(width, height));
    let dir = parted();
    for name in ["train/a/1.png", "train/a/2.png"] {
        put(&dir, name, &large);
    }
    let pixels = u64::from(width * height);
    let measured = || Measured::of("folder::tests::damage::fitting_in_child", dir.path());
    tally.case(|| measured()?.accepted(pixels + (16 << 20)));
    tally.finish();
}

/// Opening or reading one would block, never end, or follow links forever.
#[cfg(unix)]
#[test]
fn other_things_than_files_are_refused_at_once() {
    let mut tally = Tally::new("D11", "pipes, devices and loops of links in a folder");
    for (name, tool, arguments, words) in [
        ("train/a/3.png", "mkfifo", &[][..], &["a/3.png: cannot open: not a regular file"][..]),
        (
            "train/a/3.png",
            "ln",
            &["-s", "/dev/zero"],
            &["a/3.png: cannot open: not a regular file"],
        ),
        ("train/a/3.png", "ln", &["-s", "3.png"], &["a/3.png: cannot open: Too many levels"]),
        ("train/a/3.png", "ln", &["-s", "absent"], &["a/3.png: cannot open: No such file"]),
        (
            "train/a/3.png",
            "ln",
            &["-s", ".."],
            &["a/3.png: expected a picture, found a link to a folder"],
        ),
        (
            "train/c",
            "ln",
            &["-s", ".."],
            &["train/c/train/c: expected a picture, found a link to a folder"],
        ),
        ("train/c.png", "mkfifo", &[], &["train/c.png: expected pictures in the folders"]),
        ("train/c", "ln", &["-s", "a"], &["train has a class \"c\""]),
    ] {
        let dir = parted();
        let made = Command::new(tool).args(arguments).arg(dir.path().join(name)).status();
        if !made.is_ok_and(|status| status.success()) {
            notice(&format!("no {tool} on this machine"));
            continue;
        }
        tally.case(|| Measured::of(CHILD, dir.path())?.refused(words, 16 << 20));
    }
    tally.finish();
}
