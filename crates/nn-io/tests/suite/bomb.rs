use crate::fixture::{newer, with_metadata};

/// The bytes that a bomb repeats: the beginnings of values that are nested without end, or that claim to be longer than
/// any file.
pub(crate) const SHAPES: [(&str, &[u8]); 8] = [
    ("lists", &[0x91]),
    ("long lists", &[0xDD, 0, 0, 0, 1]),
    ("maps", &[0x81, 0xA1, b'x']),
    ("maps as keys", &[0x81]),
    ("extensions", &[0xC7, 0xFF, 0x01]),
    // A reader that counts depth might not count the variants of an enumeration.
    ("variants", &[0x81, 0xA4, b'r', b'e', b'l', b'u']),
    ("endless strings", &[0xDB, 0xFF, 0xFF, 0xFF, 0xFF]),
    ("endless bytes", &[0xC6, 0xFF, 0xFF, 0xFF, 0xFF]),
];

/// Numbers of bytes of the metadata: below the limit, at the limit, and beyond it.
pub(crate) const SIZES: [usize; 7] =
    [64, 1 << 10, 1 << 16, 1 << 20, 2 << 20, 5_000_000, 10_000_000];

/// The files of a shape and a size, in this version and a newer one: the bomb alone, as the value of an unknown key,
/// and as the value of known keys.
pub(crate) fn bombs(shape: &[u8], size: usize) -> Vec<Vec<u8>> {
    let known =
        |key: &str, value: &[u8]| [&[0x81, 0xA0 | key.len() as u8], key.as_bytes(), value].concat();
    let starts = [
        vec![],
        known("new", &[]),
        known("layers", &[]),
        known("layers", &[0x91]),
        known("training", &[]),
        known("training", &known("optimizer", &[])),
    ];
    let file = |start: &Vec<u8>| {
        let mut metadata = [start.clone(), shape.repeat(size / shape.len() + 1)].concat();
        metadata.truncate(size);
        with_metadata(&metadata)
    };
    starts.iter().map(file).flat_map(|file| [file.clone(), newer(file)]).collect()
}
