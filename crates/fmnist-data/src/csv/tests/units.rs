//! Pixels of 0 to 255, and of 0 to 1.

use super::*;
use crate::fixture::refused;

fn load(train: &str, test: &str) -> Result<Dataset, Error> {
    let files = [("train.csv", train.as_bytes()), ("test.csv", test.as_bytes())];
    let options = ReadOptions { size: ImageSize::new(3, 1), ..ReadOptions::default() };
    Dataset::load_csv(directory(&files).path(), &options)
}

#[track_caller]
fn check(train: &str, test: &str, expected: [&[u8]; 2], notes: &[Note]) {
    let dataset = load(train, test).unwrap();
    let found = [&dataset.train, &dataset.test].map(|set| &set.images.pixels[..]);
    assert_eq!((found, &dataset.notes[..]), (expected, notes));
}

/// All bytes come back from fractions with a few digits.
#[test]
fn fractions_are_multiplied_by_255() {
    let multiplied = [Note::UnitPixels];
    assert!(multiplied[0].to_string().contains("from 0 to 1 and are multiplied by 255"));
    for n in 0..=255_u8 {
        let value = f64::from(n) / 255.0;
        let texts = [format!("{value:.4}"), format!("{value}"), format!("{value:.18e}")];
        let row = format!("0,{}\n", texts.join(","));
        check(
            &format!("{row}1,0.5,0,1\n"),
            "0,1,0,1.0\n",
            [&[n, n, n, 128, 0, 255], &[255, 0, 255]],
            &multiplied,
        );
    }
    // The first fraction may be in either table, after any number of zeros and ones.
    let whole = "0,1,0,1\n1,0,1,0\n";
    let bytes = [255, 0, 255, 0, 255, 0];
    check(whole, "0,0,1,.25\n", [&bytes, &[0, 255, 64]], &multiplied);
    let more = [0, 255, 64, 0, 0, 0];
    check("0,0,1,0.25\n1,0,0,0\n", whole, [&more, &bytes], &multiplied);
    let tabs = whole.replace(',', "\t");
    check("0;0;1;0,25\n1;0;0;0\n", &tabs, [&more, &bytes], &multiplied);
    check(whole, whole, [&[1, 0, 1, 0, 1, 0]; 2], &[]);
    let more = [1, 0, 1, 0, 0, 0];
    check("0,1.0,0.0,1\n1,0,0,0\n", "0,2,3,4.0\n", [&more, &[2, 3, 4]], &[]);
}

#[test]
fn units_are_not_mixed() {
    let whole = "0,1,0,1\n";
    let check = |train: &str, test: &str, words: &str| {
        refused(load(train, test), &[words, "correct the file"]).unwrap();
    };
    let after_2 = "line 1, column 3 has 2";
    check(
        "0,0,2,1\n0,1,0.5,1\n",
        whole,
        &format!(
            "train.csv: line 2, column 3: expected a pixel without a fraction, as {after_2}, found \"0.5\""
        ),
    );
    check(
        "0,0,0.5,1\n0,1,1,2\n",
        whole,
        "train.csv: line 2, column 4: expected a pixel of 0 to 1, as line 1, column 3 has a fraction, found \"2\"",
    );
    let neither = "train.csv: line 1, column 2: expected a pixel of 0 to 255 without a fraction, or of 0 to 1";
    check("0,127.5,0,0\n", whole, &format!("{neither}, found \"127.5\""));
    check("0,1.0001,0,0\n", whole, neither);
    // Each table is good by itself.
    let words = "expected a pixel of 0 to 1, as in ";
    check("0,0.5,0,0\n", "0,1,1,1\n0,7,1,9\n", &format!("test.csv: line 2, column 2: {words}"));
    check("0,0,0,8\n", "0,0,0.5,0\n", &format!("train.csv: line 1, column 4: {words}"));
    check("0,0,0,8\n", "0,0,0.5,0\n", "found 8;");
    for bad in ["-0.5", "-1", "255.5", "1e9", "nan", "inf", "0.5.5", "1e", ".", "e1", "0,5", "1_0"]
    {
        let row = format!("0,0,\"{bad}\",0\n");
        check(&row, whole, "train.csv: line 1, column 3: expected a pixel of 0 to 255, found");
    }
    check("0;0;1,2,3;0\n", whole, "line 1, column 3: expected a pixel of 0 to 255");
}
