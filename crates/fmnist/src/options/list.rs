//! A list as the value of an option.

use std::{fmt, num::NonZeroUsize, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Error, form::Form};

/// A list of values: in TOML an array; on the command line with commas between them, or `none`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct List<T>(pub Vec<T>);

/// The type of a list's elements.
pub trait Element: FromStr {
    /// What the elements are, in words.
    const EXPECTED: &str;

    /// An example of a list.
    const EXAMPLE: &str;
}

impl Element for NonZeroUsize {
    const EXPECTED: &str = "sizes of 1 or more";
    const EXAMPLE: &str = "128,128";
}

impl Element for usize {
    const EXPECTED: &str = "numbers of layers";
    const EXAMPLE: &str = "0,2";
}

impl Element for f32 {
    const EXPECTED: &str = "numbers";
    const EXAMPLE: &str = "1,0.5";
}

impl<T: Element> Form for List<T> {
    fn form() -> String {
        format!("a list of {}, such as [{}]", T::EXPECTED, T::EXAMPLE)
    }
}

impl<T: Element> FromStr for List<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let value = |part: &str| {
            let (expected, example) = (T::EXPECTED, T::EXAMPLE);
            let error =
                || format!("expected {expected}, such as {example}, or none, found \"{part}\"");
            part.trim().parse().map_err(|_| error())
        };
        text.split(',').map(value).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: fmt::Display> fmt::Display for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let values: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&values.join(","))
    }
}

/// Fails if a list has more than `most` elements.
pub(super) fn check_len<T>(
    option: &str,
    list: &Option<List<T>>,
    most: usize,
    what: &str,
) -> Result<(), Error> {
    check_count(option, list.as_ref().map_or(0, |List(values)| values.len()), most, what)
}

/// Fails if there are more than `most`.
pub(super) fn check_count(
    option: &str,
    found: usize,
    most: usize,
    what: &str,
) -> Result<(), Error> {
    match found > most {
        true => Err(Error::range(option, format!("at most {most} {what}"), found)),
        false => Ok(()),
    }
}
