//! The names of tables, gzip, and tables without a test set.

use super::*;
use crate::fixture::{gzip, refused};

fn load(files: &[(&str, &[u8])]) -> Result<Dataset, Error> {
    Dataset::load_csv(directory(files).path(), &two_by_three())
}

/// Each pair of names, plain and as gzip, also under the other's name.
#[test]
fn pairs_of_names() {
    let [train, test] = [table(20, 0), table(4, 9)].map(String::into_bytes);
    let expected = load_with(&train).unwrap().info.sha256.clone();
    for stem in ["", "mnist_"] {
        for end in ["csv", "csv.gz"] {
            let [train_name, test_name] = ["train", "test"].map(|it| format!("{stem}{it}.{end}"));
            for pack in [Vec::clone, |bytes: &Vec<u8>| gzip(bytes)] {
                let files = [(&*train_name, &*pack(&train)), (&*test_name, &*pack(&test))];
                let dataset = load(&files).unwrap();
                assert_eq!(dataset.info.sha256, expected, "{train_name}");
                assert!(dataset.notes.is_empty());
            }
        }
    }
    // The plain file is read if there are both, and a pair before a training table alone.
    let both: [(&str, &[u8]); 4] = [
        ("train.csv", &train),
        ("train.csv.gz", b"other"),
        ("test.csv.gz", &test),
        ("mnist_train.csv", b"other"),
    ];
    let dataset = load(&both).unwrap();
    assert_eq!(dataset.info.sha256, expected);
    let unread = ["mnist_train.csv", "train.csv.gz"].map(String::from).to_vec();
    assert_eq!(dataset.notes, [Note::Unread(unread)]);
}

/// One of them may be a part of the set.
#[test]
fn tables_that_are_not_read_are_named() {
    let [train, test] = [table(20, 0), table(4, 9)].map(String::into_bytes);
    let read: [(&str, &[u8]); 2] = [("train.csv", &train), ("test.csv", &test)];
    let lines = |names: &[&str]| -> Vec<String> {
        let others = names.iter().map(|name| (*name, &b"x"[..]));
        let files: Vec<_> = read.into_iter().chain(others).collect();
        load(&files).unwrap().notes.iter().map(ToString::to_string).collect()
    };
    let line = "next to the dataset, but not read: ";
    assert_eq!(lines(&["val.csv", "notes.txt"]), [format!("{line}val.csv")]);
    let many = ["7.csv", "6.csv", "5.csv", "4.csv", "3.csv", "2.csv.gz", "1.csv"];
    let shown = format!("{line}1.csv, 2.csv.gz, 3.csv, 4.csv, 5.csv and 2 more");
    assert_eq!(lines(&many), [shown]);
}

/// Members follow one another, as in `cat a.gz b.gz`, wherever they are cut.
#[test]
fn gzip_of_several_members() {
    let text = table(20, 0).into_bytes();
    let expected = load_with(&text).unwrap().info.sha256.clone();
    for at in [0, 3, 50, 101, text.len()] {
        let members = [gzip(&text[..at]), gzip(&text[at..])].concat();
        assert_eq!(load_with(&members).unwrap().info.sha256, expected, "{at}");
    }
    let rest = [gzip(&text).as_slice(), b"rest"].concat();
    refused(load_with(&rest), &["train.csv: gzip stream"]).unwrap();
    // A table whose first member has half a separator's line.
    let tabs = table(20, 0).replace(',', "\t").into_bytes();
    let members = [gzip(&tabs[..2]), gzip(&tabs[2..])].concat();
    assert_eq!(load_with(&members).unwrap().info.sha256, expected);
}

#[test]
fn a_missing_table_is_named_with_those_that_are_there() {
    let expected = "expected train.csv and test.csv, mnist_train.csv and mnist_test.csv, or \
                    fashion-mnist_train.csv and fashion-mnist_test.csv (or .csv.gz)";
    refused(load(&[]), &[expected, "found no files"]).unwrap();
    refused(load(&[("test.csv", b"")]), &[expected, "found test.csv;"]).unwrap();
    let names: Vec<String> = (1..=7).map(|n| format!("{n}.csv")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().rev().map(|name| (&**name, &b""[..])).collect();
    refused(load(&files), &["found 1.csv, 2.csv, 3.csv, 4.csv, 5.csv and 2 more"]).unwrap();
}

/// Images are of the classes 0, 1 and 2 in turn, so image `i` is number `i / 3` of its class.
#[test]
fn without_a_test_set_every_sixth_image_is_one() {
    let train = table(40, 0);
    let whole = load_with(train.as_bytes()).unwrap().train;
    let check = |files: &[(&str, &[u8])]| {
        let dataset = load(files).unwrap();
        assert_eq!(dataset.notes, [Note::EverySixth]);
        let note = dataset.notes[0].to_string();
        assert!(note.contains("every sixth image of a class") && !note.contains('\n'), "{note}");
        let of = |is_test: bool| -> (Vec<&[u8]>, Vec<u8>) {
            let of_set = |&index: &usize| (index / 3 % TEST_SHARE == 5) == is_test;
            let image = |index| (whole.images.get(index).unwrap(), whole.labels[index]);
            (0..40).filter(of_set).map(image).unzip()
        };
        assert_eq!((dataset.train.images.iter().collect(), dataset.train.labels), of(false));
        assert_eq!((dataset.test.images.iter().collect(), dataset.test.labels), of(true));
        assert_eq!((dataset.train.images.count, dataset.test.images.count), (34, 6));
    };
    let with = ("train.csv", train.as_bytes());
    check(&[with]);
    check(&[with, ("test.csv", b"pixel1,pixel2,pixel3,pixel4,pixel5,pixel6\n0,0,0,0,0,0\n")]);
    check(&[with, ("test.csv", b"id,a,b,c,d,e,f\n1,0,0,0,0,0,0\n")]);
    check(&[with, ("test.csv", b"0,0,0,0,0,0\n")]);
    let bare = train.split_once('\n').unwrap().1.as_bytes();
    check(&[("train.csv", bare), ("test.csv", b"0,0,0,0,0,0\n")]);

    // A column that is neither a pixel nor known may be the label.
    let odd: &[u8] = b"digit,a,b,c,d,e,f\n1,0,0,0,0,0,0\n";
    refused(load(&[with, ("test.csv", odd)]), &["test.csv: line 1, column 1", "label"]).unwrap();
    let few = table(15, 0);
    let words =
        ["expected a test table with labels, or a class of 6 images or more, found neither"];
    refused(load(&[("train.csv", few.as_bytes())]), &words).unwrap();
    assert!(load(&[("train.csv", table(16, 0).as_bytes())]).is_ok());
}
