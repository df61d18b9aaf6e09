//! The labels of a table: numbers of 0 to 255, or names of classes.
//!
//! Which of the two they are is known only when all of both tables have been read. If one of them is not a number, all are
//! names. The different texts are kept once each; there are few of them.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::table::Table;
use super::values::Number;
use crate::dataset::{CLASS_NAMES, MAX_CLASSES};
use crate::quote::quoted;
use crate::{Error, classes};

/// The largest number of different texts. It is larger than that of classes because `9`, `09` and `9.0` are the same label.
const MAX_TEXTS: u16 = 1024;

/// The labels of a table, as they are written.
pub(super) struct Labels {
    path: PathBuf,
    /// The column of the labels, from 1.
    column: usize,
    separator: u8,
    /// The different texts, in the order in which they first occur.
    texts: Vec<Text>,
    /// The index of each text.
    indices: HashMap<String, u16>,
    /// The text of each row.
    rows: Vec<u16>,
}

/// A text, and the line where it first occurs.
struct Text {
    text: String,
    line: u64,
}

impl Labels {
    /// No labels; `column` counts from 0.
    pub(super) fn new(path: &Path, column: usize, separator: u8) -> Self {
        let (path, column) = (path.into(), column.saturating_add(1));
        let (texts, indices, rows) = (Vec::new(), HashMap::new(), Vec::new());
        Self { path, column, separator, texts, indices, rows }
    }

    /// Adds the last value of a table.
    pub(super) fn push(&mut self, table: &Table<'_>) -> Result<(), Error> {
        let Ok(text) = std::str::from_utf8(table.text()) else {
            return Err(table.wrong("a label in UTF-8".into(), table.found()));
        };
        if let Some(&index) = self.indices.get(text) {
            self.rows.push(index);
            return Ok(());
        }
        let index = self.texts.len();
        let Some(index) = u16::try_from(index).ok().filter(|&index| index < MAX_TEXTS) else {
            let expected = format!("at most {MAX_CLASSES} classes in the column of labels");
            return Err(table.wrong(expected, format!("another, {}", table.found())));
        };
        self.texts.push(Text { text: text.into(), line: table.line() });
        self.indices.insert(text.into(), index);
        self.rows.push(index);
        Ok(())
    }

    /// The label of each row as it is written.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |index: u16| self.texts.get(usize::from(index)).map(|text| text.text.clone());
        self.rows.iter().map(|&index| text(index).unwrap_or_default()).collect()
    }

    fn are_numbers(&self) -> bool {
        self.texts.iter().all(|Text { text, .. }| {
            text.is_empty() || self.number(text).is_some() || text.parse::<f64>().is_ok()
        })
    }

    /// The label that a text says.
    fn number(&self, text: &str) -> Option<u8> {
        match Number::read(text.as_bytes(), self.separator)? {
            Number::Whole(label) => Some(label),
            Number::Fraction(_) => None,
        }
    }

    /// The label of each row, if this is the label of each text.
    fn each(&self, label: impl Fn(&Text) -> Result<u8, Error>) -> Result<Vec<u8>, Error> {
        let labels = self.texts.iter().map(label).collect::<Result<Vec<u8>, Error>>()?;
        let of_row = |&index: &u16| labels.get(usize::from(index)).copied().unwrap_or(0);
        Ok(self.rows.iter().map(of_row).collect())
    }

    /// The numbers among the different texts.
    fn different(&self) -> impl Iterator<Item = u8> + Clone {
        self.texts.iter().filter_map(|text| self.number(&text.text))
    }

    /// The label of each row, from 0, if they are numbers in this range.
    fn numbers(&self, range: &RangeInclusive<u8>) -> Result<Vec<u8>, Error> {
        let (first, last) = (range.start(), range.end());
        self.each(|text| {
            let label = self.number(&text.text).filter(|label| range.contains(label));
            let wrong =
                || self.wrong(text, format!("a label of {first} to {last}"), quoted(&text.text));
            Ok(label.ok_or_else(wrong)?.saturating_sub(*first))
        })
    }

    /// The label of each row, if they are names of these classes, which are `whose`.
    fn positions(&self, names: &[String], whose: &str) -> Result<Vec<u8>, Error> {
        self.each(|text| {
            let position = names.iter().position(|name| *name == text.text);
            let label = position.and_then(|position| u8::try_from(position).ok());
            label.ok_or_else(|| self.wrong(text, whose.into(), quoted(&text.text)))
        })
    }

    /// The different texts as names of classes, sorted by bytes.
    fn names(&self) -> Result<Vec<String>, Error> {
        for (index, text) in self.texts.iter().enumerate() {
            if let Some(found) = classes::fault(&text.text) {
                let expected = format!("the name of a class, of 1 to {} bytes", classes::MAX_NAME);
                return Err(self.wrong(text, expected, found));
            }
            if index >= MAX_CLASSES {
                let expected = format!("at most {MAX_CLASSES} classes");
                return Err(self.wrong(text, expected, format!("another, {}", quoted(&text.text))));
            }
        }
        let mut names: Vec<String> = self.texts.iter().map(|text| text.text.clone()).collect();
        names.sort();
        Ok(names)
    }

    fn wrong(&self, text: &Text, expected: String, found: String) -> Error {
        let (path, line, column) = (self.path.clone(), text.line, self.column);
        Error::Text { path, line, column, expected, found }
    }
}

/// The labels of both tables as indices of classes, and the names of the classes if they have any. The test table may have
/// no labels.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) train: Vec<u8>,
    pub(super) test: Option<Vec<u8>>,
    pub(super) class_names: Vec<String>,
    /// Whether the smallest label is 1.
    pub(super) from_one: bool,
}

impl Resolved {
    /// `named` are the names in `classes.txt`. Without them, numbers of garments have the names of garments.
    pub(super) fn new(
        train: &Labels,
        test: Option<&Labels>,
        named: Option<Vec<String>>,
        are_garments: bool,
    ) -> Result<Self, Error> {
        if train.are_numbers() && test.is_none_or(Labels::are_numbers) {
            let all = || train.different().chain(test.into_iter().flat_map(Labels::different));
            let are_garments =
                are_garments && all().all(|label| usize::from(label) < CLASS_NAMES.len());
            let named = named.or_else(|| are_garments.then(|| CLASS_NAMES.map(Into::into).into()));
            let range = classes::range(all(), named.as_deref());
            let first = *range.start();
            let after =
                usize::from(first).saturating_add(named.as_ref().map_or(MAX_CLASSES, Vec::len));
            let valid = first..=u8::try_from(after.saturating_sub(1)).unwrap_or(u8::MAX);
            return Ok(Self {
                train: train.numbers(&valid)?,
                test: test.map(|test| test.numbers(&valid)).transpose()?,
                class_names: named.unwrap_or_else(|| classes::numbered(range)),
                from_one: first == 1,
            });
        }
        let (names, whose) = match named {
            Some(named) => (named, "a name in classes.txt"),
            None => (train.names()?, "a label that the training table has"),
        };
        let test = || test.map(|test| test.positions(&names, whose)).transpose();
        let (train, test) = (train.positions(&names, whose)?, test()?);
        Ok(Self { train, test, class_names: names, from_one: false })
    }
}
