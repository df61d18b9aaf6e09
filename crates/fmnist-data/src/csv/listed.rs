//! A table of pictures: the name of each file, and its label.

use std::path::Path;

use super::input::Source;
use super::table::{MAX_LABEL, Table, separator};
use crate::Error;

/// What the column of labels may be called.
const LABEL: [&str; 6] = ["label", "labels", "class", "target", "category", "y"];

/// What the column of files may be called.
const FILE: [&str; 9] =
    ["file", "filename", "file_name", "image", "image_id", "image_name", "path", "name", "id"];

/// A line of the table.
pub(crate) struct Listed {
    /// The file as it is written.
    pub(crate) file: String,
    pub(crate) label: String,
    /// The line, and the columns of both, from 1.
    pub(crate) line: u64,
    pub(crate) columns: [usize; 2],
}

/// Reads the table of `n` pictures. Its header names the columns of files and labels; without a header, these are the first
/// two columns.
///
/// Of a longer table, one line more than `n` is read: one of these lines names a picture again, or none of them, so the
/// caller finds a fault with a better message than the length.
///
/// # Errors
///
/// If the file cannot be read, a line has too few or too many values, or a value is empty or too long.
pub(crate) fn read(path: &Path, n: usize) -> Result<Vec<Listed>, Error> {
    let source = Source::File(path);
    let separator = separator(&source.head()?);
    let mut lines = Lines { table: Table::open(source, separator)?, values: Vec::new() };
    if !lines.next()? {
        return Err(lines.table.wrong("a file and its label".into(), "an empty file".into()));
    }
    let named = |names: &[&str]| {
        let is_one = |value: &String| names.iter().any(|name| value.eq_ignore_ascii_case(name));
        lines.values.iter().position(is_one)
    };
    let (file, label) = match (named(&FILE), named(&LABEL)) {
        (Some(file), Some(label)) => {
            lines.next()?;
            (file, label)
        }
        _ => (0, 1),
    };
    let columns = [file, label].map(|column| column.saturating_add(1));
    let mut listed = Vec::new();
    while !lines.values.is_empty() && listed.len() <= n {
        let file = lines.value(file, "the name of a picture")?;
        let label = lines.value(label, "a label")?;
        listed.push(Listed { file, label, line: lines.table.line(), columns });
        lines.next()?;
    }
    Ok(listed)
}

/// The most columns.
const MAX_COLUMNS: usize = 64;

/// The lines of a small table, one after another.
struct Lines<'a> {
    table: Table<'a>,
    /// The values of the current line; none after the last.
    values: Vec<String>,
}

impl Lines<'_> {
    /// The value in this column, from 0, of the current line.
    fn value(&self, column: usize, expected: &str) -> Result<String, Error> {
        let found = match self.values.get(column) {
            Some(value) if !value.is_empty() => return Ok(value.clone()),
            Some(_) => "an empty value".into(),
            None => format!("the end of the line after {}", self.values.len()),
        };
        let column = column.saturating_add(1);
        Err(self.table.wrong_at(column, expected.into(), found))
    }

    /// Reads the next line; false at the end of the file.
    fn next(&mut self) -> Result<bool, Error> {
        self.values.clear();
        while self.table.advance(MAX_LABEL)? {
            if self.values.len() >= MAX_COLUMNS {
                let expected = format!("at most {MAX_COLUMNS} columns");
                return Err(self.table.wrong(expected, "more".into()));
            }
            let Ok(text) = std::str::from_utf8(self.table.text()) else {
                return Err(self.table.wrong("text in UTF-8".into(), self.table.found()));
            };
            self.values.push(text.into());
            if self.table.is_last() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
