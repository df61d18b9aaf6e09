use rmpv::Value;

use crate::fixture::{self, at, edited, with};

/// As many copies as fit into the metadata.
fn many(value: Value) -> Value {
    let len = fixture::encode(&value).len();
    Value::Array(vec![value; ((2 << 20) - 2000) / len])
}

/// Files with so many small values that visiting, storing or comparing them could take long. Each has a name, and a
/// part of the expected error message.
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
        ("tensors", with("tensors", many(tensor)), "at most 1034"),
        ("a shape of many dimensions", with("tensors.0.shape", many(1.into())), "at most 2"),
        ("tiny keys", tiny_keys("k"), "an unknown key"),
        ("a known key again and again", tiny_keys("producer"), "duplicate field"),
        ("a key of megabytes", with("producer", "x".repeat(2_000_000)), "found 2000000"),
    ]
}
