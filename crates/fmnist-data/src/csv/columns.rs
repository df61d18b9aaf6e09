//! What the columns of a table are, judged by its first line: a header or the first image.
//!
//! The line is read value by value and not kept, since it may be long.

use std::path::PathBuf;

use super::input::Source;
use super::table::{MAX_LABEL, MAX_VALUE, Table, separator};
use super::values::Number;
use crate::{Error, sniff};

/// What the column of labels may be called.
const LABEL: [&str; 4] = ["label", "class", "target", "y"];

/// What a first column of row numbers may be called.
const ROW_NUMBER: [&str; 4] = ["", "index", "id", "unnamed: 0"];

/// Columns called 0, 1, 2 and so on are a header only if there are at least this many: fewer could be the pixels of an
/// image.
const MIN_NUMBERED: usize = 16;

/// The columns of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Columns {
    /// How many there are.
    pub(super) total: usize,
    pub(super) has_header: bool,
    /// The column of the labels, from 0.
    pub(super) label: Option<usize>,
    /// Whether the first column numbers the rows.
    pub(super) has_row_numbers: bool,
}

impl Columns {
    /// The number of columns of pixels.
    pub(super) fn n_pixels(&self) -> usize {
        let labels = usize::from(self.label.is_some());
        self.total.saturating_sub(labels).saturating_sub(usize::from(self.has_row_numbers))
    }
}

/// The first line of a table.
pub(super) struct FirstLine {
    /// The columns. Without a header, `label` is not known yet, and `None`.
    columns: Columns,
    separator: u8,
    path: PathBuf,
    line: u64,
    /// The first value, and the kind of file, for messages.
    found: String,
}

impl FirstLine {
    /// Reads it. More than `max_columns` are an error.
    pub(super) fn read(source: Source<'_>, max_columns: usize) -> Result<Self, Error> {
        let head = source.head()?;
        let (separator, kind) = (separator(&head), sniff::describe(&head));
        let mut table = Table::open(source, separator)?;
        let mut names = Names::default();
        let mut found = kind.clone();
        // A label may be longer than the name of a column, and the first value may be one.
        if table.advance(MAX_LABEL).map_err(|error| no_table(error, &kind))? {
            found = format!("{} in {kind}", table.found());
            names.add(&table)?;
            while !table.is_last() {
                table.advance(MAX_VALUE)?;
                if table.column() > max_columns {
                    let expected = format!("at most {max_columns} columns");
                    return Err(table.wrong(expected, "more".into()));
                }
                names.add(&table)?;
            }
        }
        let (total, has_header) = (names.total, names.are_header());
        let first = Self {
            columns: Columns {
                total,
                has_header,
                label: names.label.filter(|_| has_header),
                has_row_numbers: names.has_row_numbers && has_header,
            },
            separator,
            path: source.path().into(),
            line: table.line(),
            found,
        };
        if total < 2 && !has_header {
            let expected = "a header with a column label, or a label and its pixels, separated by commas, semicolons or tabs";
            return Err(first.wrong(1, expected.into(), first.found.clone()));
        }
        Ok(first)
    }

    pub(super) fn separator(&self) -> u8 {
        self.separator
    }

    /// The columns, if each line has a label. Without a header, the first column is the label.
    pub(super) fn labelled(&self) -> Result<Columns, Error> {
        match self.columns {
            Columns { has_header: true, label: None, .. } => {
                let expected = format!("a column called {} or {}", LABEL[..3].join(", "), LABEL[3]);
                Err(self.wrong(1, expected, format!("a header that begins with {}", self.found)))
            }
            Columns { has_header: false, .. } => Ok(self.first_is_label()),
            columns => Ok(columns),
        }
    }

    /// The columns of a table with or without labels. If there is no header, it has none if `fits` accepts the number of columns.
    pub(super) fn labelled_or_not(&self, fits: impl Fn(usize) -> bool) -> Columns {
        if self.columns.has_header || fits(self.columns.total) {
            self.columns
        } else {
            self.first_is_label()
        }
    }

    fn first_is_label(&self) -> Columns {
        Columns { label: Some(0), ..self.columns }
    }

    /// The error at a column of this line, from 1.
    pub(super) fn wrong(&self, column: usize, expected: String, found: String) -> Error {
        Error::Text { path: self.path.clone(), line: self.line, column, expected, found }
    }
}

/// The error for a first value that is too long for a label, which says what the file is instead.
fn no_table(error: Error, kind: &str) -> Error {
    match error {
        Error::Text { path, line, column, expected, found } => {
            let expected = format!("a label or the name of a column, {expected}");
            Error::Text { path, line, column, expected, found: format!("{found} in {kind}") }
        }
        error => error,
    }
}

/// What the values of the first line say, if they are names.
#[derive(Default)]
struct Names {
    total: usize,
    /// The column with the name of a label, from 0.
    label: Option<usize>,
    has_row_numbers: bool,
    /// How many of the others are numbers.
    n_numbers: usize,
    /// How many of the others are not numbers, except the very first value, which may be the name of a class.
    n_texts: usize,
    /// Whether the column of labels is called `label`.
    is_label: bool,
    numbering: Numbering,
}

/// Whether the names of pixels are 0, 1, 2 and so on, or 1, 2, 3.
#[derive(Default)]
enum Numbering {
    #[default]
    NotBegun,
    Last(usize),
    None,
}

impl Names {
    /// Adds the next value of the line.
    fn add(&mut self, table: &Table<'_>) -> Result<(), Error> {
        let (column, text) = (self.total, table.text());
        self.total = self.total.saturating_add(1);
        let is = |name: &&str| text.eq_ignore_ascii_case(name.as_bytes());
        if LABEL.iter().any(is) {
            if let Some(other) = self.label.replace(column) {
                let other = other.saturating_add(1);
                let expected = format!("one column of labels, which column {other} is");
                return Err(table.wrong(expected, table.found()));
            }
            self.is_label = is(&"label");
        } else if column == 0 && ROW_NUMBER.iter().any(is) {
            self.has_row_numbers = true;
        } else if is_number(table) {
            self.n_numbers = self.n_numbers.saturating_add(1);
            self.numbering = self.numbering.next(text);
        } else {
            self.n_texts = self.n_texts.saturating_add(usize::from(column > 0));
            self.numbering = Numbering::None;
        }
        Ok(())
    }

    fn are_header(&self) -> bool {
        let are_numbered = matches!(self.numbering, Numbering::Last(_));
        match self.label {
            _ if self.has_row_numbers || self.n_texts > self.n_numbers => true,
            // Otherwise it may be the class of the first image.
            Some(0) if !self.is_label => are_numbered,
            Some(_) => true,
            None => are_numbered && self.n_numbers >= MIN_NUMBERED,
        }
    }
}

impl Numbering {
    fn next(&self, text: &[u8]) -> Self {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<usize>().ok());
        match (self, number) {
            (Self::NotBegun, Some(number @ 0..=1)) => Self::Last(number),
            (Self::Last(last), Some(number)) if number.checked_sub(*last) == Some(1) => {
                Self::Last(number)
            }
            _ => Self::None,
        }
    }
}

/// Whether the last value is a number of any size.
fn is_number(table: &Table<'_>) -> bool {
    let any = || std::str::from_utf8(table.text()).is_ok_and(|text| text.parse::<f64>().is_ok());
    Number::read(table.text(), table.separator()).is_some() || any()
}
