//! The header of an `.npy` array: a Python dictionary as text.
//!
//! ```text
//! 0   93 "NUMPY"
//! 6   version: 1.0, 2.0 or 3.0
//! 8   length of the text, little-endian: u16 in version 1.0, u32 in others
//!     {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), } and blanks
//! ```

use super::SAVE_AGAIN;
use super::stream::Stream;
use crate::Error;
use crate::idx::MAX_RANK;
use crate::quote::quoted;
use crate::values::{Header, Number, ShapeAt};

/// The longest text. NumPy's are of 64 to 128 bytes.
const MAX_TEXT: usize = 1 << 16;

/// Reads the header and the number of bytes that follow it, at most `max_bytes`.
pub(super) fn read(stream: &mut Stream<'_>, max_bytes: u64) -> Result<(Header, u64), Error> {
    let mut bytes = Vec::new();
    stream.fill(8, &mut bytes)?;
    let path = stream.path().to_path_buf();
    let broken = |reason: String| Error::Npz { path: path.clone(), reason };
    let size = match *bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, 0] => 2,
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, 0] => 4,
        _ => return Err(broken("expected a NumPy array of version 1, 2 or 3".into())),
    };
    stream.fill(size, &mut bytes)?;
    bytes.resize(4, 0);
    let len = bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if usize::try_from(len).is_ok_and(|len| len > MAX_TEXT) {
        let place = "byte 8 (length of the header)".into();
        let (expected, found) = (format!("at most {MAX_TEXT}"), len.to_string());
        return Err(Error::TooLarge { path, place, expected, found });
    }
    stream.fill(len.into(), &mut bytes)?;
    if bytes.len() as u64 != u64::from(len) {
        return Err(broken(format!("header: expected {len} bytes, found {}", bytes.len())));
    }
    let text = String::from_utf8_lossy(&bytes);
    let Some(Fields { descr, fortran_order, shape }) = parse(&text) else {
        let start: String = text.chars().take(100).collect();
        let expected = "{'descr': '|u1', 'fortran_order': False, 'shape': (N, H, W)}";
        let found = quoted(&start);
        let (hint, expected) = (SAVE_AGAIN, format!("a header such as {expected}"));
        return Err(Error::Layout { path, expected, found, hint });
    };
    let Some((number, little_endian)) = number(descr) else {
        let expected = "integers or floating-point numbers".into();
        let found = format!("the type {}", quoted(descr));
        let hint = "convert it, for instance with array.astype('uint8'), and save it again";
        return Err(Error::Layout { path, expected, found, hint });
    };
    // The two orders are the same if there is one dimension only, and NumPy then says either.
    if fortran_order && shape.len() > 1 {
        let (expected, found) = ("an array in C order".into(), "one in Fortran order".into());
        let hint = "save it again as numpy.ascontiguousarray(array)";
        return Err(Error::Layout { path, expected, found, hint });
    }
    let mut len = u64::from(number.size());
    let mut dims = Vec::new();
    for dim in shape {
        if dim == 0 {
            return Err(broken("header: expected a shape without 0".into()));
        }
        let total = len.checked_mul(dim);
        match (total.filter(|&total| total <= max_bytes), usize::try_from(dim)) {
            (Some(total), Ok(dim)) => {
                len = total;
                dims.push(dim);
            }
            _ => {
                let place = "header (shape)".into();
                let expected = format!("at most {max_bytes} bytes in all");
                return Err(Error::TooLarge { path, place, expected, found: dim.to_string() });
            }
        }
    }
    let start = u64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let start = start.saturating_add(8).saturating_add(size);
    let shape_at = ShapeAt::Npy;
    Ok((Header { path, dims, number, little_endian, start, shape_at }, len))
}

/// The number type that NumPy describes so, and whether it is little-endian. `None` for other types, such as text.
fn number(descr: &str) -> Option<(Number, bool)> {
    let order = descr.chars().next()?;
    let (little_endian, name) = match order {
        '<' | '|' => (true, descr.get(1..)?),
        '>' => (false, descr.get(1..)?),
        _ => return None,
    };
    let number = match name {
        "u1" => Number::U8,
        "i1" => Number::I8,
        "u2" => Number::U16,
        "i2" => Number::I16,
        "u4" => Number::U32,
        "i4" => Number::I32,
        "u8" => Number::U64,
        "i8" => Number::I64,
        "f2" => Number::F16,
        "f4" => Number::F32,
        "f8" => Number::F64,
        _ => return None,
    };
    (order != '|' || number.size() == 1).then_some((number, little_endian))
}

/// The values of the dictionary.
#[derive(Debug, PartialEq)]
struct Fields<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// Parses the dictionary. Each of the three keys must be there once, in any order.
fn parse(text: &str) -> Option<Fields<'_>> {
    let mut text = Text(text);
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    text.symbol("{")?;
    while text.symbol("}").is_none() {
        let key = text.string()?;
        text.symbol(":")?;
        let is_new = match key {
            "descr" => descr.replace(text.string()?).is_none(),
            "fortran_order" => fortran_order.replace(text.boolean()?).is_none(),
            "shape" => shape.replace(text.shape()?).is_none(),
            _ => false,
        };
        if !is_new {
            return None;
        }
        if text.symbol(",").is_none() {
            text.symbol("}")?;
            break;
        }
    }
    let is_whole = text.0.trim().is_empty();
    let fields = Fields { descr: descr?, fortran_order: fortran_order?, shape: shape? };
    is_whole.then_some(fields)
}

/// Text that remains to be parsed.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn symbol(&mut self, symbol: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(symbol)?;
        Some(())
    }

    /// A string in quotes of either kind, without escapes.
    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let (string, rest) = text.get(1..)?.split_once(quote)?;
        self.0 = rest;
        (!string.contains('\\')).then_some(string)
    }

    fn boolean(&mut self) -> Option<bool> {
        if self.symbol("True").is_some() {
            return Some(true);
        }
        self.symbol("False").map(|()| false)
    }

    /// A tuple of whole numbers. Python 2 wrote an `L` after large ones.
    fn shape(&mut self) -> Option<Vec<u64>> {
        let mut dims = Vec::new();
        self.symbol("(")?;
        while self.symbol(")").is_none() {
            let text = self.0.trim_start();
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (digits, rest) = text.split_at_checked(end)?;
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            dims.push(digits.parse().ok()?);
            if dims.len() > MAX_RANK {
                return None;
            }
            if self.symbol(",").is_none() {
                self.symbol(")")?;
                break;
            }
        }
        Some(dims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accept(text: &str, descr: &str, fortran_order: bool, shape: &[u64]) {
        let shape = shape.to_vec();
        assert_eq!(parse(text), Some(Fields { descr, fortran_order, shape }), "{text}");
    }

    #[test]
    fn a_header_is_a_dictionary_of_three_keys() {
        let numpy = "{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }";
        accept(numpy, "<f4", false, &[60000, 28, 28]);
        accept(&format!("{numpy}     \n"), "<f4", false, &[60000, 28, 28]);
        accept("{\"shape\":(5,),\"fortran_order\":True,\"descr\":\"|u1\"}", "|u1", true, &[5]);
        accept("{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "|u1", false, &[]);
        accept(
            "{'descr': '|u1', 'fortran_order': False, 'shape': (7L, 2L)}",
            "|u1",
            false,
            &[7, 2],
        );
        for end in 0..numpy.len() {
            assert_eq!(parse(&numpy[..end]), None, "{end}");
        }
        for text in [
            "{'descr': '|u1', 'fortran_order': False, 'shape': (5), 'shape': (5,)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), 'more': 1}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (5,)}",
            "{'descr': '|u1', 'fortran_order': 0, 'shape': (5,)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-5,)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}",
            "{'descr': '|u1', 'fortran_order': False, 'shape': (5,)} x",
            "{'descr': '|u1\\'', 'fortran_order': False, 'shape': (5,)}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn types_have_an_order_and_a_size() {
        assert_eq!(number("|u1"), Some((Number::U8, true)));
        assert_eq!(number("<f2"), Some((Number::F16, true)));
        assert_eq!(number(">i8"), Some((Number::I64, false)));
        for descr in ["", "u1", "|b1", "|u2", "<c8", "<U4", "|O", "=f4", "é4", "<f16"] {
            assert_eq!(number(descr), None, "{descr}");
        }
    }
}
