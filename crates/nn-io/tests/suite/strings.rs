use nn_io::{Checkpoint, Error};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, mentions, newer, refused, with, with_metadata};

/// The paths of strings that can be any text.
const TEXTS: [&str; 4] = ["producer", "instruction_set", "class_names.1", "dataset.name"];

/// The paths of strings with only few valid values.
const WORDS: [&str; 2] = ["dataset.sha256", "tensors.0.name"];

/// Strings that command a terminal, or that it shows as something else.
const COMMANDS: [&str; 14] = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b[8m",
    "two\nlines",
    "\r",
    "\t",
    "\0",
    "\x08\x08",
    "\x7f",
    "\u{9b}31m",
    "a\u{202e}b",
    "\u{2066}a",
    "\u{200f}",
    "error: 0\n\x1b[32mok",
];

/// A text of [`COMMANDS`] as a message shows it, with escapes as in JSON.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\n' => "\\n".into(),
        ' '..='~' => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    text.chars().map(escape).collect()
}

/// The file with another name for the first key of the map at a path.
fn with_key(path: &str, key: &str) -> Vec<u8> {
    fixture::edited(|metadata| {
        fixture::pairs(fixture::at(metadata, path))[0].0 = key.into();
    })
}

/// Checks that the file is refused, with a message that [`mentions`] accepts as plain text.
fn refused_plainly(file: Vec<u8>) -> Result<(), Failure> {
    refused(&file, &["expected"])?;
    refused(&newer(file), &["expected"])
}

#[test]
fn commands() {
    let mut tally = Tally::new("A13", "hostile strings: commands to terminals, in every string");
    for hostile in COMMANDS {
        let shown = format!("\"{}\"", escaped(hostile));
        assert!(shown.contains('\\'), "shown as it is: {hostile}");
        for path in TEXTS {
            tally.case(|| refused(&with(path, hostile), &["no control characters", &shown]));
        }
        for path in WORDS {
            tally.case(|| refused(&with(path, hostile), &["expected", &shown]));
        }
        for path in ["layers.0", "training.optimizer", "training.schedule", "input", "dataset"] {
            let file = with_key(path, hostile);
            // Without its width, an input is not an image.
            let expected = if path == "input" { "required features" } else { "(metadata)" };
            tally.case(|| refused(&file, &["(metadata)"]));
            tally.case(|| refused(&newer(file), &[expected]));
        }
        // The message also shows a string in the place of a number.
        let file = with("n_validation", hostile);
        tally.case(|| refused(&file, &["(metadata)"]));
    }
    tally.finish();
}

/// The limit is on bytes, and a message about a long string is short.
#[test]
fn lengths() {
    let mut tally = Tally::new("A13", "hostile strings: too long, by a byte and by a megabyte");
    for len in [256, 1000, 1 << 20] {
        let long = "x".repeat(len);
        let found = format!("at most 255, found {len}");
        for path in TEXTS {
            tally.case(|| refused(&with(path, &*long), &["bytes of ", &found]));
        }
        for path in WORDS {
            tally.case(|| refused_plainly(with(path, &*long)));
        }
        for path in ["layers.0", "training.optimizer"] {
            let file = with_key(path, &long);
            tally.case(|| refused(&file, &["(metadata)"]));
        }
        tally.case(|| refused(&with("n_validation", &*long), &["(metadata)"]));
    }
    tally.finish();
}

#[test]
fn invalid_utf_8() {
    let mut tally = Tally::new("A13", "hostile strings: bytes that are not UTF-8, in every string");
    let digits = "0123456789abcdef".repeat(4);
    let strings = ["nn-io 0.1.0", "portable", "Bag", "pixels", &digits, "dense0.weights", "relu"];
    // Single bytes, an overlong form, a surrogate, a character beyond the last one, a character cut short.
    let sequences: [&[u8]; 6] =
        [b"\xff", b"\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80", b"\xf0\x9f\x98"];
    for string in strings {
        for invalid in sequences {
            let mut metadata = fixture::encode(&fixture::metadata());
            let end = metadata
                .windows(string.len())
                .position(|window| window == string.as_bytes())
                .unwrap()
                + string.len();
            metadata[end - invalid.len()..end].copy_from_slice(invalid);
            let file = with_metadata(&metadata);
            tally.case(|| refused(&file, &["(metadata)"]));
            tally.case(|| refused(&newer(file), &["(metadata)"]));
        }
    }
    tally.finish();
}

/// A path in a name is only text: nothing is opened by it.
#[test]
fn paths() {
    let mut tally =
        Tally::new("A13", "hostile strings: paths are kept as names, but refused for tensors");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    for name in ["../../x", "/etc/passwd", "C:\\x", "-rf", "%s%n", "$(reboot)", "https://x/y"] {
        for field in TEXTS {
            let file = with(field, name);
            tally.case(|| {
                let loaded = Checkpoint::from_bytes(&file).map_err(Failure::lost)?;
                loaded.view().save(&path).map_err(Failure::lost)?;
                let saved = std::fs::read(&path).map_err(Failure::lost)?;
                ensure(saved == file, || Failure::torn(name))?;
                let entries = std::fs::read_dir(directory.path()).map_err(Failure::lost)?;
                ensure(entries.count() == 1, || Failure::wrong("another file"))
            });
        }
        for field in WORDS {
            tally.case(|| refused(&with(field, name), &["expected", &format!("\"{name}\"")]));
        }
    }
    tally.finish();
}

/// Strings that are refused on reading are not written.
#[test]
fn unwritable() {
    let mut tally = Tally::new("A13", "hostile strings: not written either");
    type Field = fn(&mut Checkpoint) -> &mut String;
    let fields: [Field; 5] = [
        |it| &mut it.info.producer,
        |it| &mut it.info.instruction_set,
        |it| &mut it.info.class_names[0],
        |it| &mut fixture::dataset(it).name,
        |it| &mut fixture::dataset(it).sha256,
    ];
    let long = "x".repeat(256);
    for field in fields {
        for hostile in COMMANDS.into_iter().chain([&*long]) {
            tally.case(|| {
                let mut checkpoint = fixture::checkpoint();
                *field(&mut checkpoint) = hostile.into();
                match checkpoint.view().to_bytes() {
                    Ok(_) => Err(Failure::torn(format!("written: {hostile:?}"))),
                    Err(error) => mentions(&error, &["expected"]),
                }
            });
        }
    }
    tally.finish();
}

/// The directory of a dataset is a text as the others are, and not empty.
#[test]
fn directories() {
    let mut tally = Tally::new("A13", "hostile strings: directories, read and written");
    let file = fixture::read_from("digits").view().to_bytes().unwrap();
    let long = "x".repeat(256);
    let mut check = |text: &str, words: &[&str]| {
        let file = fixture::edited_in(&file, |metadata| {
            *fixture::at(metadata, "dataset.directory") = text.into();
        });
        tally.case(|| refused(&file, words));
        tally.case(|| match fixture::read_from(text).view().to_bytes() {
            Ok(_) => Err(Failure::torn(format!("written: {text:?}"))),
            Err(error) => mentions(&error, words),
        });
    };
    for hostile in COMMANDS {
        let shown = format!("\"{}\"", escaped(hostile));
        check(hostile, &["dataset.directory: expected no control characters", &shown]);
    }
    check(&long, &["bytes of dataset.directory", "at most 255, found 256"]);
    check("", &["dataset.directory: expected a name, found an empty string"]);
    for name in ["../../x", "größe 28", &long[1..]] {
        let checkpoint = fixture::read_from(name);
        tally.case(|| {
            let bytes = checkpoint.view().to_bytes().map_err(Failure::lost)?;
            let loaded = Checkpoint::from_bytes(&bytes).map_err(Failure::lost)?;
            ensure(loaded == checkpoint, || Failure::torn(name))
        });
    }
    for (key, at) in [("name", 0), ("sha256", 1)] {
        let file = fixture::edited_in(&file, |metadata| {
            fixture::pairs(fixture::at(metadata, "dataset")).swap(at, 2);
        });
        tally.case(|| refused(&file, &["(metadata)", "not in the form"]));
        tally.case(|| {
            let loaded = Checkpoint::from_bytes(&newer(file)).map_err(Failure::lost)?;
            ensure(loaded == fixture::read_from("digits"), || Failure::torn(key))
        });
    }
    tally.finish();
}

#[test]
fn digests() {
    let mut tally = Tally::new("A13", "hostile strings: invalid digests");
    let digits = "0123456789abcdef".repeat(4);
    let others = ["", &digits[1..], &format!("{digits}0"), &digits.to_uppercase(), &"ß".repeat(32)];
    for sha256 in others {
        let file = with("dataset.sha256", Value::from(sha256));
        tally.case(|| refused(&file, &["dataset.sha256", "64 lower-case"]));
        let mut checkpoint = fixture::checkpoint();
        fixture::dataset(&mut checkpoint).sha256 = sha256.into();
        tally.case(|| match checkpoint.view().to_bytes() {
            Err(error @ Error::Value { .. }) => mentions(&error, &["dataset.sha256"]),
            other => Err(Failure::torn(format!("{other:?}"))),
        });
    }
    tally.finish();
}
