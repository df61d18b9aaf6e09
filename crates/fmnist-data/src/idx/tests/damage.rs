//! Gzip files that are cut short or have a flipped bit, without a checksum to compare.

use tally::{Failure, Tally, ensure, size};

use super::*;
use crate::fixture::{flipped, published_labels, refused, sample};

/// The tiny file, zipped, and the published labels if they are on this machine.
fn files() -> Vec<Vec<u8>> {
    [gzip(&tiny())].into_iter().chain(published_labels()).collect()
}

#[test]
fn no_prefix_passes() {
    let mut tally = Tally::new("D1", "prefixes of a gzip file, unpinned");
    for file in files() {
        for length in sample(0..file.len(), size(1000, usize::MAX)) {
            tally.case(|| refused(parse(&file[..length]), &["<memory>: ", "; "]));
        }
        let cut = &file[..file.len() - 1];
        tally.case(|| refused(parse(cut), &["gzip stream, after", "the file is cut short"]));
    }
    tally.finish();
}

/// Some bits of a gzip header (time, system, name) do not matter. A flip of any other bit is detected.
#[test]
fn a_flipped_bit_never_gives_other_content() {
    let mut tally = Tally::new("D1", "flipped bits of a gzip file, unpinned");
    for file in files() {
        let whole = parse(&file).unwrap();
        for bit in sample(0..file.len() * 8, size(4000, usize::MAX)) {
            tally.case(|| match parse(&flipped(&file, bit)) {
                Err(_) => Ok(()),
                Ok(array) => ensure(array == whole, || Failure::torn(format!("bit {bit}"))),
            });
        }
    }
    tally.finish();
}
