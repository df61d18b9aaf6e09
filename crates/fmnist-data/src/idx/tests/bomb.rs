//! Small files that inflate to large ones, and headers that claim more than there is. Reading stops at the first excess
//! byte, before it takes memory or time.

use std::fs;

use tally::{Failure, Tally, size};

use super::*;
use crate::child::{self, Measured};
use crate::fixture::{bomb, named, refused, right};

/// The most memory that a refusal may take.
const MEMORY: u64 = 16 << 20;

#[test]
fn in_child() {
    child::measure(open);
}

/// Fails unless a child refuses the file with these words, at little cost.
fn refused_cheaply(file: &[u8], words: &[&str]) -> Result<(), Failure> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bomb");
    fs::write(&path, file).unwrap();
    Measured::of("idx::tests::bomb::in_child", &path)?.refused(words, MEMORY)
}

#[test]
fn what_follows_the_elements_is_never_inflated() {
    let mut tally = Tally::new("D2", "gzip bombs of zeros");
    let honest = "byte 16 (elements): expected 12 bytes, then the end, found more";
    for mib in size(vec![64], vec![1 << 10, 10 << 10]) {
        for (start, words) in [(tiny(), honest), (vec![], "byte 2 (element type)")] {
            let file = bomb(&start, mib << 20);
            tally.case(|| refused_cheaply(&file, &[words]));
            tally.case(|| {
                let mut taken = 0;
                let reader = Endless { start: &file, read: &mut taken };
                let reader = BufReader::with_capacity(512, reader);
                refused(read_buffered(reader, Path::new("bomb")), &[words])?;
                right(taken <= 4096, format_args!("read {taken} of {} bytes", file.len()))
            });
        }
    }
    tally.finish();
}

/// As `gzip -d` does (RFC 1952).
#[test]
fn members_are_read_as_one_stream() {
    let (file, whole) = (tiny(), parse(&tiny()).unwrap());
    for cut in 1..file.len() {
        let (start, end) = file.split_at(cut);
        assert_eq!(parse(&[gzip(start), gzip(end)].concat()).unwrap(), whole, "{cut}");
    }
    let bytes: Vec<Vec<u8>> = file.iter().map(|byte| gzip(&[*byte])).collect();
    let empty = [gzip(b""), gzip(&file), gzip(b""), gzip(b"")];
    for members in [&bytes[..], &empty] {
        assert_eq!(parse(&members.concat()).unwrap(), whole);
    }
}

#[test]
fn a_gzip_file_is_members_and_nothing_else() {
    let mut tally = Tally::new("D2", "gzip files with more than their members, or less");
    let file = gzip(&tiny());
    let after = "expected the end of the file or another member after a member, found ";
    let more = "byte 16 (elements): expected 12 bytes, then the end, found more";
    let mut check = |file: &[u8], words: &[&str]| tally.case(|| refused_cheaply(file, words));
    check(&[&file[..], &file].concat(), &[more]);
    check(&[&file[..], &bomb(&[], 64 << 20)].concat(), &[more]);
    let (start, end) = (gzip(&tiny()[..20]), gzip(&tiny()[20..]));
    check(&[&start[..], &end[..end.len() - 1]].concat(), &["the file is cut short"]);
    check(&start, &["byte 16 (elements): expected 12 bytes, then the end, found the end after 4"]);
    let mut damaged = end.clone();
    *damaged.last_mut().unwrap() ^= 1;
    check(&[start, damaged].concat(), &["gzip stream", "the file is damaged"]);
    check(&[&file[..], b"x"].concat(), &[after, "a text file"]);
    check(&[&file[..], &[0; 512]].concat(), &[after, "unknown data that starts with 00"]);
    check(&[&file[..], b"\x1f\x8b"].concat(), &["gzip stream", "the file is cut short"]);
    check(b"", &["expected an IDX file, raw or gzip, found an empty file"]);
    check(&gzip(b""), &["byte 0 (magic number): expected 4 bytes, found the end after 0"]);
    check(&named(&file, 64 << 10), &["gzip stream", "the file is damaged"]);
    check(&named(&file, 64 << 20), &["gzip stream", "the file is damaged"]);
    tally.finish();
    // A name by itself is allowed.
    assert!(parse(&named(&file, 1 << 10)).is_ok());
}

/// Whatever the header claims, memory is allocated only for bytes that are there.
#[test]
fn a_claim_takes_no_memory() {
    let mut tally = Tally::new("D4", "headers that claim more than there is");
    for dims in [&[1 << 30][..], &[1 << 10, 1 << 10, 1 << 10], &[60_000, 28, 28]] {
        for zip in [<[u8]>::to_vec, gzip] {
            let file = zip(&idx_u8(dims, &[0; 1000]));
            let words = ["(elements): expected ", "found the end after 1000"];
            tally.case(|| refused_cheaply(&file, &words));
        }
    }
    tally.finish();
}
