use nn_io::{Checkpoint, Error};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, edited, newer, refused, seal, seal_header, with};

fn numbers(numbers: &[u64]) -> Value {
    Value::Array(numbers.iter().map(|&n| n.into()).collect())
}

/// The file whose list of tensors is changed.
fn with_list(change: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    edited(|metadata| match at(metadata, "tensors") {
        Value::Array(list) => change(list),
        other => panic!("{other}"),
    })
}

/// A file that claims a network of other sizes everywhere, but still has the bytes of the original tensors.
fn claimed(inputs: u64, hidden: u64) -> Vec<u8> {
    let n = inputs.wrapping_mul(hidden).wrapping_add(hidden * 3).wrapping_add(2);
    edited(|metadata| {
        let mut set = |path: &str, value: Value| *at(metadata, path) = value;
        set("input.width", inputs.into());
        set("input.height", 1.into());
        set("layers.0.dense.inputs", inputs.into());
        set("layers.0.dense.outputs", hidden.into());
        set("layers.2.dense.inputs", hidden.into());
        set("tensors.0.shape", numbers(&[inputs, hidden]));
        set("tensors.1.shape", numbers(&[hidden]));
        set("tensors.2.shape", numbers(&[hidden, 2]));
        set("tensors.4.shape", numbers(&[n]));
        set("tensors.5.shape", numbers(&[n]));
    })
}

#[test]
fn wrong_shapes() {
    let mut tally =
        Tally::new("A6", "shapes: zero, vast, of another rank, other than the layers need");
    let of_tensors: [(&str, &[u64]); 18] = [
        ("tensors.0.shape", &[]),
        ("tensors.0.shape", &[0]),
        ("tensors.0.shape", &[0, 3]),
        ("tensors.0.shape", &[4, 0]),
        ("tensors.0.shape", &[12]),
        ("tensors.0.shape", &[1, 12]),
        ("tensors.0.shape", &[3, 4]),
        ("tensors.0.shape", &[4, 4]),
        ("tensors.0.shape", &[1 << 63]),
        ("tensors.0.shape", &[1 << 63, 2]),
        ("tensors.0.shape", &[1 << 32, 1 << 32]),
        // Their product is 12 if it overflows 64 bits.
        ("tensors.0.shape", &[(1 << 62) + 3, 4]),
        ("tensors.0.shape", &[u64::MAX, u64::MAX]),
        ("tensors.1.shape", &[3, 1]),
        ("tensors.3.shape", &[3]),
        ("tensors.4.shape", &[22]),
        ("tensors.4.shape", &[1, 23]),
        ("tensors.5.shape", &[24]),
    ];
    for (path, shape) in of_tensors {
        let list = path.replace(".shape", "").replace('.', "[") + "]";
        let expected = [&list, "of shape", &format!("{shape:?};")];
        tally.case(|| refused(&with(path, numbers(shape)), &expected));
    }
    for rank in [3, 9] {
        tally.case(|| refused(&with("tensors.0.shape", numbers(&vec![1; rank])), &["at most 2"]));
    }
    let no_inputs = ["layers: expected samples of 1 feature or more, found none"];
    tally.case(|| refused(&with("layers.0.dense.inputs", 0), &no_inputs));
    let no_outputs = ["layers: layer 0: outputs: expected 1 or more, found 0"];
    tally.case(|| refused(&with("layers.0.dense.outputs", 0), &no_outputs));
    for (n, expected) in [
        ((1 << 24) + 1, "of layer 0: expected at most 16777216, found 16777217"),
        (1 << 32, "of layer 0: expected at most 16777216, found 4294967296"),
        (u64::MAX, "of layer 0: expected at most 16777216, found 18446744073709551615"),
    ] {
        tally.case(|| refused(&with("layers.0.dense.inputs", n), &[expected]));
        tally.case(|| refused(&with("layers.0.dense.outputs", n), &[expected]));
    }
    // Everything agrees except for the missing bytes: one row, and gigabytes.
    tally.case(|| refused(&claimed(4, 4), &["(tensors): expected 390 bytes, found 306"]));
    tally.case(|| refused(&claimed(1 << 14, 1 << 14), &["(tensors): expected", "found 306"]));
    // More than there can be.
    let most = ["bytes of the tensor dense0.weights: expected at most 4294967292"];
    tally.case(|| refused(&claimed(1 << 24, 1 << 24), &most));
    // The length is that of the header, but one float shorter or longer than the tensors.
    let mut file = fixture::bytes();
    for len in [file.len() as u64 - 4, file.len() as u64 + 4] {
        file.resize(len as usize, 0);
        file[31..39].copy_from_slice(&len.to_le_bytes());
        seal_header(&mut file);
        let found =
            format!("found {}", if len as usize > fixture::bytes().len() { 310 } else { 302 });
        tally.case(|| refused(&file, &["(tensors): expected 306 bytes", &found]));
    }
    tally.finish();
}

#[test]
fn wrong_image_sizes() {
    let mut tally = Tally::new("A6", "shapes: images of other sizes than the first layer takes");
    let overflows = [(1u64 << 63, 2u64), (1 << 32, 1 << 32), ((1 << 62) + 1, 4)];
    for (width, height) in [(1, 2), (2, 1), (0, 4), (3, 2)].into_iter().chain(overflows) {
        let file = edited(|metadata| {
            *at(metadata, "input.width") = width.into();
            *at(metadata, "input.height") = height.into();
        });
        let found = format!("found {width} x {height}");
        tally.case(|| refused(&file, &["input: expected 4 pixels", &found]));
    }
    tally.finish();
}

/// An error of each kind that the bytes of a file can cause; the other kinds are about disks.
#[test]
fn each_error() {
    let mut tally = Tally::new("A6", "an error of each kind, which names the place and what to do");
    let changed = |at: usize, value: u8| {
        let mut bytes = fixture::bytes();
        bytes[at] = value;
        seal_header(&mut bytes);
        bytes
    };
    let damaged = {
        let mut bytes = fixture::bytes();
        bytes[99] ^= 1;
        bytes
    };
    type Is = fn(&Error) -> bool;
    let cases: [(Vec<u8>, Is, &[&str]); 12] = [
        (
            b"GIF89a".into(),
            |it| matches!(it, Error::NotAModel { .. }),
            &["expected a model file", "check the path"],
        ),
        (
            changed(11, 3),
            |it| matches!(it, Error::Version { .. }),
            &["byte 11", "reads version 3.0"],
        ),
        (
            changed(16, 1),
            |it| matches!(it, Error::Features { .. }),
            &["byte 15", "use a newer program"],
        ),
        (changed(31, 3), |it| matches!(it, Error::Damaged { .. }), &["byte 0", "get it again"]),
        (damaged, |it| matches!(it, Error::Damaged { .. }), &["byte 64", "get it again"]),
        (
            changed(50, 3),
            |it| matches!(it, Error::Form { .. }),
            &["byte 43", "did not follow the format"],
        ),
        (
            with("input.std", 0.0),
            |it| matches!(it, Error::Value { .. }),
            &["input.std", "correct it"],
        ),
        (
            with("layers.2.dense.inputs", 5),
            |it| matches!(it, Error::Value { .. }),
            &["layers[2].dense.inputs: expected 3", "found 5", "correct it"],
        ),
        (
            with("layers.0.dense.outputs", 0),
            |it| matches!(it, Error::Network(_)),
            &["layers: layer 0: outputs: expected 1 or more", "found 0"],
        ),
        (
            with("training.schedule.inverse_time.decay", -1.0),
            |it| matches!(it, Error::Optimizer(_)),
            &["training: decay"],
        ),
        (
            fixture::with_float(0, 1, f32::NAN),
            |it| matches!(it, Error::Element { .. }),
            &["tensor dense0.weights, element 1", "use an older file"],
        ),
        (
            with("producer", "x".repeat(256)),
            |it| matches!(it, Error::Limit { .. }),
            &["bytes of producer", "smaller"],
        ),
    ];
    for (file, is, expected) in cases {
        tally.case(|| {
            refused(&file, expected)?;
            let error = Checkpoint::from_bytes(&file).unwrap_err();
            ensure(is(&error), || Failure::wrong(format!("{error:?}")))
        });
    }
    tally.finish();
}

/// All orders of the numbers below `n`, the ascending one first.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let longer = |shorter: Vec<usize>| {
        (0..n).rev().map(move |at| {
            let mut longer = shorter.clone();
            longer.insert(at, n - 1);
            longer
        })
    };
    permutations(n - 1).into_iter().flat_map(longer).collect()
}

#[test]
fn tensors_in_another_order() {
    let mut tally =
        Tally::new("A7", "tensors: all orders of the list, with and without their data");
    let bytes = fixture::bytes();
    let tensors = fixture::tensors(&bytes);
    let end = 64 + fixture::metadata_len(&bytes);
    let orders = permutations(tensors.len());
    assert_eq!(orders.len(), 720);
    for order in orders {
        let list_only = with_list(|list| {
            *list = order.iter().map(|&i| list[i].clone()).collect();
        });
        let mut with_data = list_only[..end].to_vec();
        for &i in &order {
            let data = &tensors[i].data;
            with_data.extend(&bytes[data.start - 5..data.end]);
        }
        seal(&mut with_data);
        for file in [list_only, with_data] {
            let moved = order.iter().enumerate().find(|&(at, &i)| at != i);
            tally.case(|| match moved {
                None => fixture::loads(&file),
                Some((at, _)) => refused(&file, &[&format!("tensors[{at}]: expected"), "of shape"]),
            });
        }
    }
    tally.finish();
}

#[test]
fn other_tensors() {
    let mut tally =
        Tally::new("A7", "tensors: each missing, twice, replaced by another, or renamed");
    for i in 0..6 {
        let list = format!("tensors[{i}]");
        let missing = with_list(|list| drop(list.remove(i)));
        tally.case(|| refused(&missing, &["tensors: expected 6", "found 5"]));
        let last = with_list(|list| list.push(list[i].clone()));
        tally.case(|| refused(&last, &["tensors: expected 6", "found 7"]));
        let next = with_list(|list| list.insert(i, list[i].clone()));
        tally.case(|| refused(&next, &["tensors: expected 6", "found 7"]));
        for j in (0..6).filter(|&j| j != i) {
            let other = with_list(|list| list[i] = list[j].clone());
            tally.case(|| refused(&other, &[&list, "of shape"]));
        }
        for name in ["", "../../x", "dense0.Weights", "dense00.weights", "adam"] {
            let renamed = with(&format!("tensors.{i}.name"), name);
            tally.case(|| refused(&renamed, &[&list, &format!("found {name:?}")]));
            tally.case(|| refused(&newer(renamed), &[&list]));
        }
    }
    tally.finish();
}
