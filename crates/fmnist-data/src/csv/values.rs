//! The pixels of a table: whole numbers of 0 to 255, or numbers of 0 to 1 with fractions, which are multiplied by 255.
//!
//! Which of the two a table has is known only when the first fraction comes. Until then, whole numbers are stored as they
//! are. The first one above 1 is remembered: a fraction after it is an error.

use std::path::Path;

use super::table::{Table, whole};
use crate::Error;

/// A number in a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// A whole number.
    Whole(u8),
    /// A number of 0 to 255 with a fraction.
    Fraction(f64),
}

impl Number {
    /// The number that a text says, if it is from 0 to 255: in digits, or as a decimal such as `127.0` or `1.27e+02`. With
    /// another separator than the comma, the decimal point may be a comma.
    pub(super) fn read(text: &[u8], separator: u8) -> Option<Self> {
        whole(text).map(Self::Whole).or_else(|| Self::decimal(text, separator))
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "a whole number of 0 to 255 is a byte exactly"
    )]
    fn decimal(text: &[u8], separator: u8) -> Option<Self> {
        if !text.first().is_some_and(|byte| byte.is_ascii_digit() || b".,".contains(byte)) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let number: f64 = match text.contains(',') {
            true if separator == b',' => return None,
            true => text.replacen(',', ".", 1).parse().ok()?,
            false => text.parse().ok()?,
        };
        match number {
            _ if !(0.0..=255.0).contains(&number) => None,
            _ if number.fract() == 0.0 => Some(Self::Whole(number as u8)),
            _ => Some(Self::Fraction(number)),
        }
    }
}

/// Where the value is that decides what the numbers of a table mean.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: u64,
    column: usize,
}

/// What is known about the numbers of a table.
#[derive(Clone, Copy, Debug)]
enum Units {
    /// Only 0 and 1 so far.
    Unknown,
    /// From 0 to 255: there is a number above 1.
    Bytes(Place, u8),
    /// From 0 to 1: there is a fraction. The pixels are already multiplied by 255.
    Fractions(Place),
}

/// The pixels of a table.
pub(super) struct Pixels {
    bytes: Vec<u8>,
    units: Units,
}

impl Pixels {
    pub(super) fn new() -> Self {
        Self { bytes: Vec::new(), units: Units::Unknown }
    }

    /// Whether the pixels were numbers from 0 to 1.
    pub(super) fn are_fractions(&self) -> bool {
        matches!(self.units, Units::Fractions(_))
    }

    /// The pixels so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The pixels as bytes.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Adds the last value of a table.
    pub(super) fn push(&mut self, table: &Table<'_>) -> Result<(), Error> {
        if let (Units::Bytes(..), Some(byte)) = (self.units, table.digits()) {
            self.bytes.push(byte);
            return Ok(());
        }
        let here = || Place { line: table.line(), column: table.column() };
        let number = Number::read(table.text(), table.separator());
        let byte = match (number, self.units) {
            (Some(Number::Whole(byte)), Units::Bytes(..)) => byte,
            (Some(Number::Whole(byte @ 0..=1)), Units::Unknown) => byte,
            (Some(Number::Whole(byte)), Units::Unknown) => {
                self.units = Units::Bytes(here(), byte);
                byte
            }
            (Some(Number::Whole(byte @ 0..=1)), Units::Fractions(_)) => byte.saturating_mul(255),
            (Some(Number::Fraction(number @ 0.0..=1.0)), Units::Fractions(_)) => scaled(number),
            (Some(Number::Fraction(number @ 0.0..=1.0)), Units::Unknown) => {
                self.units = Units::Fractions(here());
                self.multiply();
                scaled(number)
            }
            _ => return Err(table.wrong(self.expected(number), table.found())),
        };
        self.bytes.push(byte);
        Ok(())
    }

    /// What a number must be in place of this one.
    fn expected(&self, number: Option<Number>) -> String {
        match (self.units, number) {
            (Units::Fractions(Place { line, column }), _) => {
                format!("a pixel of 0 to 1, as line {line}, column {column} has a fraction")
            }
            (Units::Bytes(Place { line, column }, byte), Some(_)) => {
                format!("a pixel without a fraction, as line {line}, column {column} has {byte}")
            }
            (Units::Unknown, Some(_)) => {
                "a pixel of 0 to 255 without a fraction, or of 0 to 1".into()
            }
            (_, None) => "a pixel of 0 to 255".into(),
        }
    }

    fn multiply(&mut self) {
        for byte in &mut self.bytes {
            *byte = byte.saturating_mul(255);
        }
    }

    /// Multiplies these pixels as well if those of the `other` table are fractions.
    fn follow(&mut self, path: &Path, other: &Self, other_path: &Path) -> Result<(), Error> {
        match (self.units, other.units) {
            (Units::Bytes(Place { line, column }, byte), Units::Fractions(_)) => Err(Error::Text {
                path: path.into(),
                line,
                column,
                expected: format!("a pixel of 0 to 1, as in {}", other_path.display()),
                found: byte.to_string(),
            }),
            (Units::Unknown, Units::Fractions(place)) => {
                self.units = Units::Fractions(place);
                self.multiply();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Makes the pixels of two tables mean the same.
pub(super) fn agree(
    (train, train_path): (&mut Pixels, &Path),
    (test, test_path): (&mut Pixels, &Path),
) -> Result<(), Error> {
    test.follow(test_path, train, train_path)?;
    train.follow(train_path, test, test_path)
}

/// A number of 0 to 1 as a byte.
#[allow(clippy::cast_possible_truncation, reason = "the product is from 0 to 255")]
fn scaled(number: f64) -> u8 {
    (number * 255.0).round() as u8
}
