//! A CSV file, value by value, with the line and column of each for messages.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv_core::{ReadFieldResult, Reader};

use crate::dataset::MAX_SIDE;
use crate::{Error, sniff};

/// Longest value in bytes: a column's name in the header.
const MAX_VALUE: usize = 64;

/// Most columns: a label, and the pixels of the largest image.
const MAX_COLUMNS: usize = 1 + MAX_SIDE * MAX_SIDE;

/// Reads a table of a header and lines of small numbers.
pub(super) struct Table<'a, R> {
    input: BufReader<R>,
    path: &'a Path,
    core: Reader,
    value: [u8; MAX_VALUE],
    length: usize,
    /// The line that the last value stands on, from 1.
    line: u64,
    /// Which value of its line it is, from 1.
    column: usize,
    /// Whether it is the last of its line.
    is_last: bool,
    /// Ends of lines since.
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

    /// Reads the names of the columns, of which the first is `label`; how many others there are.
    pub(super) fn header(&mut self) -> Result<usize, Error> {
        let head = self.input.fill_buf().map_err(Error::io(self.path, "read"))?;
        let kind = sniff::describe(head.get(..sniff::HEAD).unwrap_or(head));
        let is_there = match self.advance() {
            // Too long a name, so not this one.
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

    /// Begins a line, if there is one: its label, which is below `n_classes`.
    pub(super) fn begin_line(&mut self, n_classes: usize) -> Result<Option<u8>, Error> {
        if !self.advance()? {
            return Ok(None);
        }
        match number(self.text()).filter(|&label| usize::from(label) < n_classes) {
            Some(label) => Ok(Some(label)),
            None => {
                let last = n_classes.saturating_sub(1);
                Err(self.wrong(format!("a label of 0 to {last}"), self.found()))
            }
        }
    }

    /// The next pixel of a line that has so many columns.
    pub(super) fn value(&mut self, n_columns: usize) -> Result<u8, Error> {
        if self.is_last {
            let found = self.column.to_string();
            return Err(self.wrong(format!("{n_columns} columns, as in the header"), found));
        }
        self.advance()?;
        match number(self.text()) {
            Some(value) => Ok(value),
            None => Err(self.wrong("a pixel of 0 to 255".into(), self.found())),
        }
    }

    /// The line must have ended.
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

    /// Goes on to the next value; false at the end of the file.
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

    /// Adds up the ends of lines, less the one of the line that the value itself ends.
    fn count_lines(&mut self, ends_line: bool) {
        let own = u64::from(ends_line);
        self.line = self.line.saturating_add(self.newlines.saturating_sub(own));
        self.newlines = own;
    }

    fn text(&self) -> &[u8] {
        self.value.get(..self.length).unwrap_or_default()
    }

    /// The last value as a message can show it.
    fn found(&self) -> String {
        format!("\"{}\"", self.text().escape_ascii())
    }
}

/// A number of 0 to 255 in digits, spaces around it or not.
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
