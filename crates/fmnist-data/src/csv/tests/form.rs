//! Invalid tables, refused with line and column.

use tally::Tally;

use super::*;
use crate::fixture::refused;

/// Loads a table with this line as the fifth of the file, between good ones.
fn with_line(line: &str) -> Result<Dataset, Error> {
    load_with(format!("{}{line}\n{}", table(3, 0), "0,1,2,3,4,5,6\n").as_bytes())
}

#[test]
fn values_are_small_numbers() {
    let mut tally = Tally::new("D12", "invalid values of a table");
    let mut check = |line: &str, column: usize, expected: &str, found: &str| {
        let words =
            [format!("train.csv: line 5, column {column}: expected {expected}, found {found}")];
        tally.case(|| refused(with_line(line), &[&words[0], "correct the file"]));
    };
    let (label, pixel) = ("a label of 0 to 255", "a pixel of 0 to 255");
    for bad in ["256", "-1", "1.5.0", "1e3", "x", "0x1", "+1", "1 2", "NaN", "inf", "25\u{663}"] {
        let found = format!("\"{bad}\"");
        // Any text may be the name of a class.
        if bad.parse::<f64>().is_ok() {
            check(&format!("{bad},1,2,3,4,5,6"), 1, label, &found);
        }
        check(&format!("1,1,2,{bad},4,5,6"), 4, pixel, &found);
        check(&format!("1,1,2,3,4,5,{bad}"), 7, pixel, &found);
    }
    for digit in ["0", "9"] {
        let digits = digit.repeat(40);
        // Any number of zeros in front is accepted.
        if digit == "9" {
            check(&format!("{digits},1,2,3,4,5,6"), 1, label, &format!("\"{digits}\""));
            check(&format!("1,1,{digits},3,4,5,6"), 3, pixel, &format!("\"{digits}\""));
        }
        let digits = digit.repeat(65);
        let found = format!("\"{}\" and more", digit.repeat(64));
        check(&format!("1,1,{digits},3,4,5,6"), 3, "a value of at most 64 bytes", &found);
    }
    check("1.5,1,2,3,4,5,6", 1, label, "\"1.5\"");
    check(",1,2,3,4,5,6", 1, label, "\"\"");
    check("1,1,2,,4,5,6", 4, pixel, "\"\"");
    check("1,1,2,\u{1b}[2J,4,5,6", 4, pixel, r#""\u001b[2J""#);
    check("1,1,2,\"3\"\"\",4,5,6", 4, pixel, "\"3\\\"\"");
    tally.finish();
    assert!(with_line("255,1,2,\"3\",0000000000000000000000000000000000000000,255,6").is_ok());
}

#[test]
fn lines_are_as_long_as_the_header() {
    let mut tally = Tally::new("D12", "lines of a table that are too short or too long");
    let mut check = |line: &str, column: usize, found: &str| {
        let place = format!("train.csv: line 5, column {column}: ");
        let expected = format!("expected 7 columns, as in the header, found {found}");
        tally.case(|| refused(with_line(line), &[&place, &expected]));
    };
    check("1", 1, "1");
    check("1,1,2,3,4,5", 6, "6");
    check("1,1,2,3,4,5,6,7", 7, "more");
    check("1,1,2,3,4,5,6,", 7, "more");
    let of_text = |text: &str| load_with(text.as_bytes());
    let mut check = |text: &str, words: &[&str]| tally.case(|| refused(of_text(text), words));
    let expected = "line 1, column 1: expected a header with a column label, or a label and its pixels, separated by";
    check("", &["train.csv: ", expected, "found an empty file"]);
    check(
        "PK\x03\x04\x14\0,,\n,",
        &["train.csv: expected a CSV table in UTF-8, found a zip archive; unpack it"],
    );
    check("<!DOCTYPE html>\n", &[expected, "<!DOCTYPE html>", "an HTML page"]);
    check("1 1 2 3 4 5 6\n", &[expected, "found \"1 1 2 3 4 5 6\" in a text file"]);
    let expected = "line 1, column 1: expected a column called label, class, target or y, found a header that begins with";
    check("pixel1,digit\n0,1\n", &[expected, "\"pixel1\" in a text file"]);
    check("id,a,b,c,d,e,f\n", &[expected, "\"id\" in a text file"]);
    check("pixel1,label\n", &["line 1, column 1: expected 6 columns of pixels", "found 1"]);
    check(
        "Class,a,y\n",
        &["line 1, column 3: expected one column of labels, which column 1 is, found \"y\""],
    );
    check(table(1, 0).lines().next().unwrap(), &["a label and its pixels", "the end of the file"]);
    check(
        "1,1,2,3,4,5,6\n1,2,3\n",
        &["line 2, column 3: expected 7 columns, as in the first line, found 3"],
    );
    check("1,1,2,3,4,5,x\n", &["line 1, column 7: expected a pixel of 0 to 255, found \"x\""]);
    check("1,1,2,300,4,5,6\n", &["line 1, column 4: expected a pixel of 0 to 255, found \"300\""]);
    check("label,\"1,2,3\n4,5,6\n", &["expected 6 columns of pixels", "found 1"]);
    // Blank lines are skipped but counted, also with Windows line ends.
    let blank = format!("{}\n\r\n\n1,x\n", table(1, 0));
    check(&blank, &["line 6, column 2: expected a pixel"]);
    check(&format!("{}\r\n1,x\r\n", table(2, 0).replace('\n', "\r\n")), &["line 5, column 2"]);
    let utf_16: Vec<u8> = table(3, 0).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let words = ["expected a CSV table in UTF-8, found a text file in UTF-16; save it as UTF-8"];
    tally.case(|| refused(load_with(&[b"\xff\xfe", &utf_16[..]].concat()), &words));
    tally.finish();
}

/// A network would answer all images with the one class that it knows.
#[test]
fn training_labels_are_of_two_classes() {
    let expected =
        "train.csv: expected training images of 2 classes or more, found only the class ";
    let load = |text: &str| load_with(text.as_bytes());
    let check = |text: &str, hint: &str| refused(load(text), &[expected, hint]).unwrap();
    check("1,1,2,3,4,5,6\n1,2,3,4,5,6,7\n", "\"1\"; if the label is the last column");
    let other = "\"1\"; add images of other classes";
    check("label,1,2,3,4,5,6\n1,1,2,3,4,5,6\n1,2,3,4,5,6,7\n", other);
    // An edge of images, which is black or has all levels.
    check("1,1,2,3,4,5,0\n1,2,3,4,5,6,0\n", other);
    check("1,1,2,3,4,5,6\n1,2,3,4,5,6,200\n", other);
    let units = "1,0,0,0,0,0,0.25\n1,0,0,0,0,0,0\n";
    let dir = directory(&["train.csv", "test.csv"].map(|name| (name, units.as_bytes())));
    let result = Dataset::load_csv(dir.path(), &two_by_three());
    refused(result, &[expected, other]).unwrap();
    assert!(load("1,1,2,3,4,5,6\n2,2,3,4,5,6,7\n").is_ok());
}

/// Each table is good by itself.
#[test]
fn two_tables_are_of_one_set() {
    let mut tally = Tally::new("D12", "tables that do not belong together");
    let square = |side: usize| {
        let n = side * side;
        format!("label{}\n1{}\n", ",p".repeat(n), ",7".repeat(n))
    };
    let (small, large) = (square(2), square(3));
    let dir = directory(&[("train.csv", small.as_bytes()), ("test.csv", large.as_bytes())]);
    let words = ["test.csv has images of 9 pixels", "train.csv has images of 4 pixels"];
    tally.case(|| refused(Dataset::load_csv(dir.path(), &ReadOptions::default()), &words));
    // The headers disagree, so no line is read.
    fs::write(dir.path().join("train.csv"), small + "no number\n").unwrap();
    tally.case(|| refused(Dataset::load_csv(dir.path(), &ReadOptions::default()), &words));
    tally.finish();
}
