use std::thread;

use nn_io::{Checkpoint, Error};

use crate::fixture::{self, refused, says, seal};

#[test]
fn every_prefix() {
    let bytes = fixture::bytes();
    for len in 0..bytes.len() {
        let error = Checkpoint::from_bytes(&bytes[..len]).unwrap_err();
        if len >= 64 {
            says(&error, &["whole file", &bytes.len().to_string(), &format!("found {len};")]);
        }
    }
}

#[test]
fn every_flipped_bit() {
    let mut bytes = fixture::bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(Checkpoint::from_bytes(&bytes).is_err(), "byte {at}, bit {bit}");
            bytes[at] ^= 1 << bit;
        }
    }
    assert!(Checkpoint::from_bytes(&bytes).is_ok());
}

/// Where each tensor's data and its checksum in the metadata are.
fn tensors(bytes: &[u8]) -> Vec<(std::ops::Range<usize>, usize)> {
    let metadata_end = 64 + fixture::metadata_len(bytes);
    let mut start = metadata_end;
    let mut tensors = Vec::new();
    while start < bytes.len() {
        let len = u32::from_be_bytes(bytes[start + 1..start + 5].try_into().unwrap()) as usize;
        let data = start + 5..start + 5 + len;
        let crc = [&[0xCE], &crc32fast::hash(&bytes[data.clone()]).to_be_bytes()[..]].concat();
        let at = bytes[..metadata_end].windows(5).position(|window| window == crc);
        start = data.end;
        tensors.push((data, at.unwrap() + 1));
    }
    tensors
}

/// Whoever changes a byte on purpose makes the checksums true again. What is read then is a valid
/// checkpoint, which saves to the bytes it came from.
#[test]
fn every_byte_with_every_value_and_true_checksums() {
    let original = fixture::bytes();
    let tensors = tensors(&original);
    let check = |at: usize, value: u8| {
        let mut bytes = original.clone();
        bytes[at] = value;
        if let Some((data, crc)) = tensors.iter().find(|(data, _)| data.contains(&at)) {
            let found = crc32fast::hash(&bytes[data.clone()]).to_be_bytes();
            bytes[*crc..crc + 4].copy_from_slice(&found);
        }
        seal(&mut bytes);
        let Ok(loaded) = Checkpoint::from_bytes(&bytes) else { return 0 };
        let again = loaded.view().to_bytes().unwrap();
        // A newer minor version is read, and saved as ours.
        if bytes[13..15] == [0, 0] {
            assert!(again == bytes, "byte {at}, value {value}: saved differently");
        }
        assert!(Checkpoint::from_bytes(&again).unwrap() == loaded, "byte {at}, value {value}");
        1
    };
    let half = original.len() / 2;
    let count = |bytes: std::ops::Range<usize>| {
        bytes.map(|at| (0..=255).map(|value| check(at, value)).sum::<usize>()).sum::<usize>()
    };
    let valid = thread::scope(|scope| {
        let first = scope.spawn(|| count(0..half));
        count(half..original.len()) + first.join().unwrap()
    });
    // Strings, numbers and weights do have other values.
    assert!(valid > 10 * original.len() && valid < 128 * original.len(), "{valid}");
}

#[test]
fn bytes_before_and_behind() {
    let bytes = fixture::bytes();
    for n in 1..=4096 {
        let longer = [&bytes[..], &vec![0; n]].concat();
        refused(&longer, &["whole file", &format!("found {}", bytes.len() + n)]);
    }
    refused(&[&bytes[..], &bytes].concat(), &["whole file"]);
    refused(&[b"x", &bytes[..]].concat(), &["a model file behind 1 other bytes"]);
    // Bytes that the header counts as the file's.
    let mut longer = [&bytes[..], b"PK\x05\x06"].concat();
    let len = longer.len() as u64;
    longer[31..39].copy_from_slice(&len.to_le_bytes());
    seal(&mut longer);
    refused(&longer, &["(tensors): expected", "damaged"]);
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
        assert!(matches!(error, Error::Checksum { .. }));
        says(&error, &["byte ", section, "expected CRC-32 0x", "found 0x", "older one"]);
    }
}

#[test]
fn other_files() {
    let bytes = fixture::bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    refused(b"", &["expected a model file, found an empty file; check the path"]);
    refused(&[0; 4096], &["zeros"]);
    refused(b"\x89PNG\r\n\x1a\n", &["a PNG image"]);
    refused(text.as_bytes(), &["transferred as text"]);
    let newlines: Vec<u8> = bytes.iter().copied().filter(|&b| b != b'\r').collect();
    refused(&newlines, &["transferred as text"]);
}
