use std::fs;

use super::*;
use crate::contents;
use crate::dataset::DatasetName;
use crate::fixture::refused;
use crate::manifest;

/// The four names after a prefix, with `t10k` or `test`, a dash or a dot, and `.gz` or not.
fn names(prefix: &str, test: &str, separator: &str, end: &str) -> [String; 4] {
    [("train", "images", 3), ("train", "labels", 1), (test, "images", 3), (test, "labels", 1)]
        .map(|(set, what, rank)| format!("{prefix}{set}-{what}{separator}idx{rank}-ubyte{end}"))
}

/// A directory with empty files of these names.
fn holding<'a>(names: impl IntoIterator<Item = &'a String>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in names {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    dir
}

fn files(dir: &tempfile::TempDir) -> Result<[String; 4], Error> {
    let files = contents::idx_files(dir.path(), DatasetName::Idx, &manifest::fashion_mnist())?;
    let shown = |path: PathBuf| path.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned();
    Ok(files.map(shown))
}

#[test]
fn each_form_of_the_names() {
    let forms = [
        names("", "t10k", "-", ""),
        names("", "t10k", "-", ".gz"),
        names("", "t10k", ".", ""),
        names("", "test", "-", ".gz"),
        names("emnist-letters-", "test", "-", ".gz"),
        names("emnist-letters-", "test", "-", ""),
        names("my-", "t10k", ".", ""),
        names("FashionMNIST/raw/", "t10k", "-", ""),
        names("MNIST/raw/", "t10k", "-", ".gz"),
        names("KMNIST/raw/", "t10k", "-", ""),
        names("EMNIST/raw/emnist-letters-", "test", "-", ""),
    ];
    for form in forms {
        assert_eq!(files(&holding(&form)).unwrap(), form);
    }
}

#[test]
fn the_usual_names_come_first() {
    let usual = names("", "t10k", "-", ".gz");
    for other in [
        names("", "t10k", ".", ""),
        names("", "test", "-", ""),
        names("other-", "test", "-", ""),
        names("MNIST/raw/", "t10k", "-", ""),
    ] {
        assert_eq!(files(&holding(usual.iter().chain(&other))).unwrap(), usual);
    }
    // A file of each form.
    let dot = names("", "t10k", ".", "");
    let mixed = [dot[0].clone(), usual[1].clone(), usual[2].clone(), dot[3].clone()];
    assert_eq!(files(&holding(&mixed)).unwrap(), mixed);
    // Other names are none.
    for name in
        ["train-images-idx3-ubyte.gz.part", "xtrain-images-idx3-ubyte", "-train-images-idx3-ubyte"]
    {
        assert_eq!(parse(name), None, "{name}");
    }
}

#[test]
fn several_datasets_are_named() {
    let [letters, digits] =
        ["emnist-letters-", "emnist-digits-"].map(|prefix| names(prefix, "test", "-", ".gz"));
    let dir = holding(letters.iter().chain(&digits));
    let words = ["of one dataset, found those of emnist-digits, emnist-letters; put the files"];
    refused(files(&dir), &words).unwrap();
    let [mnist, kmnist] = ["MNIST/raw/", "KMNIST/raw/"].map(|root| names(root, "t10k", "-", ""));
    let words = ["found those of MNIST, KMNIST; name the directory of one"];
    refused(files(&holding(mnist.iter().chain(&kmnist))), &words).unwrap();
    // One of them lacks a file.
    assert_eq!(files(&holding(letters.iter().chain(&digits[..3]))).unwrap(), letters);
}

#[test]
fn missing_files_are_named_with_those_that_are_there() {
    let usual = names("", "t10k", "-", ".gz");
    let words = [
        ": no dataset here, missing t10k-labels-idx1-ubyte.gz (the directory has ",
        "has t10k-images-idx3-ubyte.gz, train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz)",
    ];
    refused(files(&holding(&usual[..3])), &words).unwrap();
    let letters = names("emnist-letters-", "test", "-", ".gz");
    let words = ["missing emnist-letters-test-labels-idx1-ubyte.gz (the"];
    refused(files(&holding(&letters[..3])), &words).unwrap();
    let raw = names("MNIST/raw/", "t10k", "-", ".gz");
    refused(files(&holding(&raw[1..])), &["missing MNIST/raw/train-images-idx3"]).unwrap();

    let others: Vec<String> = (0..9).map(|i| format!("{i}.bin")).collect();
    let words = ["the directory has 0.bin, 1.bin, 2.bin, 3.bin, 4.bin, 5.bin and 3 more); fetch"];
    refused(files(&holding(&others)), &words).unwrap();
    refused(files(&holding(&[])), &["labels-idx1-ubyte.gz (the directory is empty)"]).unwrap();
    let hostile = ["\u{1b}[2J".to_owned()];
    refused(files(&holding(&hostile)), &["the directory has \"\\u001b[2J\")"]).unwrap();
}

/// Each reader names the kind that is there instead of its own.
#[test]
fn another_kind_is_named() {
    let set = |names: &[&str]| holding(&names.iter().map(|&name| name.into()).collect::<Vec<_>>());
    let idx = holding(&names("", "t10k", "-", ".gz"));
    let csv = set(&["train.csv", "test.csv"]);
    let npz = set(&["mnist.npz"]);
    let folder = set(&["train/a/1.png"]);
    let sets = [
        (DatasetName::Idx, "four IDX files", &idx),
        (DatasetName::Csv, "CSV tables", &csv),
        (DatasetName::Npz, "a NumPy archive (.npz)", &npz),
        (DatasetName::Folder, "pictures in folders", &folder),
    ];
    for (wanted, expected, own) in &sets {
        assert!(contents::check_kind(own.path(), *wanted).is_ok());
        for (kind, found, dir) in sets.iter().filter(|(kind, ..)| kind != wanted) {
            let result = contents::check_kind(dir.path(), *wanted);
            assert!(
                matches!(result, Err(Error::Missing { holds: Some(holds), .. }) if holds == *kind)
            );
            let words = [&*format!(": expected {expected}, found {found}")];
            refused(contents::check_kind(dir.path(), *wanted), &words).unwrap();
        }
    }
    // The file itself.
    let file = npz.path().join("mnist.npz");
    let words = ["mnist.npz: expected four IDX files, found a NumPy archive"];
    let result = contents::idx_files(&file, DatasetName::Idx, &manifest::fashion_mnist());
    refused(result, &words).unwrap();
}
