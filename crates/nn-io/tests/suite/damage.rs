use std::ops::Range;
use std::thread;

use nn_io::{Checkpoint, Error};
use tally::{Dice, Failure, Tally, ensure, size};

use crate::fixture::{self, refused, seal, stable};

/// Checks that the first `len` bytes are refused. The message names both lengths, if there is a header with the whole
/// length.
fn cut(bytes: &[u8], len: usize) -> Result<(), Failure> {
    let (whole, found) = (bytes.len().to_string(), format!("found {len};"));
    match len {
        0 => refused(&[], &["found an empty file"]),
        1..11 => refused(&bytes[..len], &["expected a model file, found"]),
        11..64 => refused(&bytes[..len], &["(header): expected 64 bytes", &found]),
        64.. => refused(&bytes[..len], &["(whole file)", &whole, &found]),
    }
}

#[test]
fn every_prefix() {
    let mut tally = Tally::new("A1", "cut short: every prefix of a small model");
    let bytes = fixture::bytes();
    for len in 0..bytes.len() {
        tally.case(|| cut(&bytes, len));
    }
    tally.finish();
}

#[test]
fn prefixes_of_a_real_model() {
    let mut tally = Tally::new("A1", "cut short: random prefixes of a real model");
    let bytes = fixture::real().view().to_bytes().unwrap();
    let mut dice = Dice::new(1);
    for _ in 0..2000 {
        let len = dice.below(bytes.len());
        tally.case(|| cut(&bytes, len));
    }
    tally.finish();
}

/// The parts of a file: where each ends, and the words that a message about it must have.
fn parts(bytes: &[u8]) -> Vec<(usize, String)> {
    let metadata_end = 64 + fixture::metadata_len(bytes);
    let mut metadata = rmpv::decode::read_value(&mut &bytes[64..metadata_end]).unwrap();
    let mut parts = vec![
        (11, "expected a model file, found".into()),
        (64, "(header): expected CRC-32".into()),
        (metadata_end, "(metadata): expected CRC-32".into()),
    ];
    for (i, tensor) in fixture::tensors(bytes).iter().enumerate() {
        let name = fixture::at(&mut metadata, &format!("tensors.{i}.name"));
        parts.push((tensor.data.end, format!("(tensor {}): expected", name.as_str().unwrap())));
    }
    parts
}

/// Checks that a flipped bit is found, and that the message names the part.
fn flipped(bytes: &mut [u8], parts: &[(usize, String)], bit: usize) -> Result<(), Failure> {
    let at = bit / 8;
    let (_, part) = parts.iter().find(|(end, _)| at < *end).unwrap();
    bytes[at] ^= 1 << (bit % 8);
    let result = refused(bytes, &[part]);
    bytes[at] ^= 1 << (bit % 8);
    result
}

#[test]
fn every_flipped_bit() {
    let mut tally = Tally::new("A2", "one flipped bit: every bit of a small model");
    let mut bytes = fixture::bytes();
    let parts = parts(&bytes);
    for bit in 0..8 * bytes.len() {
        tally.case(|| flipped(&mut bytes, &parts, bit));
    }
    assert!(Checkpoint::from_bytes(&bytes).is_ok());
    tally.finish();
}

#[test]
fn flipped_bits_of_a_real_model() {
    let mut tally = Tally::new("A2", "one flipped bit: random bits of a real model");
    let mut bytes = fixture::real().view().to_bytes().unwrap();
    let parts = parts(&bytes);
    let mut dice = Dice::new(2);
    for _ in 0..size(500, 20_000) {
        let bit = dice.below(8 * bytes.len());
        tally.case(|| flipped(&mut bytes, &parts, bit));
    }
    assert!(Checkpoint::from_bytes(&bytes).is_ok());
    tally.finish();
}

#[test]
fn the_damaged_part_is_named() {
    let bytes = fixture::bytes();
    let metadata_end = 64 + fixture::metadata_len(&bytes);
    for (at, section) in
        [(20, "(header)"), (70, "(metadata)"), (metadata_end + 9, "dense0.weights")]
    {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let error = Checkpoint::from_bytes(&damaged).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }));
        fixture::says(&error, &["byte ", section, "expected CRC-32 0x", "found 0x", "older one"]);
    }
}

/// Every byte gets every other value, and the checksums are corrected, as someone would who changes a file on purpose.
/// If the file loads, the checkpoint is valid and saves to the same bytes.
#[test]
fn every_byte_with_every_value_and_correct_checksums() {
    // The second file covers a switch and settings that Adam does not have.
    let nesterov = fixture::optimizers()[6];
    for original in [fixture::bytes(), fixture::bytes_with(nesterov)] {
        every_byte_with_every_value(&original);
    }
}

fn every_byte_with_every_value(original: &[u8]) {
    let tensors = fixture::tensors(original);
    let check = |at: usize, value: u8| {
        let mut bytes = original.to_vec();
        bytes[at] = value;
        if let Some(tensor) = tensors.iter().find(|tensor| tensor.data.contains(&at)) {
            tensor.seal(&mut bytes);
        }
        seal(&mut bytes);
        stable(&bytes)
    };
    let part = |range: Range<usize>| {
        let mut tally =
            Tally::new("A3", "any byte, checksums correct: every byte, every other value");
        let mut valid = 0;
        for at in range {
            for value in (0..=255).filter(|&value| value != original[at]) {
                tally.case(|| check(at, value).map(|loaded| valid += usize::from(loaded)));
            }
        }
        (tally, valid)
    };
    let half = original.len() / 2;
    let (mut tally, first, second) = thread::scope(|scope| {
        let other = scope.spawn(|| part(0..half));
        let (mut tally, second) = part(half..original.len());
        let (other, first) = other.join().unwrap();
        tally.add(other);
        (tally, first, second)
    });
    let valid = first + second;
    tally.case(|| {
        // Strings, numbers and weights have other valid values.
        let some = valid > 10 * original.len() && valid < 128 * original.len();
        ensure(some, || Failure::wrong(format!("{valid} changed files were loaded")))
    });
    tally.finish();
}

#[test]
fn bytes_before_and_after() {
    let bytes = fixture::bytes();
    let whole = format!("expected {} bytes", bytes.len());
    let longer = |before: &[u8], after: &[u8]| [before, &bytes, after].concat();
    let mut tally = Tally::new("A8", "too many bytes: 1 to 4096 after the file");
    for n in 1..=4096 {
        let found = format!("found {};", bytes.len() + n);
        tally.case(|| refused(&longer(&[], &vec![0; n]), &["(whole file)", &whole, &found]));
    }
    tally.finish();

    let mut tally = Tally::new("A8", "too many bytes: before, two files, files of two kinds");
    for n in 1..=64 {
        let found = format!("a model file after {n} other bytes");
        tally.case(|| refused(&longer(&vec![b'x'; n], &[]), &[&found]));
    }
    tally.case(|| refused(&longer(&[], &bytes), &["(whole file)", &whole]));
    // A zip archive is read from its end, so a model could come before it.
    let archive = [b"PK\x05\x06", &[0; 18][..]].concat();
    tally.case(|| refused(&longer(&[], &archive), &["(whole file)", &whole]));
    tally.case(|| refused(&longer(b"PK\x03\x04", &archive), &["a zip archive"]));
    // Additional bytes that the header includes in the length.
    let mut counted = longer(&[], &archive);
    let len = counted.len() as u64;
    counted[31..39].copy_from_slice(&len.to_le_bytes());
    seal(&mut counted);
    tally.case(|| refused(&counted, &["(tensors): expected", "damaged"]));
    tally.finish();
}
