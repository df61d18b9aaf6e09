//! Which tables are read, and what they contain. Refusals and damage are tested in submodules.

mod damage;
mod files;
mod form;
mod forms;
mod labels;
mod single;
mod units;

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::dataset::CLASS_NAMES;
use crate::dataset::Colour;
use crate::fixture;

/// A table of `count` images of 2 x 3 pixels, in three classes.
fn table(count: usize, first: usize) -> String {
    let mut text = String::from("label,pixel1,pixel2,pixel3,pixel4,pixel5,pixel6\n");
    for image in first..first + count {
        let pixels = (0..6).map(|pixel| ((image * 7 + pixel * 41) % 256).to_string());
        text += &format!("{},{}\n", image % 3, pixels.collect::<Vec<_>>().join(","));
    }
    text
}

fn two_by_three() -> ReadOptions {
    ReadOptions { size: ImageSize::new(2, 3), ..ReadOptions::default() }
}

/// A directory with these files.
fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// Loads this training table with a good test table.
fn load_with(train: &[u8]) -> Result<Dataset, Error> {
    let dir = directory(&[("train.csv", train), ("test.csv", table(4, 9).as_bytes())]);
    Dataset::load_csv(dir.path(), &two_by_three())
}

#[test]
fn two_tables_are_a_dataset() {
    let dataset = load_with(table(20, 0).as_bytes()).unwrap();
    assert_eq!(
        (dataset.info.name, dataset.info.class_names.join(" ")),
        (DatasetName::Csv, "0 1 2".into())
    );
    let images = &dataset.train.images;
    assert_eq!((images.count, images.width, images.height), (20, 2, 3));
    assert_eq!(images.get(2).unwrap(), [14, 55, 96, 137, 178, 219]);
    assert_eq!(dataset.train.labels[..4], [0, 1, 2, 0]);
    assert_eq!(dataset.test.images.get(0).unwrap(), [63, 104, 145, 186, 227, 12]);
}

/// Line ends, and what an editor adds at the beginning or end of a file, are not content.
#[test]
fn text_may_come_from_any_system() {
    let unix = table(5, 0);
    let content = |text: &str| load_with(text.as_bytes()).unwrap().info.sha256.clone();
    let expected = content(&unix);
    let windows = unix.replace('\n', "\r\n");
    let accept = |text: &str| assert_eq!(content(text), expected, "{text}");
    accept(&windows);
    accept(unix.trim_end());
    accept(windows.trim_end());
    accept(&format!("\u{feff}{windows}"));
    accept(&format!("{unix}\n\n"));
    accept(&unix.replace(',', " , "));
    accept(&unix.replace("label,pixel1", "\"label\",\"1x1\""));
    accept(&unix.replace("14", "014"));
}

#[test]
fn images_are_square_unless_their_size_is_given() {
    let row = |n: usize| format!("label{0}\n1{1}\n2{1}\n", ",p".repeat(n), ",7".repeat(n));
    let load_both = |n: usize, size: Option<ImageSize>| {
        let text = row(n);
        let files = [("train.csv", text.as_bytes()), ("test.csv", text.as_bytes())];
        Dataset::load_csv(directory(&files).path(), &ReadOptions { size, ..ReadOptions::default() })
    };
    let images = load_both(49, None).unwrap().train.images;
    assert_eq!((images.width, images.height), (7, 7));
    let words = ["train.csv: line 1", "expected a square number", "--image-size", "found 35"];
    fixture::refused(load_both(35, None), &words).unwrap();
    let five_by_seven = ImageSize::new(5, 7);
    let images = load_both(35, five_by_seven).unwrap().train.images;
    assert_eq!((images.width, images.height), (5, 7));
    let words = ["expected 35 columns of pixels, for images of 5x7, found 36"];
    fixture::refused(load_both(36, five_by_seven), &words).unwrap();
    fixture::refused(load_both(0, None), &["a square number", "found 0"]).unwrap();
}

/// Both pairs of file names, and the class names that follow from them.
#[test]
fn names_of_files_and_classes() {
    let [train, test] = [table(6, 0), table(3, 0)];
    let [train, test] = [train.as_bytes(), test.as_bytes()];
    let garments = [("fashion-mnist_train.csv", train), ("fashion-mnist_test.csv", test)];
    let any = [("train.csv", train), ("test.csv", test)];
    let names = |files: &[(&str, &[u8])]| {
        Dataset::load_csv(directory(files).path(), &two_by_three())
            .unwrap()
            .info
            .class_names
            .clone()
    };
    assert_eq!(names(&garments), CLASS_NAMES);
    assert_eq!(names(&any), ["0", "1", "2"]);
    let called: (&str, &[u8]) = ("classes.txt", b"cat\ndog\nfox\n");
    assert_eq!(names(&[&garments[..], &[called]].concat()), ["cat", "dog", "fox"]);
    assert_eq!(names(&[&any[..], &[called]].concat()), ["cat", "dog", "fox"]);
    let half = [any.as_slice(), &garments[..1]].concat();
    assert_eq!(names(&half), ["0", "1", "2"]);

    let few = [&any[..], &[("classes.txt", b"cat\ndog")]].concat();
    let result = Dataset::load_csv(directory(&few).path(), &two_by_three());
    let words = ["train.csv: line 4, column 1: expected a label of 0 to 1, found \"2\""];
    fixture::refused(result, &words).unwrap();
}
