//! Functions that the wire types share: which optional keys are left out, lists with a limit, and checked numbers and
//! strings.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::error::{check_limit, check_value, is_command};
use crate::{Error, limits};

/// Whether an optional setting has its default value, and so is left out.
pub(super) fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// The default of a number that is left out if it is 1.
pub(super) fn one() -> u64 {
    1
}

/// Whether a number has the default of 1, and so is left out.
pub(super) fn is_one(number: &u64) -> bool {
    *number == 1
}

/// Reads a list of at most `MAX` elements. Memory grows with the elements that were read, not with the length that the
/// file claims.
pub(super) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                if list.len() == MAX {
                    return Err(de::Error::invalid_length(MAX.saturating_add(1), &self));
                }
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(ListVisitor::<T, MAX>(PhantomData))
}

/// Checks a string that will be shown in terminals.
pub(super) fn check_string(field: &str, string: &str) -> Result<(), Error> {
    check_limit(&format!("bytes of {field}"), limits::STRING, string.len())?;
    let plain = !string.chars().any(is_command);
    check_value(plain, field, "no control characters", format!("\"{string}\""))
}

/// Converts a number of the file to one of this machine.
pub(super) fn count(field: &str, value: u64) -> Result<usize, Error> {
    let expected = "a number that fits into this machine's integers";
    usize::try_from(value).map_err(|_| Error::value(field, expected, value))
}

/// Converts a real that is exactly representable as a finite `f32`.
pub(super) fn real32(field: &str, value: f64) -> Result<f32, Error> {
    #[allow(clippy::cast_possible_truncation, reason = "the next line checks that nothing is lost")]
    let narrow = value as f32;
    let exact = narrow.is_finite() && f64::from(narrow).to_bits() == value.to_bits();
    check_value(exact, field, "a finite number with the precision of 32 bits", value)?;
    Ok(narrow)
}

/// The error of a kind that the format does not have.
pub(super) fn unknown(field: &str, kind: &str) -> Error {
    Error::value(field, "a kind that the format has", kind)
}
