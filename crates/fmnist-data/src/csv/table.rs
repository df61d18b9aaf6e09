//! Reads a CSV file value by value, and counts lines and columns for messages.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv_core::{ReadFieldResult, Reader};

use crate::dataset::MAX_SIDE;
use crate::quote::quoted;
use crate::{Error, sniff};

/// The longest value in bytes; a column name in the header is the longest.
const MAX_VALUE: usize = 64;

/// The largest number of columns: a label and the pixels of the largest image.
const MAX_COLUMNS: usize = 1 + MAX_SIDE * MAX_SIDE;

/// Reads a table: a header, then lines of small numbers.
pub(super) struct Table<'a, R> {
    input: BufReader<R>,
    path: &'a Path,
    core: Reader,
    value: [u8; MAX_VALUE],
    length: usize,
    /// The line of the last value, from 1.
    line: u64,
    /// The column of the last value, from 1.
    column: usize,
    /// Whether the last value ends its line.
    is_last: bool,
    /// Line ends after the last value.
    newlines: u64,
}

impl<'a, R: Read> Table<'a, R> {
    /// `path` is for messages.
    pub(super) fn new(input: R, path: &'a Path) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, input),
            path,
            core: Reader::new(),
            value: [0; MAX_VALUE],
            length: 0,
            line: 1,
            column: 0,
            is_last: true,
            newlines: 0,
        }
    }

    /// Reads the column names, the first of which is `label`. Returns the number of the others.
    pub(super) fn header(&mut self) -> Result<usize, Error> {
        let head = self.input.fill_buf().map_err(Error::io(self.path, "read"))?;
        let kind = sniff::describe(head);
        let is_there = match self.advance() {
            // The name is too long to be `label`.
            Err(Error::Text { .. }) => true,
            result => result?,
        };
        if !is_there || !self.text().trim_ascii().eq_ignore_ascii_case(b"label") {
            let found = if is_there { format!("{} in {kind}", self.found()) } else { kind };
            return Err(self.wrong("the header's first column, label".into(), found));
        }
        while !self.is_last {
            self.advance()?;
            if self.column > MAX_COLUMNS {
                return Err(self.wrong(format!("at most {MAX_COLUMNS} columns"), "more".into()));
            }
        }
        Ok(self.column.saturating_sub(1))
    }

    /// Begins the next line and returns its label, below `n_classes`; `None` at the end of the file.
    pub(super) fn begin_line(&mut self, n_classes: usize) -> Result<Option<u8>, Error> {
        if !self.advance()? {
            return Ok(None);
        }
        let label = number(self.text()).filter(|&label| usize::from(label) < n_classes);
        let expected = || format!("a label of 0 to {}", n_classes.saturating_sub(1));
        label.map(Some).ok_or_else(|| self.wrong(expected(), self.found()))
    }

    /// The next pixel of a line that has `n_columns`.
    pub(super) fn value(&mut self, n_columns: usize) -> Result<u8, Error> {
        if self.is_last {
            let found = self.column.to_string();
            return Err(self.wrong(format!("{n_columns} columns, as in the header"), found));
        }
        self.advance()?;
        let value = number(self.text());
        value.ok_or_else(|| self.wrong("a pixel of 0 to 255".into(), self.found()))
    }

    /// Fails unless the line has ended.
    pub(super) fn end_line(&mut self) -> Result<(), Error> {
        if self.is_last {
            return Ok(());
        }
        let expected = format!("{} columns, as in the header", self.column);
        Err(self.wrong(expected, "more".into()))
    }

    /// The error at the last value.
    pub(super) fn wrong(&self, expected: String, found: String) -> Error {
        let (path, line, column) = (self.path.into(), self.line, self.column.max(1));
        Error::Text { path, line, column, expected, found }
    }

    /// Moves to the next value; false at the end of the file.
    fn advance(&mut self) -> Result<bool, Error> {
        self.column = if self.is_last { 1 } else { self.column.saturating_add(1) };
        self.length = 0;
        loop {
            let input = self.input.fill_buf().map_err(Error::io(self.path, "read"))?;
            let room = self.value.get_mut(self.length..).unwrap_or_default();
            let (result, n_read, n_written) = self.core.read_field(input, room);
            let read = input.get(..n_read).unwrap_or_default();
            let newlines = read.iter().filter(|&&byte| byte == b'\n').count() as u64;
            let ends_line = read.last() == Some(&b'\n');
            self.input.consume(n_read);
            self.length = self.length.saturating_add(n_written);
            self.newlines = self.newlines.saturating_add(newlines);
            match result {
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => {
                    self.count_lines(false);
                    let expected = format!("a value of at most {MAX_VALUE} bytes");
                    return Err(self.wrong(expected, format!("{} and more", self.found())));
                }
                ReadFieldResult::Field { record_end } => {
                    self.count_lines(ends_line);
                    self.is_last = record_end;
                    return Ok(true);
                }
                ReadFieldResult::End => {
                    self.count_lines(false);
                    return Ok(false);
                }
            }
        }
    }

    /// Counts line ends, but not yet the one right after the value if it ends its line.
    fn count_lines(&mut self, ends_line: bool) {
        let own = u64::from(ends_line);
        self.line = self.line.saturating_add(self.newlines.saturating_sub(own));
        self.newlines = own;
    }

    fn text(&self) -> &[u8] {
        self.value.get(..self.length).unwrap_or_default()
    }

    /// The last value in quotes, for a message.
    fn found(&self) -> String {
        quoted(&String::from_utf8_lossy(self.text()))
    }
}

/// A number from 0 to 255 in digits, possibly with spaces around it.
fn number(text: &[u8]) -> Option<u8> {
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u8, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        number.checked_mul(10)?.checked_add(digit)
    })
}
