//! What the kinds share: which optional keys are left out, lists with a limit, and checked numbers and strings.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::error::{check_limit, check_value, is_command};
use crate::{Error, limits};

/// Whether an optional setting is left out: it has the value that absence stands for.
pub(super) fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// Reads a list of at most `MAX` elements: memory grows with what is allowed, not with what the file claims.
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

/// Checks a string, which will be shown in terminals.
pub(super) fn check_string(field: &str, string: &str) -> Result<(), Error> {
    check_limit(&format!("bytes of {field}"), limits::STRING, string.len())?;
    let plain = !string.chars().any(is_command);
    check_value(plain, field, "no control characters", format!("{string:?}"))
}

/// A number of the file as one of this machine.
pub(super) fn count(field: &str, value: u64) -> Result<usize, Error> {
    let expected = "a number that this machine can count to";
    usize::try_from(value).map_err(|_| Error::value(field, expected, value))
}

/// A real that is exactly a finite `f32`.
pub(super) fn real32(field: &str, value: f64) -> Result<f32, Error> {
    #[allow(clippy::cast_possible_truncation, reason = "that it loses nothing is checked next")]
    let narrow = value as f32;
    let exact = narrow.is_finite() && f64::from(narrow).to_bits() == value.to_bits();
    check_value(exact, field, "a finite number with the precision of 32 bits", value)?;
    Ok(narrow)
}

/// The error of a kind that the format has no name for yet.
pub(super) fn unknown(field: &str, kind: &str) -> Error {
    Error::value(field, "a kind that the format has", kind)
}
