//! The classes of a custom dataset: their names, from `classes.txt` in its directory or else numbers, and which of them a
//! number stands for.
//!
//! Spaces at the end of a name, and empty lines at the end of the file, do not count.
//!
//! Names end up in model files and on terminals, so control characters are refused.

use std::fs;
use std::io::{self, Read as _};
use std::ops::RangeInclusive;
use std::path::Path;

use crate::dataset::MAX_CLASSES;
use crate::{Error, digest, quote, sniff};

/// The file with one name on each line; the first is that of label 0.
const FILE: &str = "classes.txt";

/// The longest name in bytes, as in model files.
pub(crate) const MAX_NAME: usize = 255;

/// The longest file in bytes. The largest number of the longest names takes 65,792 bytes with their line ends; the rest is for
/// spaces.
const MAX_FILE: u64 = 1 << 20;

/// The labels from the first class to the last one, if these are all labels of a set. They begin at 1 if no label is 0, unless
/// `classes.txt` has a name for 0 as well.
pub(crate) fn range(
    labels: impl Iterator<Item = u8> + Clone,
    named: Option<&[String]>,
) -> RangeInclusive<u8> {
    let last = labels.clone().max().unwrap_or(0);
    let has_name_for_0 = named.is_some_and(|names| names.len() != usize::from(last));
    let first = if labels.min() == Some(1) && !has_name_for_0 { 1 } else { 0 };
    first..=last
}

/// Numbers as the names of classes.
pub(crate) fn numbered(range: RangeInclusive<u8>) -> Vec<String> {
    range.map(|label| label.to_string()).collect()
}

/// What a name has instead of what it must have; `None` if it is valid.
pub(crate) fn fault(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("nothing".into())
    } else if name.len() > MAX_NAME {
        Some(format!("{} bytes", name.len()))
    } else if has_commands(name) {
        Some("control characters".into())
    } else {
        None
    }
}

/// Whether a name has control characters, or others that change how a terminal shows it.
pub(crate) fn has_commands(name: &str) -> bool {
    name.contains(quote::is_command)
}

/// The names in `classes.txt`, if it is in `dir`.
pub(crate) fn read(dir: &Path) -> Result<Option<Vec<String>>, Error> {
    let path = &dir.join(FILE);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        _ => {}
    }
    let (file, _) = digest::open(path)?;
    let mut bytes = Vec::new();
    let limited = &mut file.take(MAX_FILE.saturating_add(1));
    limited.read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    if bytes.len() as u64 > MAX_FILE {
        let (expected, found) = (format!("at most {MAX_FILE} bytes"), "more".into());
        let hint = "keep one name on each line";
        return Err(Error::Layout { path: path.into(), expected, found, hint });
    }
    parse(&bytes, path).map(Some)
}

fn parse(bytes: &[u8], path: &Path) -> Result<Vec<String>, Error> {
    let wrong = |line: usize, found: &str| Error::Text {
        path: path.into(),
        line: line.saturating_add(1) as u64,
        column: 1,
        expected: format!("the name of a class, in UTF-8, of 1 to {MAX_NAME} bytes"),
        found: found.into(),
    };
    let other = if sniff::is_utf_16(bytes) { "UTF-16" } else { "other bytes" };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_end();
    let mut names: Vec<String> = Vec::new();
    for (line, name) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let name = std::str::from_utf8(name.trim_ascii_end()).map_err(|_| wrong(line, other))?;
        if let Some(found) = fault(name) {
            return Err(wrong(line, &found));
        }
        if line >= MAX_CLASSES {
            return Err(wrong(line, &format!("more than {MAX_CLASSES} classes")));
        }
        if let Some(first) = names.iter().position(|other| other == name) {
            let first = first.saturating_add(1);
            return Err(wrong(line, &format!("the name of line {first} again")));
        }
        names.push(name.into());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accept(bytes: &[u8], expected: &[&str]) {
        assert_eq!(parse(bytes, Path::new("classes.txt")).unwrap(), expected);
    }

    #[track_caller]
    fn refuse(bytes: &[u8], words: &str) {
        let message = parse(bytes, Path::new("classes.txt")).expect_err("accepted").to_string();
        assert!(message.starts_with("classes.txt: line "), "{message}");
        assert!(message.contains(words), "{message}");
    }

    #[test]
    fn a_line_is_a_name() {
        accept(b"cat\ndog\n", &["cat", "dog"]);
        accept(b"\xef\xbb\xbfcat\r\ndog house", &["cat", "dog house"]);
        accept(&[b'x'; 255], &["x".repeat(255).as_str()]);
        accept(b"cat\ndog\n\n \r\n\t\n  ", &["cat", "dog"]);
        accept(b"cat  \r\ndog\t\n fox", &["cat", "dog", " fox"]);
        refuse(b"cat\n  \ndog\n", "line 2, column 1: expected the name of a class");
        refuse(b"cat\ncat ", "found the name of line 1 again");
        refuse(b" \n\n", "line 1, column 1: expected the name of a class");
        refuse(b"", "line 1, column 1: expected the name of a class");
        refuse(b"cat\n\ndog\n", "line 2, column 1: expected the name of a class");
        refuse(b"cat\ndog\ncat", "line 3, column 1");
        refuse(b"cat\ndog\ncat", "found the name of line 1 again");
        refuse(b"cat\n\xff", "found other bytes");
        refuse(b"\xff\xfec\0\n\0", "in UTF-8, of 1 to 255 bytes, found UTF-16");
        refuse(b"cat\n\x1b[2J", "found control characters");
        refuse("a\u{202e}b".as_bytes(), "found control characters");
        refuse(&[b'x'; 256], "of 1 to 255 bytes, found 256 bytes");
        let many = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(parse(many(256).as_bytes(), Path::new("classes.txt")).unwrap().len(), 256);
        refuse(many(257).as_bytes(), "line 257, column 1");
    }

    /// The names after a limit would be missing without a word.
    #[test]
    fn a_long_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let spaces = usize::try_from(MAX_FILE).unwrap() - 3;
        fs::write(dir.path().join(FILE), format!("a{}\nb", " ".repeat(spaces))).unwrap();
        assert_eq!(read(dir.path()).unwrap().unwrap(), ["a", "b"]);
        fs::write(dir.path().join(FILE), format!("a{}\nbc", " ".repeat(spaces))).unwrap();
        let message = read(dir.path()).unwrap_err().to_string();
        assert!(message.contains("expected at most 1048576 bytes, found more"), "{message}");
    }
}
