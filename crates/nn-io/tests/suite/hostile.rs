use rmpv::Value;

use crate::fixture::{self, at, edited, newer, with, with_metadata};

/// What a bomb is made of, over and over: the beginnings of values that are in one another without
/// end, or say that they are longer than any file.
pub(crate) const SHAPES: [(&str, &[u8]); 8] = [
    ("lists", &[0x91]),
    ("long lists", &[0xDD, 0, 0, 0, 1]),
    ("maps", &[0x81, 0xA1, b'x']),
    ("maps as keys", &[0x81]),
    ("extensions", &[0xC7, 0xFF, 0x01]),
    // A reader that counts depth may not count the variants of an enumeration.
    ("variants", &[0x81, 0xA4, b'r', b'e', b'l', b'u']),
    ("endless strings", &[0xDB, 0xFF, 0xFF, 0xFF, 0xFF]),
    ("endless bytes", &[0xC6, 0xFF, 0xFF, 0xFF, 0xFF]),
];

/// Bytes of the metadata: below the limit, as many as it allows, and beyond it.
pub(crate) const SIZES: [usize; 7] =
    [64, 1 << 10, 1 << 16, 1 << 20, 2 << 20, 5_000_000, 10_000_000];

/// The files of a shape and a size, in this version and a newer one: the bomb alone, behind a key that
/// is unknown, and as the value of one that is known.
pub(crate) fn bombs(shape: &[u8], size: usize) -> Vec<Vec<u8>> {
    let known = |key: &str, behind: &[u8]| {
        [&[0x81, 0xA0 | key.len() as u8], key.as_bytes(), behind].concat()
    };
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

/// As many copies as the metadata have room for.
fn many(value: Value) -> Value {
    let len = fixture::encode(&value).len();
    Value::Array(vec![value; ((2 << 20) - 2000) / len])
}

/// Small values in such numbers that going through them, keeping them or comparing them might take
/// long, each with what the refusal says.
pub(crate) fn costly() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut metadata = fixture::metadata();
    let unit = {
        let mut layer = at(&mut metadata, "layers.0").clone();
        *at(&mut layer, "dense.inputs") = 1.into();
        *at(&mut layer, "dense.outputs") = 1.into();
        layer
    };
    let million = Value::Array(vec![unit.clone(); 1_000_000]);
    let record = at(&mut metadata, "training.history.1").clone();
    let tensor = at(&mut metadata, "tensors.5").clone();
    let tiny_keys = |key: &'static str| {
        edited(|metadata| {
            let len = 2 + key.len();
            let pairs = fixture::pairs(metadata);
            pairs.extend(vec![(key.into(), 0.into()); ((2 << 20) - 2000) / len]);
        })
    };
    vec![
        ("a million layers", with("layers", million), "bytes of the metadata"),
        ("layers to the limit", with("layers", many(unit)), "at most 256"),
        ("empty names", with("class_names", many("".into())), "at most 1000"),
        ("records", with("training.history", many(record)), "at most 10000"),
        ("tensors", with("tensors", many(tensor)), "at most 514"),
        ("a shape of many dimensions", with("tensors.0.shape", many(1.into())), "at most 2"),
        ("tiny keys", tiny_keys("k"), "a key that it does not know"),
        ("a known key again and again", tiny_keys("producer"), "duplicate field"),
        ("a key of megabytes", with("producer", "x".repeat(2_000_000)), "found 2000000"),
    ]
}
