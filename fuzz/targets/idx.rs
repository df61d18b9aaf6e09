//! IDX files, raw and gzip: any bytes give an array that its dimensions describe, or an error.
//!
//! The bytes are tried as they are. No fuzzer makes a gzip stream with a valid checksum, so raw files are then wrapped
//! in one, which must give the same array. Gzip input that is tried as it is reaches the inflater, whose checksum comes
//! last.
#![no_main]

use fmnist_data::idx::{self, Elements, Idx};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let found = idx::parse(bytes).ok().map(contents);
    // A raw file.
    if bytes.first() == Some(&0) {
        if let Some((_, elements)) = &found {
            assert!(bytes.ends_with(elements), "other elements than the file's");
        }
        let inflated = idx::parse(&gzip(bytes)).ok().map(contents);
        assert!(inflated == found, "another array as gzip");
    }
});

/// The dimensions, and the elements as bytes of a file: as floats, a NaN would not equal itself.
fn contents(array: Idx) -> (Vec<usize>, Vec<u8>) {
    let (found, bytes) = match &array.elements {
        Elements::U8(elements) => to_bytes(elements, u8::to_be_bytes),
        Elements::I8(elements) => to_bytes(elements, i8::to_be_bytes),
        Elements::I16(elements) => to_bytes(elements, i16::to_be_bytes),
        Elements::I32(elements) => to_bytes(elements, i32::to_be_bytes),
        Elements::F32(elements) => to_bytes(elements, f32::to_be_bytes),
        Elements::F64(elements) => to_bytes(elements, f64::to_be_bytes),
        other => unreachable!("elements of {}", other.type_name()),
    };
    assert_eq!(found, array.dims.iter().product(), "elements of dimensions {:?}", array.dims);
    (array.dims, bytes)
}

/// The number of elements, and their bytes.
fn to_bytes<T: Copy, const N: usize>(elements: &[T], f: fn(T) -> [u8; N]) -> (usize, Vec<u8>) {
    (elements.len(), elements.iter().flat_map(|element| f(*element)).collect())
}

/// A gzip stream of stored blocks, which are fast to make.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut stream = b"\x1F\x8B\x08\0\0\0\0\0\0\xFF".to_vec();
    for block in bytes.chunks(usize::from(u16::MAX)) {
        let len = block.len() as u16;
        stream.push(0);
        stream.extend(len.to_le_bytes());
        stream.extend((!len).to_le_bytes());
        stream.extend(block);
    }
    stream.extend([1, 0, 0, 0xFF, 0xFF]);
    stream.extend(crc32fast::hash(bytes).to_le_bytes());
    stream.extend((bytes.len() as u32).to_le_bytes());
    stream
}
