//! The IDX file format: an array of numbers after a short header.
//!
//! ```text
//! byte 0, 1   zero
//! byte 2      element type: 08 u8, 09 i8, 0b i16, 0c i32, 0d f32, 0e f64
//! byte 3      rank, the number of dimensions
//! then        rank dimensions, each a big-endian u32
//! then        the elements in C order (last dimension fastest), big-endian
//! ```
//!
//! Files are raw or gzip, which is detected from their content, not their name. The reader trusts nothing. It checks the
//! header before it allocates memory, and so does the reader of a dataset. It allocates only for bytes that arrive, and
//! stops at the first byte after the last element, which also defuses gzip bombs. A gzip file may have several members, as
//! those of bgzip have, which are read as one stream (RFC 1952). Anything else after a member is an error, because to
//! ignore it would accept a damaged file.
//!
//! # Sources
//!
//! Yann LeCun, "The MNIST database", section "The IDX file format".

mod stream;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use crate::Error;
use crate::sniff;
use crate::values::{Array, Header, Number, ShapeAt, UsePiece};
use stream::Stream;

/// The largest number of dimensions. Images have 3, colour films 5.
pub const MAX_RANK: usize = 8;

/// The largest size of the elements in bytes: 1 GiB, twice the largest set of the MNIST family.
pub const MAX_BYTES: u64 = 1 << 30;

/// How many bytes of elements are read at a time: a multiple of every element's size.
const PIECE: u64 = 1 << 16;

/// An array read from an IDX file; `elements` holds as many values as the product of `dims`.
#[derive(Debug, Clone, PartialEq)]
pub struct Idx {
    /// Length of each dimension, slowest first. Between 1 and [`MAX_RANK`] of them, none zero.
    pub dims: Vec<usize>,
    /// The values in C order: the last dimension varies fastest.
    pub elements: Elements,
}

/// The values of an array, in the type that the file declares.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Elements {
    /// Type code 0x08.
    U8(Vec<u8>),
    /// Type code 0x09.
    I8(Vec<i8>),
    /// Type code 0x0b.
    I16(Vec<i16>),
    /// Type code 0x0c.
    I32(Vec<i32>),
    /// Type code 0x0d.
    F32(Vec<f32>),
    /// Type code 0x0e.
    F64(Vec<f64>),
}

impl Elements {
    /// The Rust name of the element type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::I8(_) => "i8",
            Self::I16(_) => "i16",
            Self::I32(_) => "i32",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }
}

/// Reads an IDX file, raw or gzip.
///
/// # Errors
///
/// When the file cannot be read, is of another kind, or breaks the format in any way.
pub fn open(path: &Path) -> Result<Idx, Error> {
    read(File::open(path).map_err(Error::io(path, "open"))?, path)
}

/// Parses an IDX file held in memory, raw or gzip. Errors call it `<memory>`.
///
/// # Errors
///
/// As [`open`].
///
/// ```
/// let bytes = [0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
/// let array = fmnist_data::idx::parse(&bytes)?;
/// assert_eq!(array.dims, [2, 3]);
/// assert_eq!(array.elements, fmnist_data::idx::Elements::U8(vec![1, 2, 3, 4, 5, 6]));
/// # Ok::<(), fmnist_data::Error>(())
/// ```
pub fn parse(bytes: &[u8]) -> Result<Idx, Error> {
    read_buffered(bytes, Path::new("<memory>"))
}

/// Reads an IDX file, raw or gzip, from a stream up to its end; `name` is for error messages.
///
/// # Errors
///
/// As [`open`].
pub fn read(reader: impl Read, name: &Path) -> Result<Idx, Error> {
    read_buffered(BufReader::with_capacity(1 << 16, reader), name)
}

/// The bytes of a header with these dimensions over `u8` elements; dimensions past `u32` saturate.
pub(crate) fn header_u8(dims: &[usize]) -> Vec<u8> {
    let rank = u8::try_from(dims.len()).unwrap_or(u8::MAX);
    let mut header = vec![0, 0, 0x08, rank];
    for &dim in dims {
        header.extend(u32::try_from(dim).unwrap_or(u32::MAX).to_be_bytes());
    }
    header
}

fn read_buffered(reader: impl BufRead, name: &Path) -> Result<Idx, Error> {
    let file = Opened::new(reader, name, MAX_BYTES)?;
    let (dims, decode) = (file.header.dims.clone(), file.decode);
    Ok(Idx { dims, elements: decode(file.bytes()?) })
}

/// A file of which only the header has been read. No memory has been allocated for elements.
pub(crate) struct Opened<'a, R: BufRead> {
    header: Header,
    /// How many bytes the elements take.
    len: u64,
    decode: Decode,
    rest: Decoder<'a, R>,
}

impl<'a, R: BufRead> Opened<'a, R> {
    /// Reads the header, raw or gzip. Elements that take more than `max_bytes` are an error.
    pub(crate) fn new(mut reader: R, name: &'a Path, max_bytes: u64) -> Result<Self, Error> {
        // Usually enough to describe the file. A reader of single bytes gets a poorer description, but never a wrong
        // decision, which depends on the first byte alone: it is zero in every IDX file.
        let head = reader.fill_buf().map_err(Error::io(name, "read"))?;
        let stream = match head {
            [0, ..] => Stream::Raw(reader),
            [0x1f] | [0x1f, 0x8b, ..] => Stream::gzip(reader),
            other => {
                let (expected, found) = ("an IDX file, raw or gzip", sniff::describe(other));
                let hint = "check the path, or get the file again";
                return Err(Error::Kind { path: name.into(), expected, found, hint });
            }
        };
        Decoder { stream, name, offset: 0 }.header(max_bytes)
    }

    /// Reads the elements up to the end of the file, as bytes.
    pub(crate) fn bytes(self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.read(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(ControlFlow::Continue(()))
        })?;
        bytes.shrink_to_fit();
        Ok(bytes)
    }
}

impl<R: BufRead> Array for Opened<'_, R> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(mut self, use_piece: UsePiece<'_>) -> Result<(), Error> {
        self.rest.elements(self.len, use_piece)
    }
}

/// Reads one array from a stream, and counts bytes for error messages.
struct Decoder<'a, R: BufRead> {
    stream: Stream<R>,
    name: &'a Path,
    offset: u64,
}

impl<'a, R: BufRead> Decoder<'a, R> {
    fn header(mut self, max_bytes: u64) -> Result<Opened<'a, R>, Error> {
        let [zero, also_zero, code, rank] = self.field("magic number")?;
        if [zero, also_zero] != [0, 0] {
            let found = format!("{zero:02x} {also_zero:02x}");
            return Err(self.wrong(0, "magic number", "00 00".into(), found));
        }
        let Some((number, decode)) = element_type(code) else {
            let expected = "08, 09, 0b, 0c, 0d or 0e".into();
            return Err(self.wrong(2, "element type", expected, format!("{code:02x}")));
        };
        if !(1..=MAX_RANK).contains(&rank.into()) {
            return Err(self.wrong(3, "rank", format!("1 to {MAX_RANK}"), rank.to_string()));
        }

        let mut dims = Vec::new();
        let mut len = u64::from(number.size());
        for _ in 0..rank {
            let at = self.offset;
            let dim = u32::from_be_bytes(self.field("dimension")?);
            let total = len.checked_mul(dim.into()).filter(|&total| total <= max_bytes);
            // A dimension fits in usize when the product, at most `max_bytes`, does.
            match (total, usize::try_from(dim)) {
                (Some(total @ 1..), Ok(dim)) => {
                    len = total;
                    dims.push(dim);
                }
                _ => {
                    let expected = format!("at least 1, and at most {max_bytes} bytes in all");
                    if dim == 0 {
                        return Err(self.wrong(at, "dimension", expected, dim.to_string()));
                    }
                    let (path, place) = (self.name.into(), format!("byte {at} (dimension)"));
                    return Err(Error::TooLarge { path, place, expected, found: dim.to_string() });
                }
            }
        }
        let header = Header {
            path: self.name.into(),
            dims,
            number,
            little_endian: false,
            start: self.offset,
            shape_at: ShapeAt::Idx,
        };
        Ok(Opened { header, len, decode, rest: self })
    }

    fn field(&mut self, field: &'static str) -> Result<[u8; 4], Error> {
        let at = self.offset;
        let mut bytes = Vec::new();
        self.fill(4, &mut bytes)?;
        <[u8; 4]>::try_from(bytes.as_slice()).map_err(|_| {
            self.wrong(at, field, "4 bytes".into(), format!("the end after {}", bytes.len()))
        })
    }

    /// Reads exactly `expected` bytes in pieces of whole elements, after which the stream must end.
    fn elements(&mut self, expected: u64, use_piece: UsePiece<'_>) -> Result<(), Error> {
        let start = self.offset;
        let (mut left, mut piece) = (expected, Vec::new());
        let wrong = |this: &Self, found: String| {
            this.wrong(start, "elements", format!("{expected} bytes, then the end"), found)
        };
        while left > 0 {
            piece.clear();
            let len = left.min(PIECE);
            self.fill(len, &mut piece)?;
            if (piece.len() as u64) < len {
                let found = self.offset.saturating_sub(start);
                return Err(wrong(self, format!("the end after {found}")));
            }
            if use_piece(&piece)?.is_break() {
                return Ok(());
            }
            left = left.saturating_sub(len);
        }
        piece.clear();
        self.fill(1, &mut piece)?;
        if piece.is_empty() { Ok(()) } else { Err(wrong(self, "more".into())) }
    }

    /// Reads at most `limit` bytes into the empty vector, which grows with what arrives, not with what is claimed.
    fn fill(&mut self, limit: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let result = (&mut self.stream).take(limit).read_to_end(bytes);
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        result.map(|_| ()).map_err(|source| match source.kind() {
            // Errors of the decoder itself have no error number of the operating system.
            _ if matches!(self.stream, Stream::Raw(_)) || source.raw_os_error().is_some() => {
                Error::io(self.name, "read")(source)
            }
            io::ErrorKind::UnexpectedEof => self.broken("the file is cut short".into()),
            _ => self.broken(source.to_string()),
        })
    }

    fn broken(&self, reason: String) -> Error {
        Error::Gzip { path: self.name.into(), decoded: self.offset, reason }
    }

    fn wrong(&self, offset: u64, field: &'static str, expected: String, found: String) -> Error {
        Error::Idx { path: self.name.into(), offset, field, expected, found }
    }
}

/// Turns the bytes of all elements into values.
type Decode = fn(Vec<u8>) -> Elements;

/// The type and the decoder of a type code; `None` for a code that the format does not have.
fn element_type(code: u8) -> Option<(Number, Decode)> {
    Some(match code {
        0x08 => (Number::U8, Elements::U8),
        0x09 => (Number::I8, |bytes| Elements::I8(each(&bytes, i8::from_be_bytes))),
        0x0b => (Number::I16, |bytes| Elements::I16(each(&bytes, i16::from_be_bytes))),
        0x0c => (Number::I32, |bytes| Elements::I32(each(&bytes, i32::from_be_bytes))),
        0x0d => (Number::F32, |bytes| Elements::F32(each(&bytes, f32::from_be_bytes))),
        0x0e => (Number::F64, |bytes| Elements::F64(each(&bytes, f64::from_be_bytes))),
        _ => return None,
    })
}

fn each<const N: usize, T>(bytes: &[u8], value: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|chunk| value(*chunk)).collect()
}

#[cfg(test)]
mod tests;
