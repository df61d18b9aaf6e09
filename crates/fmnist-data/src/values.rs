//! Turns the numbers of an array into pixels and labels, which are bytes.
//!
//! IDX files and NumPy arrays share this. Numbers arrive in pieces, so the memory is that of the bytes they become, whatever
//! their type.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::Error;

/// How an array stores each of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl Number {
    /// The Rust name of the type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The number of bytes.
    pub(crate) fn size(self) -> u8 {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::F32 | Self::F64)
    }
}

/// What a file says about its array, before any number is read.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// The file, for errors.
    pub(crate) path: PathBuf,
    /// The length of each dimension, slowest first; none is zero.
    pub(crate) dims: Vec<usize>,
    pub(crate) number: Number,
    /// Whether the least significant byte of a number comes first.
    pub(crate) little_endian: bool,
    /// The offset of the first number, after inflating.
    pub(crate) start: u64,
    /// Where the dimensions are: each has an offset, or all are in one field.
    pub(crate) shape_at: ShapeAt,
}

/// Where a header keeps the dimensions.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ShapeAt {
    /// From byte 4, 4 bytes each.
    Idx,
    /// In the text of the header.
    Npy,
}

impl Header {
    /// The shape and the type, such as `60000 x 28 x 28 of u8`.
    pub(crate) fn describe(&self) -> String {
        let dims: Vec<String> = self.dims.iter().map(usize::to_string).collect();
        format!("{} of {}", dims.join(" x "), self.number.name())
    }

    /// Fails if dimension `index` is larger than `most`, a limit of this crate.
    pub(crate) fn check_dimension(&self, index: usize, most: usize) -> Result<(), Error> {
        let dim = self.dims.get(index).copied().unwrap_or(0);
        if dim <= most {
            return Ok(());
        }
        let place = match self.shape_at {
            ShapeAt::Idx => {
                let offset = index.saturating_add(1).saturating_mul(4);
                format!("byte {offset} (dimension)")
            }
            ShapeAt::Npy => format!("header (dimension {})", index.saturating_add(1)),
        };
        let (expected, found) = (format!("at most {most}"), dim.to_string());
        Err(Error::TooLarge { path: self.path.clone(), place, expected, found })
    }

    /// The offset of number `index`, after inflating.
    pub(crate) fn offset_of(&self, index: usize) -> u64 {
        let bytes = (index as u64).saturating_mul(self.number.size().into());
        self.start.saturating_add(bytes)
    }

    /// The error for a number that does not fit.
    pub(crate) fn misfit(&self, misfit: &Misfit, what: &str, expected: &str) -> Error {
        let Misfit { index, value } = misfit;
        Error::Value {
            path: self.path.clone(),
            place: format!("byte {} ({what} {index})", self.offset_of(*index)),
            expected: expected.into(),
            found: value.to_string(),
        }
    }

    /// Calls `use_value` with each number in `bytes`, which hold whole numbers only.
    fn each(&self, bytes: &[u8], use_value: impl FnMut(f64)) {
        let little = self.little_endian;
        match self.number {
            Number::U8 => each(bytes, little, |it| f64::from(u8::from_be_bytes(it)), use_value),
            Number::I8 => each(bytes, little, |it| f64::from(i8::from_be_bytes(it)), use_value),
            Number::U16 => each(bytes, little, |it| f64::from(u16::from_be_bytes(it)), use_value),
            Number::I16 => each(bytes, little, |it| f64::from(i16::from_be_bytes(it)), use_value),
            Number::U32 => each(bytes, little, |it| f64::from(u32::from_be_bytes(it)), use_value),
            Number::I32 => each(bytes, little, |it| f64::from(i32::from_be_bytes(it)), use_value),
            // Large ones are rounded, but only those up to 255 are used.
            Number::U64 => each(bytes, little, |it| u64::from_be_bytes(it) as f64, use_value),
            Number::I64 => each(bytes, little, |it| i64::from_be_bytes(it) as f64, use_value),
            Number::F16 => each(bytes, little, |it| half(u16::from_be_bytes(it)), use_value),
            Number::F32 => each(bytes, little, |it| f64::from(f32::from_be_bytes(it)), use_value),
            Number::F64 => each(bytes, little, f64::from_be_bytes, use_value),
        }
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    little_endian: bool,
    value: impl Fn([u8; N]) -> f64,
    mut use_value: impl FnMut(f64),
) {
    let (chunks, _) = bytes.as_chunks::<N>();
    for chunk in chunks {
        let mut chunk = *chunk;
        if little_endian {
            chunk.reverse();
        }
        use_value(value(chunk));
    }
}

/// The value of a 16-bit floating-point number (IEEE 754), which every f32 can hold.
fn half(bits: u16) -> f64 {
    let bits = u32::from(bits);
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        0 => f64::from(fraction) / f64::from(1_u32 << 24),
        0x1f => f64::from(f32::from_bits(0x7f80_0000 | fraction << 13)),
        // The exponent of an f32 is larger by 127 - 15.
        _ => f64::from(f32::from_bits(exponent.saturating_add(112) << 23 | fraction << 13)),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// What [`Array::read`] calls with each piece of the numbers. It may stop the reading.
pub(crate) type UsePiece<'a> = &'a mut dyn FnMut(&[u8]) -> Result<ControlFlow<()>, Error>;

/// An array of a file, of which only the header has been read.
pub(crate) trait Array: Sized {
    fn header(&self) -> &Header;

    /// Reads the numbers, in pieces that hold whole numbers. Fails unless they are all there and nothing follows, or
    /// `use_piece` stops it.
    fn read(self, use_piece: UsePiece<'_>) -> Result<(), Error>;

    /// Reads all numbers, which are pixels or labels.
    fn collect(self, are_pixels: bool) -> Result<Collected, Error> {
        let header = self.header().clone();
        let mut collected = Collected::new(&header, are_pixels);
        let what = if are_pixels { "pixel" } else { "label" };
        let expected = collected.expected();
        self.read(&mut |piece| {
            let pushed = collected.push(&header, piece);
            pushed.map_err(|misfit| header.misfit(&misfit, what, expected))?;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(collected)
    }

    /// Reads some blocks of the array, which is of bytes, and nothing after the last of them. A block has `len` bytes;
    /// `blocks` are ascending.
    fn collect_blocks(self, len: usize, blocks: &[usize]) -> Result<Vec<u8>, Error> {
        let mut collected = Vec::new();
        let mut wanted = blocks.iter().map(|&block| block.saturating_mul(len)).peekable();
        let mut offset = 0_usize;
        if blocks.is_empty() {
            return Ok(collected);
        }
        self.read(&mut |piece| {
            let end = offset.saturating_add(piece.len());
            while let Some(&start) = wanted.peek() {
                let stop = start.saturating_add(len);
                let from = start.max(offset).saturating_sub(offset);
                let to = stop.min(end).saturating_sub(offset);
                collected.extend_from_slice(piece.get(from..to).unwrap_or_default());
                if stop > end {
                    break;
                }
                wanted.next();
            }
            offset = end;
            Ok(if wanted.peek().is_none() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(collected)
    }
}

/// A number that is no pixel or label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Misfit {
    /// Which number of the array, from 0.
    pub(crate) index: usize,
    pub(crate) value: f64,
}

/// The bytes that numbers become under one rule, or the first number that does not follow it.
type Outcome = Result<Vec<u8>, Misfit>;

/// Bytes from the numbers of an array that arrive in pieces. Whether pixels are 0 to 255 or 0 to 1 is known only at the end
/// of all files, so both are kept until one is ruled out.
#[derive(Debug)]
pub(crate) struct Collected {
    /// Whole numbers from 0 to 255, as they are.
    whole: Outcome,
    /// Numbers from 0 to 1, multiplied by 255. Only floating-point numbers are read so.
    unit: Outcome,
    n: usize,
    takes_unit: bool,
}

impl Collected {
    /// Begins with no number. Labels are whole numbers; floating-point pixels may go from 0 to 1.
    pub(crate) fn new(header: &Header, are_pixels: bool) -> Self {
        let takes_unit = are_pixels && header.number.is_float();
        let unit = if takes_unit { Ok(Vec::new()) } else { Err(Misfit { index: 0, value: 0.0 }) };
        Self { whole: Ok(Vec::new()), unit, n: 0, takes_unit }
    }

    /// Adds the numbers in `bytes`. Fails at the number that no rule allows.
    pub(crate) fn push(&mut self, header: &Header, bytes: &[u8]) -> Result<(), Misfit> {
        match &mut self.whole {
            Ok(whole) if header.number == Number::U8 => {
                whole.extend_from_slice(bytes);
                self.n = whole.len();
                return Ok(());
            }
            _ => {}
        }
        header.each(bytes, |value| {
            let index = self.n;
            add(&mut self.whole, index, value, whole(value));
            add(&mut self.unit, index, value, unit(value));
            self.n = index.saturating_add(1);
        });
        match (&self.whole, &self.unit) {
            (Err(whole), Err(unit)) => Err(if unit.index > whole.index { *unit } else { *whole }),
            _ => Ok(()),
        }
    }

    /// The whole numbers, and which one is none.
    pub(crate) fn whole(self) -> Outcome {
        self.whole.map(shrunk)
    }

    /// What [`Self::push`] expects, for errors.
    pub(crate) fn expected(&self) -> &'static str {
        match self.takes_unit {
            true => "whole numbers from 0 to 255, or only numbers from 0 to 1",
            false => "a whole number from 0 to 255",
        }
    }
}

fn add(outcome: &mut Outcome, index: usize, value: f64, byte: Option<u8>) {
    match (outcome, byte) {
        (Ok(bytes), Some(byte)) => bytes.push(byte),
        (outcome @ Ok(_), None) => *outcome = Err(Misfit { index, value }),
        (Err(_), _) => {}
    }
}

fn shrunk(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.shrink_to_fit();
    bytes
}

/// The pixels of two sets, by the rule that both follow; the flag says whether that is 0 to 1. `Err` if each follows another.
pub(crate) fn same_rule(sets: [Collected; 2]) -> Result<([Vec<u8>; 2], bool), [&'static str; 2]> {
    let ranges = sets.each_ref().map(|set| if set.unit.is_ok() { UNIT } else { WHOLE });
    let [train, test] = sets;
    match (train.unit, test.unit, train.whole, test.whole) {
        (Ok(train), Ok(test), ..) => Ok(([shrunk(train), shrunk(test)], true)),
        (_, _, Ok(train), Ok(test)) => Ok(([shrunk(train), shrunk(test)], false)),
        _ => Err(ranges),
    }
}

const UNIT: &str = "pixels from 0 to 1";
const WHOLE: &str = "pixels from 0 to 255";

fn whole(value: f64) -> Option<u8> {
    let is_byte = (0.0..=255.0).contains(&value) && value.fract() == 0.0;
    is_byte.then(|| byte(value))
}

fn unit(value: f64) -> Option<u8> {
    (0.0..=1.0).contains(&value).then(|| byte((value * 255.0).round()))
}

/// A whole number from 0 to 255.
#[allow(clippy::cast_possible_truncation, reason = "the callers check the range")]
fn byte(value: f64) -> u8 {
    value as u8
}

#[cfg(test)]
mod tests;
