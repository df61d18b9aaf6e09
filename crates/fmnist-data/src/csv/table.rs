//! Reads a CSV file value by value, and counts lines and columns for messages.
//!
//! `csv_core` knows quotes, line ends and the byte order mark. Most values of a table are a few digits, which are read
//! without it.

use std::path::Path;

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use super::input::{Input, Source};
use crate::Error;
use crate::quote::quoted;

/// The longest value in bytes; a column name in the header is the longest.
pub(super) const MAX_VALUE: usize = 64;

/// The longest label in bytes, as long as the name of a class.
pub(super) const MAX_LABEL: usize = crate::classes::MAX_NAME;

/// The largest number of line ends between two values.
const MAX_BLANK: u64 = 1 << 16;

/// Reads a table.
pub(super) struct Table<'a> {
    input: Input<'a>,
    path: &'a Path,
    core: Reader,
    separator: u8,
    /// The last value, with room for a byte that is too many.
    value: [u8; MAX_LABEL + 1],
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

impl<'a> Table<'a> {
    pub(super) fn open(source: Source<'a>, separator: u8) -> Result<Self, Error> {
        Ok(Self {
            input: source.open()?,
            path: source.path(),
            core: ReaderBuilder::new().delimiter(separator).build(),
            separator,
            value: [0; MAX_LABEL + 1],
            length: 0,
            line: 1,
            column: 0,
            is_last: true,
            newlines: 0,
        })
    }

    /// The separator of values.
    pub(super) fn separator(&self) -> u8 {
        self.separator
    }

    /// The last value, without spaces around it.
    pub(super) fn text(&self) -> &[u8] {
        self.value.get(..self.length).unwrap_or_default().trim_ascii()
    }

    /// The last value as a number from 0 to 255, if it consists of digits, without spaces.
    pub(super) fn digits(&self) -> Option<u8> {
        whole(self.value.get(..self.length).unwrap_or_default())
    }

    /// The line of the last value, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The column of the last value, from 1.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// Whether the last value ends its line.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// The last value in quotes, for a message.
    pub(super) fn found(&self) -> String {
        quoted(&String::from_utf8_lossy(self.value.get(..self.length).unwrap_or_default()))
    }

    /// The error at the last value.
    pub(super) fn wrong(&self, expected: String, found: String) -> Error {
        self.wrong_at(self.column.max(1), expected, found)
    }

    /// The error at a column of the last value's line, from 1.
    pub(super) fn wrong_at(&self, column: usize, expected: String, found: String) -> Error {
        let (path, line) = (self.path.into(), self.line);
        Error::Text { path, line, column, expected, found }
    }

    /// Moves to the next value, of at most `longest` bytes, [`MAX_VALUE`] or [`MAX_LABEL`]; false at the end of the file.
    pub(super) fn advance(&mut self, longest: usize) -> Result<bool, Error> {
        if self.advance_to_digits() {
            return Ok(true);
        }
        self.column = if self.is_last { 1 } else { self.column.saturating_add(1) };
        self.length = 0;
        loop {
            let input = self.input.fill()?;
            let end = longest.saturating_add(1);
            let room = self.value.get_mut(self.length..end).unwrap_or_default();
            let (result, n_read, n_written) = self.core.read_field(input, room);
            let read = input.get(..n_read).unwrap_or_default();
            let newlines = read.iter().filter(|&&byte| byte == b'\n').count() as u64;
            let ends_line = read.last() == Some(&b'\n');
            self.input.consume(n_read);
            self.length = self.length.saturating_add(n_written);
            self.newlines = self.newlines.saturating_add(newlines);
            match result {
                ReadFieldResult::InputEmpty if self.newlines > MAX_BLANK => {
                    let expected = format!("at most {MAX_BLANK} empty lines");
                    return Err(self.wrong(expected, "more".into()));
                }
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::OutputFull => {
                    self.count_lines(false);
                    self.length = longest;
                    let expected = format!("a value of at most {longest} bytes");
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

    /// Moves to the next value if it is one to three digits within a line, and the separator follows. `csv_core` is between
    /// two values before and after it, so it need not see them.
    fn advance_to_digits(&mut self) -> bool {
        let (digits, length) = match *self.input.buffered() {
            _ if self.is_last => return false,
            [a, end, ..] if end == self.separator => ([a, b'0', b'0'], 1),
            [a, b, end, ..] if end == self.separator => ([a, b, b'0'], 2),
            [a, b, c, end, ..] if end == self.separator => ([a, b, c], 3),
            _ => return false,
        };
        if !digits.iter().all(u8::is_ascii_digit) {
            return false;
        }
        if let Some(start) = self.value.first_chunk_mut() {
            *start = digits;
        }
        self.length = length;
        self.column = self.column.saturating_add(1);
        self.input.consume(length.saturating_add(1));
        true
    }

    /// Counts line ends, but not yet the one right after the value if it ends its line.
    fn count_lines(&mut self, ends_line: bool) {
        let own = u64::from(ends_line);
        self.line = self.line.saturating_add(self.newlines.saturating_sub(own));
        self.newlines = own;
    }
}

/// A number from 0 to 255 in digits.
pub(super) fn whole(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u8, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit < 10)?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The separator of a table with this beginning, judged by its first line that is not empty: a tab, a semicolon or a comma,
/// the first of them that is there outside quotes.
pub(super) fn separator(head: &[u8]) -> u8 {
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(0);
    let mut is_quoted = false;
    let line = head.get(start..).unwrap_or_default().iter().copied();
    let (mut has_semicolon, mut has_tab) = (false, false);
    for byte in line.take_while(|byte| !matches!(byte, b'\r' | b'\n')) {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\t' if !is_quoted => has_tab = true,
            b';' if !is_quoted => has_semicolon = true,
            _ => {}
        }
    }
    match (has_tab, has_semicolon) {
        (true, _) => b'\t',
        (_, true) => b';',
        _ => b',',
    }
}
