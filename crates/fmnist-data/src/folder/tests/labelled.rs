//! Pictures with a table of labels instead of folders.

use super::*;
use crate::fixture::refused;

/// Pictures of these levels, and a table.
fn with_table(names: &[&str], table: &str) -> TempDir {
    let dir = directory(&[("labels.csv", table.as_bytes())]);
    for (i, name) in names.iter().enumerate() {
        put(&dir, &format!("{name}.png"), &png(grey(i as u8)));
    }
    dir
}

const NAMES: [&str; 14] =
    ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13"];

/// Each picture with its class, which alternates, in a form of its name.
fn rows(form: impl Fn(&str) -> String) -> String {
    let class = |i: usize| ["b", "a"][i % 2];
    NAMES.iter().enumerate().map(|(i, name)| format!("{},{}\n", form(name), class(i))).collect()
}

#[test]
fn a_table_names_the_classes() {
    for (table, folder) in [
        (format!("filename,label\n{}", rows(|it| format!("{it}.png"))), ""),
        (rows(|it| format!("{it}.png")), ""),
        (format!("Id,Category\n{}", rows(str::to_owned)), ""),
        (rows(|it| format!("./{it}.png")), ""),
        (rows(|it| format!("./images/{it}.png")), "images/"),
        (format!("image,width,label\n{}", rows(|it| format!("images/{it}.png,2"))), "images/"),
        (format!("file;class\n{}", rows(str::to_owned).replace(',', ";")), "images/"),
    ] {
        let names = NAMES.map(|name| format!("{folder}{name}"));
        let dir = with_table(&names.each_ref().map(String::as_str), &table);
        let dataset = load(&dir).unwrap();
        assert_eq!(dataset.info.class_names, ["a", "b"], "{table}");
        // The test set is the sixth of each class.
        assert_eq!((levels(&dataset.test), &*dataset.test.labels), (vec![11, 10], &[0, 1][..]));
        assert_eq!(levels(&dataset.train)[..4], [1, 0, 3, 2]);
    }
}

/// Folders below a table are not classes, whatever their number. The name with its folder comes first.
#[test]
fn a_table_counts_before_folders() {
    let names = ["x/1", "y/1", "1", "x/2", "x/3", "x/4", "x/5"];
    let rows = names.map(|name| format!("{name}.png,{}\n", if name == "x/1" { "a" } else { "b" }));
    let dataset = load(&with_table(&names, &rows.concat())).unwrap();
    assert_eq!(dataset.info.class_names, ["a", "b"]);
    let mut found: Vec<_> = levels(&dataset.train).into_iter().zip(dataset.train.labels).collect();
    found.sort_unstable();
    assert_eq!(found.iter().filter(|(_, label)| *label == 0).collect::<Vec<_>>(), [&(0, 0)]);
    // In a folder alone in another one, too.
    let names = ["x/1", "x/2", "x/3", "x/4", "x/5", "x/6", "x/7"];
    let rows = names.map(|name| format!("{name},{}\n", if name == "x/1" { "a" } else { "b" }));
    assert_eq!(load(&with_table(&names, &rows.concat())).unwrap().info.class_names, ["a", "b"]);
    // Two pictures have this name.
    let dir = with_table(&["train/1", "test/1"], "1.png,a\n");
    let words = [
        "line 1, column 1: expected a name that only one picture has, with its folder, or a labels.csv in each folder",
        "found \"1.png\", which is \"test/1.png\" and \"train/1.png\"",
    ];
    refused(load(&dir), &words).unwrap();
}

/// Each part of the set may have its own table.
#[test]
fn parts_have_tables() {
    let dir = parted();
    let expected = load(&dir).unwrap().info.sha256.clone();
    let other = directory(&[
        ("train/labels.csv", b"1,a\n2,a\n3,b\n4,b\n"),
        ("test/labels.csv", b"1,a\n2,b\n"),
    ]);
    for (i, name) in
        ["train/1", "train/2", "train/3", "train/4", "test/1", "test/2"].iter().enumerate()
    {
        put(&other, &format!("{name}.png"), &png(grey(i as u8)));
    }
    assert_eq!(load(&other).unwrap().info.sha256, expected);
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let check = |table: &str, words: &[&str]| {
        refused(load(&with_table(&["1", "2"], table)), words).unwrap();
    };
    check(
        "1.png,a\n3.png,b\n",
        &["labels.csv: line 2, column 1: expected the name of a picture in", "\"3.png\""],
    );
    check(
        "1.png,a\n../2.png,b\n",
        &["line 2, column 1: expected the name of a picture", "../2.png"],
    );
    check("1.png,a\n/etc/passwd,b\n", &["line 2, column 1", "/etc/passwd"]);
    check(
        "1.png,a\n1.png,b\n",
        &["line 2, column 1: expected each picture once", "\"1.png\" again"],
    );
    check("1.png,a\n", &["2.png: expected a label in", "found none"]);
    check("1.png\n", &["line 1, column 2: expected a label, found the end of the line after 1"]);
    check("1.png,\n", &["line 1, column 2: expected a label, found an empty value"]);
    check("1.png,a\n,b\n", &["line 2, column 1: expected the name of a picture, found an empty"]);
    check(
        "label,file\na,1.png\nb,9.png\n",
        &["line 3, column 2: expected the name of a picture in"],
    );
    check(
        "id,breed\n1,a\n",
        &["line 1, column 1: expected a header with the columns file and label"],
    );
    // A longer table must repeat a picture, or name one that is not there.
    check("1,a\n2,b\n1,a\n", &["line 3, column 1: expected each picture once, found \"1\" again"]);
    check("1,a\n2,b\n3,a\n4,a\n", &["line 3, column 1: expected the name of a picture in"]);
    let latin = directory(&[("labels.csv", b"1,caf\xe9\n")]);
    put(&latin, "1.png", &png(grey(1)));
    refused(load(&latin), &["line 1, column 2: expected text in UTF-8"]).unwrap();
    check("", &["expected a file and its label, found an empty file"]);
    check(
        "1.png,\u{1b}[2J\n",
        &["line 1, column 2: expected a class's name", "control characters"],
    );
}
