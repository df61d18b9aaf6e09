use nn_io::Checkpoint;
use rmpv::Value;
use tally::Tally;

use crate::fixture::{self, at, edited, loads, newer, pairs, refused, with, with_metadata};

/// The paths of all maps of the metadata, including the outermost, whose path is empty; or of all scalars.
fn paths(scalars: bool) -> Vec<String> {
    fn walk(value: &Value, path: &str, scalars: bool, paths: &mut Vec<String>) {
        let below = |step: String| if path.is_empty() { step } else { format!("{path}.{step}") };
        match value {
            Value::Map(pairs) => {
                if !scalars {
                    paths.push(path.into());
                }
                for (key, value) in pairs {
                    walk(value, &below(key.as_str().unwrap().into()), scalars, paths);
                }
            }
            Value::Array(elements) => {
                for (i, element) in elements.iter().enumerate() {
                    walk(element, &below(i.to_string()), scalars, paths);
                }
            }
            _ if scalars => paths.push(path.into()),
            _ => {}
        }
    }
    let mut paths = Vec::new();
    walk(&fixture::metadata(), "", scalars, &mut paths);
    paths
}

/// The file after a change of the map at a path.
fn with_map(path: &str, change: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
    edited(|metadata| {
        change(pairs(if path.is_empty() { metadata } else { at(metadata, path) }));
    })
}

/// The keys of the map at a path.
fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    with_map(path, |map| keys.extend(map.iter().map(|(key, _)| key.as_str().unwrap().to_string())));
    keys
}

#[test]
fn missing_keys() {
    let mut tally = Tally::new("A7", "keys: each one missing");
    for path in paths(false) {
        for (index, key) in keys(&path).iter().enumerate() {
            let file = with_map(&path, |map| drop(map.remove(index)));
            let missing = format!("missing field `{key}`");
            let expected = match key.as_str() {
                // Optional: a record without it is valid.
                "validation" => continue,
                // Optional too, but the tensors of the moments are there.
                "training" => "tensors: expected 4 tensors, as layers and training need, found 6",
                // The map of a kind has only this key.
                "dense" | "relu" | "softmax" | "adam" | "inverse_time" => "incorrect length",
                // Optional, with a required feature where they are absent.
                "class_names" | "dataset" | "width" | "mean" => {
                    "required features: expected 0x00000020, as the metadata need"
                }
                "height" => "input: expected both width and height, or neither",
                "std" => "input: expected both mean and std, or neither",
                _ => &missing,
            };
            tally.case(|| refused(&file, &[expected]));
        }
    }
    tally.finish();
}

#[test]
fn duplicate_keys() {
    let mut tally = Tally::new("A7", "keys: each one twice, next to each other or at the end");
    for path in paths(false) {
        for (index, key) in keys(&path).iter().enumerate() {
            let next = with_map(&path, |map| map.insert(index, map[index].clone()));
            let last = with_map(&path, |map| map.push(map[index].clone()));
            let twice = format!("duplicate field `{key}`");
            let expected = match key.as_str() {
                "dense" | "relu" | "softmax" | "adam" | "inverse_time" => "incorrect length",
                _ => &twice,
            };
            for file in [next, last] {
                tally.case(|| refused(&file, &["byte ", "(metadata)", expected]));
                tally.case(|| refused(&newer(file), &["byte ", "(metadata)", expected]));
            }
        }
    }
    tally.finish();
}

#[test]
fn reordered_keys() {
    let mut tally = Tally::new("A7", "keys: any two swapped");
    for path in paths(false) {
        for second in 0..keys(&path).len() {
            for first in 0..second {
                let file = with_map(&path, |map| map.swap(first, second));
                tally.case(|| refused(&file, &["not in the form of this version"]));
                // The order is a matter of form, which a newer minor version need not follow.
                tally.case(|| loads(&newer(file)));
            }
        }
    }
    tally.finish();
}

#[test]
fn unknown_keys() {
    let mut tally =
        Tally::new("A7", "keys: an unknown one in each map, before and after the others");
    for path in paths(false) {
        // The map of a kind must have only one key.
        let kinds = ["dense", "relu", "softmax", "adam", "inverse_time"];
        let kind = keys(&path).iter().any(|key| kinds.contains(&key.as_str()));
        for index in [0, keys(&path).len()] {
            let new = ("new".into(), Value::Array(vec![1.into(), Value::Nil]));
            let file = with_map(&path, |map| map.insert(index, new));
            tally.case(|| refused(&file, &["(metadata)"]));
            match kind {
                true => tally.case(|| refused(&newer(file), &["incorrect length"])),
                false => tally.case(|| loads(&newer(file))),
            }
        }
    }
    tally.finish();
}

#[test]
fn confused_types() {
    let mut tally =
        Tally::new("A12", "another type: every scalar as every other type of MessagePack");
    let metadata = fixture::metadata();
    let scalars = paths(true);
    assert!(scalars.len() > 45, "{scalars:?}");
    for path in scalars {
        let original = at(&mut metadata.clone(), &path).clone();
        let number = original.as_f64().unwrap_or(1.0);
        let text = original.as_str().unwrap_or("1");
        let others = [
            Value::Nil,
            true.into(),
            (-1).into(),
            1u64.into(),
            Value::F32(number as f32),
            Value::F64(number),
            text.into(),
            Value::Binary(text.into()),
            Value::Ext(1, text.into()),
            Value::Array(vec![original.clone()]),
            Value::Map(vec![(original.clone(), original.clone())]),
        ];
        for other in others {
            let same = match original {
                Value::Integer(_) => other.is_u64(),
                Value::F64(_) => matches!(other, Value::F64(_)),
                _ => other.is_str(),
            };
            if !same {
                tally.case(|| refused(&with(&path, other), &["byte ", "(metadata)"]));
            }
        }
    }
    tally.finish();
}

#[test]
fn kinds_as_plain_strings_or_unknown() {
    let mut tally = Tally::new("A12", "another type: strings for maps, unknown kinds");
    for (path, name) in [
        ("layers.1", "relu"),
        ("training.optimizer", "adam"),
        ("training.schedule", "inverse_time"),
    ] {
        tally.case(|| refused(&with(path, name), &["(metadata)"]));
        let unknown = Value::Map(vec![("maxout".into(), Value::Map(vec![]))]);
        tally.case(|| refused(&with(path, unknown), &["(metadata)", "maxout"]));
    }
    tally.finish();
}

/// The five bytes before a tensor, which no checksum covers.
#[test]
fn tensors_of_another_type() {
    let mut tally = Tally::new("A12", "another type: every other one for a tensor's bytes");
    let bytes = fixture::bytes();
    let start = 64 + fixture::metadata_len(&bytes);
    let expected = [&format!("byte {start} (tensor dense0.weights)"), "[c6, 00, 00, 00, 30]"];
    for marker in (0..=255).filter(|&marker| marker != 0xC6) {
        let mut changed = bytes.clone();
        changed[start] = marker;
        tally.case(|| refused(&changed, &expected));
    }
    tally.finish();
}

/// A longer form than a value needs.
#[test]
fn longer_forms() {
    let metadata = fixture::encode(&fixture::metadata());
    // The outermost map of nine keys, as map 16.
    let long = [&[0xDE, 0, metadata[0] & 0x0F], &metadata[1..]].concat();
    refused(&with_metadata(&long), &["byte 64 (metadata)", "not in the form"]).unwrap();
    assert!(Checkpoint::from_bytes(&newer(with_metadata(&long))).is_ok());
}

#[test]
fn bytes_after_the_map() {
    let longer = with_metadata(&[&fixture::encode(&fixture::metadata())[..], &[0xC0]].concat());
    refused(&longer, &["expected the end of the metadata"]).unwrap();
    refused(&newer(longer), &["expected the end of the metadata"]).unwrap();
}
