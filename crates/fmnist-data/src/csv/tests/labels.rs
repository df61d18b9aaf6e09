//! Labels that are numbers, and labels that are names.

use super::*;
use crate::fixture::refused;

/// Tables of an image of a pixel for each of these labels.
fn load(train: &[&str], test: &[&str], named: Option<&str>) -> Result<Dataset, Error> {
    let rows = |labels: &[&str]| -> String {
        let row = |(n, label): (usize, &&str)| format!("{label},{}\n", n % 256);
        let lines: String = labels.iter().enumerate().map(row).collect();
        format!("label,pixel\n{lines}")
    };
    let [train, test] = [train, test].map(rows);
    let named = named.map(|text| ("classes.txt", text.as_bytes()));
    let files = [("train.csv", train.as_bytes()), ("test.csv", test.as_bytes())];
    let files: Vec<_> = files.into_iter().chain(named).collect();
    Dataset::load_csv(directory(&files).path(), &ReadOptions::default())
}

#[track_caller]
fn check(train: &[&str], test: &[&str], named: Option<&str>, names: &str, labels: [&[u8]; 2]) {
    let dataset = load(train, test, named).unwrap();
    assert_eq!(dataset.info.class_names.join(" "), names);
    assert_eq!([&dataset.train.labels[..], &dataset.test.labels], labels);
}

#[test]
fn numbers_are_indices_of_classes() {
    check(&["2", "0"], &["3"], None, "0 1 2 3", [&[2, 0], &[3]]);
    check(&["2.0", "02", "2", "0e0"], &["1"], None, "0 1 2", [&[2, 2, 2, 0], &[1]]);
    check(&["2", "0"], &["1"], Some("c\nb\na"), "c b a", [&[2, 0], &[1]]);
    let words = ["test.csv: line 2, column 1: expected a label of 0 to 1, found \"2\""];
    refused(load(&["0"], &["2"], Some("a\nb")), &words).unwrap();
    let words = ["test.csv: line 3, column 1: expected a label of 0 to 255, found \"256\""];
    refused(load(&["0"], &["0", "256", "300"], None), &words).unwrap();
}

#[test]
fn numbers_may_begin_at_1() {
    check(&["2", "1"], &["3"], None, "1 2 3", [&[1, 0], &[2]]);
    check(&["2", "3"], &["1.0"], Some("a\nb\nc"), "a b c", [&[1, 2], &[0]]);
    assert_eq!(load(&["2", "1"], &["3"], None).unwrap().notes, [Note::LabelsFromOne]);
    // With four names, label 1 is the second. Both tables count.
    check(&["2", "1"], &["3"], Some("?\na\nb\nc"), "? a b c", [&[2, 1], &[3]]);
    check(&["2", "1"], &["0"], None, "0 1 2", [&[2, 1], &[0]]);
    assert_eq!(load(&["2", "1"], &["0"], None).unwrap().notes, []);
    check(&["2", "3"], &["2"], None, "0 1 2 3", [&[2, 3], &[2]]);
}

#[test]
fn texts_are_names_of_classes() {
    check(&["fox", "cat", "fox"], &["fox", "cat"], None, "cat fox", [&[1, 0, 1], &[1, 0]]);
    check(&[" fox ", "\"a, b\""], &["fox"], None, "a, b fox", [&[1, 0], &[1]]);
    check(&["é", "Z", "a"], &["a"], None, "Z a é", [&[2, 0, 1], &[1]]);
    // One name makes all labels names, in whichever table it is.
    check(&["10", "9", "x"], &["9"], None, "10 9 x", [&[0, 1, 2], &[1]]);
    let words =
        ["test.csv: line 3, column 1: expected a label that the training table has, found \"x\""];
    refused(load(&["10", "9"], &["9", "x"], None), &words).unwrap();
    // The order of classes.txt.
    let named = Some("fox\nhen\ncat\n");
    check(&["cat", "fox"], &["fox", "hen"], named, "fox hen cat", [&[2, 0], &[0, 1]]);
    let words = ["train.csv: line 3, column 1: expected a name in classes.txt, found \"dog\""];
    refused(load(&["cat", "dog"], &["cat"], named), &words).unwrap();
    let words = ["test.csv: line 2, column 1: expected a name in classes.txt, found \"owl\""];
    refused(load(&["cat"], &["owl"], named), &words).unwrap();
}

#[test]
fn names_of_classes_are_short_and_few() {
    let longest = "x".repeat(255);
    let names = format!("a {longest}");
    check(&[&longest, "a"], &[&longest], None, &names, [&[1, 0], &[1]]);
    let words = ["train.csv: line 2, column 1: expected a value of at most 255 bytes"];
    refused(load(&[&format!("{longest}x")], &["a"], None), &words).unwrap();
    let name = "of a class, of 1 to 255 bytes, found";
    let words = [&format!("line 3, column 1: expected the name {name} control characters")[..]];
    refused(load(&["a", "\u{202e}b"], &["a"], None), &words).unwrap();
    let words = [&format!("line 3, column 1: expected the name {name} nothing")[..]];
    refused(load(&["a", ""], &["a"], None), &words).unwrap();

    let names: Vec<String> = (0..1025).map(|n| format!("class {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let dataset = load(&names[..256], &names[..1], None).unwrap();
    assert_eq!((dataset.info.class_names.len(), dataset.test.labels[0]), (256, 0));
    let words = [
        "train.csv: line 258, column 1: expected at most 256 classes, found another, \"class 256\"",
    ];
    refused(load(&names[..257], &names[..1], None), &words).unwrap();
    let words = ["train.csv: line 1026, column 1: expected at most 256 classes"];
    refused(load(&names, &names[..1], None), &words).unwrap();
}

#[test]
fn labels_are_utf_8() {
    let words = ["train.csv: line 2, column 1: expected a label in UTF-8"];
    refused(load_with(b"label,a,b,c,d,e,f\n\xe9t\xe9,1,2,3,4,5,6\n"), &words).unwrap();
}
