//! The model file: any bytes give a valid checkpoint or an error.
//!
//! No fuzzer guesses a CRC-32, so the bytes are tried three times: as they are, with valid checksums, and with valid
//! lengths as well. The second try covers false lengths. The third covers metadata and tensors that became longer or
//! shorter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_io::{Checkpoint, VERSION};

const HEADER: usize = 64;
const MINOR_VERSION: usize = 13;
const METADATA_LEN: usize = 23;
const FILE_LEN: usize = 31;
const METADATA_CRC: usize = 39;
const HEADER_CRC: usize = 60;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    if bytes.len() > HEADER {
        let mut bytes = bytes.to_vec();
        make_checksums_true(&mut bytes);
        check(&bytes);
        make_lengths_true(&mut bytes);
        make_checksums_true(&mut bytes);
        check(&bytes);
    }
});

/// Anything that loads can be saved, and loads again as an equal checkpoint. The bytes are the same too, unless the file has a
/// newer minor version, since it is saved as our version.
fn check(bytes: &[u8]) {
    let Ok(loaded) = Checkpoint::from_bytes(bytes) else { return };
    let saved = loaded.view().to_bytes().expect("what loads can be saved");
    let again = Checkpoint::from_bytes(&saved).expect("what was saved loads");
    assert!(again == loaded, "loads as another checkpoint");
    loaded.inference_model().expect("a model for inference");
    if u16::from_le_bytes([bytes[MINOR_VERSION], bytes[MINOR_VERSION + 1]]) <= VERSION.minor {
        assert!(saved == bytes, "saved as other bytes");
    }
}

/// From the inside out: the checksums of tensors, metadata and header.
fn make_checksums_true(bytes: &mut [u8]) {
    let metadata_len = usize::try_from(u64_at(bytes, METADATA_LEN)).unwrap_or(usize::MAX);
    let (header, rest) = bytes.split_at_mut(HEADER);
    if let Some((metadata, tensors)) = rest.split_at_mut_checked(metadata_len) {
        make_tensor_checksums_true(metadata, tensors);
        put(header, METADATA_CRC, &crc32fast::hash(metadata).to_le_bytes());
    }
    let crc = crc32fast::hash(&header[..HEADER_CRC]);
    put(header, HEADER_CRC, &crc.to_le_bytes());
}

/// Walks through the tensors, and through their checksums in the metadata, which are in the same order.
fn make_tensor_checksums_true(metadata: &mut [u8], mut tensors: &[u8]) {
    // The key, and the first byte of a 32-bit number.
    const KEY: &[u8] = b"\xA5crc32\xCE";
    let mut at = 0;
    while let [0xC6, a, b, c, d, rest @ ..] = tensors
        && let Some((data, rest)) =
            rest.split_at_checked(u32::from_be_bytes([*a, *b, *c, *d]) as usize)
        && let Some(found) = metadata[at..].windows(KEY.len()).position(|window| window == KEY)
    {
        at += found + KEY.len();
        let Some(crc) = metadata.get_mut(at..at + 4) else { return };
        crc.copy_from_slice(&crc32fast::hash(data).to_be_bytes());
        tensors = rest;
    }
}

/// Sets the length of the metadata to that of their MessagePack, and the file's length to that of its bytes.
fn make_lengths_true(bytes: &mut [u8]) {
    let mut rest = &bytes[HEADER..];
    if rmpv::decode::read_value_ref(&mut rest).is_ok() {
        let metadata_len = (bytes.len() - HEADER - rest.len()) as u64;
        put(bytes, METADATA_LEN, &metadata_len.to_le_bytes());
    }
    let file_len = bytes.len() as u64;
    put(bytes, FILE_LEN, &file_len.to_le_bytes());
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
