//! Tables that are cut short, have a flipped bit or an endless line, or are not files at all.

use std::fs::File;
use std::io::{BufWriter, Write as _};
#[cfg(unix)]
use std::process::Command;

use tally::{Failure, Tally, ensure, size};

use super::*;
use crate::Split;
use crate::child::{self, Measured};
use crate::fixture::{bomb, flipped, gzip, notice, right, sample};

/// Whether the error has a line. Only of the labels as a whole, which may be all the same now, there is none.
fn is_placed(error: &Error) -> bool {
    let message = error.to_string();
    message.contains("train.csv: line ")
        || message.contains("train.csv: expected training images of 2")
}

/// A cut between two lines, or within the last number, cannot be detected. Any other cut must be.
fn is_prefix(cut: &[u8], whole: &Dataset) -> Result<(), Failure> {
    match load_with(cut) {
        Err(error) => right(is_placed(&error), error.to_string()),
        Ok(Dataset { train, .. }) => {
            let known = train.images.pixels.len() - 1;
            let same = whole.train.labels.starts_with(&train.labels)
                && whole.train.images.pixels[..known] == train.images.pixels[..known]
                && train.images.pixels.len() == train.labels.len() * 6;
            ensure(same, || Failure::torn(format!("{} bytes", cut.len())))
        }
    }
}

#[test]
fn a_table_that_is_cut_is_refused_or_shorter() {
    let mut tally = Tally::new("D12", "prefixes of a table");
    let text = table(size(6, 60), 0);
    let whole = load_with(text.as_bytes()).unwrap();
    for end in 0..text.len() {
        tally.case(|| is_prefix(&text.as_bytes()[..end], &whole));
    }
    tally.finish();
}

/// A flipped bit may make a digit another digit. The set must still be complete, or be refused with the place.
#[test]
fn a_flipped_bit_is_refused_or_a_number() {
    let mut tally = Tally::new("D12", "flipped bits of a table");
    let text = table(size(6, 60), 0).into_bytes();
    for bit in sample(0..text.len() * 8, size(1000, usize::MAX)) {
        tally.case(|| match load_with(&flipped(&text, bit)) {
            Err(error) => right(is_placed(&error), error.to_string()),
            Ok(Dataset { train: Split { images, labels, dataset }, .. }) => {
                let class_names = &dataset.class_names;
                let holds = images.pixels.len() == 6 * labels.len()
                    && images.count == labels.len()
                    && labels.iter().all(|&label| usize::from(label) < class_names.len());
                ensure(holds, || Failure::torn(format!("bit {bit}")))
            }
        });
    }
    tally.finish();
}

#[test]
fn in_child() {
    child::measure(|dir| Dataset::load_csv(dir, &two_by_three()));
}

const CHILD: &str = "csv::tests::damage::in_child";

/// A line without an end takes no memory. Reading stops where it is too long.
#[test]
fn a_line_without_end_takes_little_memory() {
    let mut tally = Tally::new("D12", "lines of 100 MB");
    let length = size(10 << 20, 100 << 20);
    let dir = directory(&[("test.csv", table(1, 0).as_bytes())]);
    let mut check = |head: &str, repeated: &str, words: &[&str]| {
        let mut file = BufWriter::new(File::create(dir.path().join("train.csv")).unwrap());
        file.write_all(head.as_bytes()).unwrap();
        for _ in 0..length / repeated.len() {
            file.write_all(repeated.as_bytes()).unwrap();
        }
        file.into_inner().unwrap();
        tally.case(|| Measured::of(CHILD, dir.path())?.refused(words, 16 << 20));
    };
    let good = table(1, 0);
    check("", "9", &["train.csv: line 1, column 1", "label"]);
    check("label", ",", &["line 1, column 1048579: expected at most 1048578 columns"]);
    check("label,", "p", &["line 1, column 2: expected a value of at most 64 bytes"]);
    check("label,\"", ",\n", &["line 33, column 2: expected a value of at most 64 bytes"]);
    check(&good, "1", &["line 3, column 1: expected a value of at most 255 bytes"]);
    check(&good, "\n", &["expected at most 65536 empty lines, found more"]);
    check(&good, "1,", &["line 3, column 7: expected 7 columns, as in the header, found more"]);
    check(&good, "\0", &["line 3, column 1"]);
    tally.finish();
}

/// A gzip stream of a few kilobytes can expand to any length. Reading stops at the first thing that is wrong.
#[test]
fn gzip_bombs_take_little_memory() {
    let mut tally = Tally::new("D12", "gzip bombs as tables");
    let n = size(64 << 20, 1 << 30);
    for (start, words) in [
        ("", "line 1, column 1: expected a label"),
        ("label,", "line 1, column 2: expected a value of at most 64 bytes"),
        ("label,1,2,3,4,5,6\n1,2,3,4,5,6,7\n", "line 3, column 1"),
        ("1,2,3,4,5,6,\"", "line 1, column 7: expected a value of at most 64 bytes"),
    ] {
        let (bomb, test) = (bomb(start.as_bytes(), n), table(1, 0));
        let files = [("train.csv.gz", bomb.as_slice()), ("test.csv", test.as_bytes())];
        let dir = directory(&files);
        tally.case(|| {
            Measured::of(CHILD, dir.path())?.refused(&["train.csv.gz: ", words], 16 << 20)
        });
    }
    tally.finish();
}

/// Any cut or flipped bit of a gzip stream is noticed, or leaves the content as it was.
#[test]
fn a_damaged_gzip_stream_is_refused_or_the_same() {
    let mut tally = Tally::new("D12", "damaged gzip streams as tables");
    let text = table(size(6, 60), 0);
    let (whole, stream) = (load_with(text.as_bytes()).unwrap(), gzip(text.as_bytes()));
    for end in sample(0..stream.len(), size(100, usize::MAX)) {
        tally.case(|| fixture::refused(load_with(&stream[..end]), &["train.csv: "]));
    }
    for bit in sample(0..stream.len() * 8, size(500, usize::MAX)) {
        tally.case(|| match load_with(&flipped(&stream, bit)) {
            Err(error) => right(error.to_string().contains("train.csv: "), error.to_string()),
            Ok(dataset) => right(dataset.info.sha256 == whole.info.sha256, bit),
        });
    }
    tally.finish();
}

/// Opening or reading one would block, or never end.
#[cfg(unix)]
#[test]
fn other_things_than_files_are_refused_at_once() {
    let mut tally = Tally::new("D12", "directories, pipes, devices and loops in a table's place");
    for name in ["train.csv", "test.csv", "classes.txt"] {
        for (tool, arguments, reason) in [
            ("mkdir", &[][..], "cannot open: not a regular file"),
            ("mkfifo", &[], "cannot open: not a regular file"),
            ("ln", &["-s", "/dev/zero"], "cannot open: not a regular file"),
            ("ln", &["-s", name], "cannot open"),
        ] {
            let text = table(2, 0);
            let files = [("train.csv", text.as_bytes()), ("test.csv", text.as_bytes())];
            let dir =
                directory(&files.map(|file| if file.0 == name { ("other", file.1) } else { file }));
            let made = Command::new(tool).args(arguments).arg(dir.path().join(name)).status();
            if !made.is_ok_and(|status| status.success()) {
                notice(&format!("no {tool} on this machine"));
                continue;
            }
            tally.case(|| Measured::of(CHILD, dir.path())?.refused(&[reason], 16 << 20));
        }
    }
    tally.finish();
}
