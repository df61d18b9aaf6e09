//! Which archives are read, and which are refused with which message.

mod damage;

use std::fs;

use super::*;
use crate::dataset::{Colour, Note};
use crate::fixture::{ZipForm, npy, npy_of, refused, zip};

/// Four arrays: three images of 2 x 2 and two more.
fn arrays() -> [(&'static str, Vec<u8>); 4] {
    [
        ("x_train.npy", npy("|u1", "(3, 2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255])),
        ("y_train.npy", npy("|u1", "(3,)", &[0, 1, 2])),
        ("x_test.npy", npy("|u1", "(2, 2, 2)", &[8, 7, 6, 5, 4, 3, 2, 1])),
        ("y_test.npy", npy("|u1", "(2,)", &[2, 0])),
    ]
}

/// The archive with some of its arrays replaced.
fn archive(changes: &[(&'static str, Vec<u8>)], form: ZipForm) -> Vec<u8> {
    let mut members = arrays().to_vec();
    for (name, content) in changes {
        let member = members.iter_mut().find(|(member, _)| member == name).unwrap();
        member.1.clone_from(content);
    }
    zip(&members, form)
}

fn parse(bytes: &[u8]) -> Result<Dataset, Error> {
    Dataset::parse_npz(bytes, &ReadOptions::default())
}

fn with(name: &'static str, array: Vec<u8>) -> Result<Dataset, Error> {
    parse(&archive(&[(name, array)], ZipForm::default()))
}

#[test]
fn stored_and_deflated_members_and_zip64() {
    for form in [(false, false), (true, false), (false, true), (true, true)] {
        let (deflated, zip64) = form;
        let dataset = parse(&archive(&[], ZipForm { deflated, zip64 })).unwrap();
        let images = &dataset.train.images;
        assert_eq!((images.count, images.height, images.width, images.channels), (3, 2, 2, 1));
        assert_eq!(images.pixels, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
        assert_eq!((&*dataset.train.labels, &*dataset.test.labels), (&[0, 1, 2][..], &[2, 0][..]));
        assert_eq!(dataset.test.images.pixels, [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!((dataset.info.name, dataset.notes), (DatasetName::Npz, vec![]));
    }
}

#[test]
fn the_path_is_a_file_or_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let load = |path: &Path| Dataset::load_npz(path, &ReadOptions::default());
    let file = dir.path().join("mnist.npz");
    fs::write(&file, archive(&[], ZipForm::default())).unwrap();
    fs::write(dir.path().join("classes.txt"), "a\nb\nc\n").unwrap();
    let of_file = load(&file).unwrap();
    assert_eq!(of_file.info.title(), "mnist.npz (npz)");
    assert_eq!(of_file.info.class_names, ["a", "b", "c"]);
    assert_eq!(load(dir.path()).unwrap().info.sha256, of_file.info.sha256);

    fs::copy(&file, dir.path().join("other.npz")).unwrap();
    refused(load(dir.path()), &["expected one .npz file, found 2 of them; name the file"]).unwrap();
    let empty = tempfile::tempdir().unwrap();
    refused(load(empty.path()), &["missing an .npz file (the directory is empty)"]).unwrap();
    fs::write(empty.path().join("train.csv"), "").unwrap();
    refused(load(empty.path()), &["expected a NumPy archive (.npz), found CSV tables"]).unwrap();
    refused(load(&empty.path().join("absent")), &["absent: no such directory"]).unwrap();
    let text = empty.path().join("x.npz");
    fs::write(&text, "hello").unwrap();
    refused(load(&text), &["x.npz: expected a NumPy archive (.npz), found a text file"]).unwrap();
}

/// The numbers of every type, in both byte orders; the values are converted as those of IDX files.
#[test]
fn other_types_and_shapes() {
    let labels = |descr: &str, shape: &str, numbers: &[u8]| {
        with("y_train.npy", npy(descr, shape, numbers)).unwrap().train.labels
    };
    assert_eq!(labels("<i2", "(3, 1)", &[1, 0, 2, 0, 0, 0]), [1, 2, 0]);
    assert_eq!(labels(">i2", "(3,)", &[0, 1, 0, 2, 0, 0]), [1, 2, 0]);
    assert_eq!(labels("<i8", "(3L,)", &[2_i64, 0, 1].map(i64::to_le_bytes).concat()), [2, 0, 1]);
    assert_eq!(labels(">f8", "(3,)", &[2_f64, 0.0, 1.0].map(f64::to_be_bytes).concat()), [2, 0, 1]);
    let negative = npy("<i4", "(3,)", &[0_i32, 1, -1].map(i32::to_le_bytes).concat());
    let start = negative.len() - 4;
    let place = format!("<memory>/y_train.npy: byte {start} (label 2): expected a whole number");
    refused(with("y_train.npy", negative), &[&place, "found -1"]).unwrap();

    let halves = [0x3800_u16, 0x3c00, 0, 0].map(u16::to_le_bytes).concat();
    let ones = [1_f32; 12].map(f32::to_le_bytes).concat();
    let changes = [
        ("x_train.npy", npy("<f4", "(3, 2, 2, 1)", &ones)),
        ("x_test.npy", npy("<f2", "(2, 2, 2)", &halves.repeat(2))),
    ];
    let dataset = parse(&archive(&changes, ZipForm::default())).unwrap();
    assert_eq!(dataset.test.images.pixels, [128, 255, 0, 0, 128, 255, 0, 0]);
    assert_eq!(dataset.notes, [Note::UnitPixels]);

    let pixels = [255, 255, 255, 0, 0, 0, 255, 0, 0].repeat(2);
    let colour = [
        ("x_train.npy", npy("|u1", "(3, 2, 1, 3)", &pixels)),
        ("x_test.npy", npy("|u1", "(2, 2, 1, 3)", &[0; 12])),
    ];
    let colour = archive(&colour, ZipForm::default());
    let grey = parse(&colour).unwrap();
    assert_eq!(grey.train.images.pixels, [255, 0, 54, 255, 0, 54]);
    assert_eq!(grey.notes, [Note::MadeGrey]);
    let options = ReadOptions { colour: Colour::Rgb, ..ReadOptions::default() };
    assert_eq!(Dataset::parse_npz(&colour, &options).unwrap().train.images.channels, 3);
}

#[test]
fn training_labels_are_of_two_classes() {
    let words = ["<memory>/y_train.npy: expected training images of 2 classes or more, found only"];
    refused(with("y_train.npy", npy("|u1", "(3,)", &[1; 3])), &words).unwrap();
}

#[test]
fn headers_of_other_versions() {
    let [(_, array), ..] = arrays();
    let rest = &array[10..];
    for version in [2, 3] {
        let mut array = [b"\x93NUMPY", &[version, 0][..]].concat();
        array.extend(u32::from(u16::from_le_bytes([rest_len(rest), 0])).to_le_bytes());
        array.extend(rest);
        assert!(with("x_train.npy", array).is_ok(), "{version}");
    }
    let mut newer = array.clone();
    newer[6] = 4;
    refused(with("x_train.npy", newer), &["expected a NumPy array of version 1, 2 or 3"]).unwrap();
    refused(with("x_train.npy", vec![]), &["<memory>/x_train.npy: expected a NumPy"]).unwrap();
    let long = [&b"\x93NUMPY\x02\0\0\0\0\x7f"[..], &[b' '; 100]].concat();
    refused(with("x_train.npy", long), &["(length of the header): expected at most 65536"])
        .unwrap();
}

/// The length of the header's text, which ends in a brace.
fn rest_len(rest: &[u8]) -> u8 {
    rest.iter().position(|&byte| byte == b'}').unwrap() as u8 + 1
}

#[test]
fn what_numpy_can_save_differently_is_refused() {
    let header = |descr: &str, order: &str, shape: &str| {
        format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}")
    };
    let refuse = |header: &str, words: &[&str]| {
        let result = with("x_train.npy", npy_of(header, &[0; 12]));
        refused(result, &[&["<memory>/x_train.npy: "], words].concat()).unwrap();
    };
    let fortran = ["expected an array in C order, found one in Fortran order", "ascontiguousarray"];
    refuse(&header("'|u1'", "True", "(3, 2, 2)"), &fortran);
    refuse(&header("'<U4'", "False", "(3, 2, 2)"), &["the type \"<U4\"; convert it", "astype"]);
    refuse(&header("'|b1'", "False", "(3, 2, 2)"), &["the type \"|b1\""]);
    refuse(&header("[('a', '<f4')]", "False", "(3,)"), &["expected a header such as {'descr'"]);
    refuse(&header("'|u1'", "False", "(3, 0, 2)"), &["expected a shape without 0"]);
    refuse(&header("'|u1'", "False", "()"), &["expected images (count x height x width", "of u8"]);
    refuse(&header("'|u1'", "False", "(3, 4)"), &["found 3 x 4 of u8; save images"]);
    refuse(
        &header("'|u1'", "False", "(1, 1025, 1)"),
        &["header (dimension 2): expected at most 1024"],
    );
    let huge = "(4294967296, 1024, 1024)";
    refuse(&header("'|u1'", "False", huge), &["at most 4294967296 bytes in all", "a limit"]);
    // A list has the same order in both.
    let list = header("'|u1'", "True", "(3,)");
    assert!(with("y_train.npy", npy_of(&list, &[0, 1, 2])).is_ok());
}

#[test]
fn the_four_arrays_are_found_by_their_names() {
    let mut members = arrays().to_vec();
    members.push(("extra.npy", b"anything".to_vec()));
    members.push(("dir/x_train.npy", vec![]));
    assert!(parse(&zip(&members, ZipForm::default())).is_ok());
    members.remove(1);
    let words = [
        "expected the arrays x_train, y_train, x_test, y_test, found no y_train (it has extra.npy",
    ];
    refused(parse(&zip(&members, ZipForm::default())), &words).unwrap();
    let mut members = arrays().to_vec();
    members.push(members[0].clone());
    let words = ["<memory>/x_train.npy: the archive has two members of this name"];
    refused(parse(&zip(&members, ZipForm::default())), &words).unwrap();
    refused(parse(&zip(&[], ZipForm::default())), &["found no x_train, no y_train"]).unwrap();
    // Method 12 is bzip2; the flag's first bit means encrypted. Both are in the directory.
    let change = |at: usize, value: u8| {
        let mut archive = archive(&[], ZipForm::default());
        let start = archive.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        archive[start + at] = value;
        parse(&archive)
    };
    refused(
        change(10, 12),
        &["x_train.npy: expected a member that is stored or deflated, found compression method 12"],
    )
    .unwrap();
    refused(change(8, 1), &["x_train.npy: expected a member", "found an encrypted one"]).unwrap();
}
