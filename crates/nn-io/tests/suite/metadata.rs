use std::thread;

use nn_io::Checkpoint;
use rmpv::Value;

use crate::fixture::{self, at, edited, refused, seal_header, with, with_metadata};

/// Paths of all maps of the metadata; of the scalars too, where `scalars`.
fn paths(value: &Value, scalars: bool) -> Vec<String> {
    fn walk(value: &Value, path: &str, scalars: bool, paths: &mut Vec<String>) {
        let below = |step: String| if path.is_empty() { step } else { format!("{path}.{step}") };
        match value {
            Value::Map(pairs) => {
                if !scalars && !path.is_empty() {
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
    walk(value, "", scalars, &mut paths);
    paths
}

fn pairs(value: &mut Value) -> &mut Vec<(Value, Value)> {
    match value {
        Value::Map(pairs) => pairs,
        other => panic!("no map: {other}"),
    }
}

/// Applies a change of a map to each map of the metadata, the outermost too.
fn each_map(change: impl Fn(&mut Vec<(Value, Value)>) -> bool) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for path in paths(&fixture::metadata(), false).iter().map(Some).chain([None]) {
        let mut metadata = fixture::metadata();
        let map = match path {
            Some(path) => at(&mut metadata, path),
            None => &mut metadata,
        };
        if change(pairs(map)) {
            files.push(with_metadata(&fixture::encode(&metadata)));
        }
    }
    files
}

#[test]
fn missing_keys() {
    for index in 0..9 {
        for file in each_map(|map| {
            // Left out, this one is an optional key.
            let optional =
                map.get(index).is_some_and(|(key, _)| key.as_str() == Some("validation"));
            let there = index < map.len() && !optional;
            if there {
                map.remove(index);
            }
            there
        }) {
            refused(&file, &["expected"; 0]);
        }
    }
    refused(&edited(|metadata| drop(pairs(metadata).remove(4))), &["missing field `class_names`"]);
}

#[test]
fn duplicate_keys() {
    let twice = |map: &mut Vec<(Value, Value)>| {
        map.extend(map.first().cloned());
        !map.is_empty()
    };
    let files = each_map(twice);
    assert!(files.len() > 15);
    files.iter().for_each(|file| refused(file, &["byte "]));
    refused(&edited(|metadata| assert!(twice(pairs(metadata)))), &["duplicate field `producer`"]);
}

#[test]
fn reordered_keys() {
    for file in each_map(|map| {
        map.reverse();
        map.len() > 1
    }) {
        refused(&file, &["not in the one form of this version"]);
    }
}

#[test]
fn unknown_keys() {
    let files = each_map(|map| {
        map.push(("new".into(), Value::Array(vec![1.into(), Value::Nil])));
        true
    });
    for file in files {
        let error = Checkpoint::from_bytes(&file).unwrap_err();
        assert!(error.to_string().contains("(metadata)"), "{error}");
        // A newer minor version may have them; but a kind with one more key beside it is no kind.
        if let Ok(loaded) = Checkpoint::from_bytes(&newer(file)) {
            assert_eq!(loaded, fixture::checkpoint());
            assert_eq!(loaded.view().to_bytes().unwrap(), fixture::bytes());
        } else {
            assert!(error.to_string().contains("incorrect length"), "{error}");
        }
    }
}

/// Each scalar, as each other type of MessagePack.
#[test]
fn confused_types() {
    let metadata = fixture::metadata();
    let scalars = paths(&metadata, true);
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
                assert!(
                    Checkpoint::from_bytes(&with(&path, other.clone())).is_err(),
                    "{path}: {other} for {original}"
                );
            }
        }
    }
}

/// More bytes than a value needs.
#[test]
fn longer_forms() {
    let metadata = fixture::encode(&fixture::metadata());
    // The outermost map of nine keys, as map 16.
    let long = [&[0xDE, 0, metadata[0] & 0x0F], &metadata[1..]].concat();
    refused(&with_metadata(&long), &["byte 64 (metadata)", "not in the one form"]);
}

#[test]
fn kinds_as_plain_strings_or_unknown() {
    refused(&with("layers.1", "relu"), &["(metadata)"]);
    refused(&with("layers.1", Value::Map(vec![("gelu".into(), Value::Map(vec![]))])), &["gelu"]);
    refused(&with("training.optimizer", "adam"), &["(metadata)"]);
}

#[test]
fn invalid_utf_8() {
    let text = rmpv::Utf8String::from("Bag");
    let mut metadata = fixture::encode(&fixture::metadata());
    let position = metadata.windows(3).position(|window| window == text.as_bytes()).unwrap();
    metadata[position] = 0xFF;
    refused(&with_metadata(&metadata), &["(metadata)", "utf8"]);
}

#[test]
fn tensor_lists() {
    let tensors = |change: &dyn Fn(&mut Vec<Value>)| {
        edited(|metadata| match at(metadata, "tensors") {
            Value::Array(tensors) => change(tensors),
            other => panic!("{other}"),
        })
    };
    for i in 0..6 {
        for j in 0..i {
            refused(&tensors(&|list| list.swap(i, j)), &[&format!("tensors[{j}]"), "of shape"]);
        }
        refused(&tensors(&|list| drop(list.remove(i))), &["tensors: expected 6", "found 5"]);
        refused(&tensors(&|list| list.push(list[i].clone())), &["tensors: expected 6", "found 7"]);
        let duplicate = tensors(&|list| list[i] = list[(i + 1) % 6].clone());
        refused(&duplicate, &[&format!("tensors[{i}]")]);
    }
    let shapes: [&[u64]; 7] = [&[], &[0], &[1 << 63], &[3, 4], &[4, 4], &[12], &[1 << 32, 1 << 32]];
    for shape in shapes {
        let shape: Value = Value::Array(shape.iter().map(|&n| n.into()).collect());
        refused(&with("tensors.0.shape", shape), &["tensors[0]", "[4, 3]"]);
    }
    let cube = Value::Array(vec![4.into(), 3.into(), 1.into()]);
    refused(&with("tensors.0.shape", cube), &["at most 2"]);
    refused(&with("tensors.0.name", "../../x"), &["tensors[0]", "\"../../x\""]);
}

/// A newer minor version's files are not compared with what this one would write.
fn newer(mut file: Vec<u8>) -> Vec<u8> {
    file[13] = 1;
    seal_header(&mut file);
    file
}

#[test]
fn bytes_behind_the_map() {
    let longer = with_metadata(&[&fixture::encode(&fixture::metadata())[..], &[0xC0]].concat());
    refused(&longer, &["expected the end of the metadata"]);
    refused(&newer(longer), &["expected the end of the metadata"]);
}

/// Sixteen: the map and fifteen lists in it.
#[test]
fn depth() {
    let nested = |n| {
        let value = (0..n).fold(Value::Nil, |value, _| Value::Array(vec![value]));
        newer(edited(|metadata| pairs(metadata).push(("new".into(), value))))
    };
    assert_eq!(Checkpoint::from_bytes(&nested(15)).unwrap(), fixture::checkpoint());
    refused(&nested(16), &["depth limit exceeded"]);
}

/// In a thread whose stack is soon used up: an overflow would end the whole program.
#[test]
fn nests() {
    let bomb = |open: &[u8], n: usize| open.repeat(n / open.len());
    let shapes: [&[u8]; 6] = [
        &[0x91],
        &[0x81, 0xA1, b'x'],
        &[0xC7, 0xFF, 0x01],
        &[0xDD, 0, 0, 0, 1],
        &[0x81],
        &[0x81, 0xA4, b'r', b'e', b'l', b'u'],
    ];
    let check = move || {
        for shape in shapes {
            for n in [64, 1 << 10, 1 << 16, 1 << 20, 2 << 20] {
                let bomb = bomb(shape, n);
                // Alone, behind a key that is unknown, and as the value of one that is known.
                let known = |key: &str| [&[0x81, 0xA0 | key.len() as u8], key.as_bytes()].concat();
                for start in [vec![], known("new"), known("layers"), known("training")] {
                    let mut metadata = [&start[..], &bomb].concat();
                    metadata.truncate(2 << 20);
                    let file = with_metadata(&metadata);
                    refused(&file, &["(metadata)"]);
                    refused(&newer(file), &["(metadata)"]);
                }
            }
        }
    };
    thread::Builder::new().stack_size(256 << 10).spawn(check).unwrap().join().unwrap();
}
