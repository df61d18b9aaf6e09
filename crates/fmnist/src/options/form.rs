//! Describes what a value must be, for messages about files.

use std::{num::NonZeroUsize, path::PathBuf};

use serde::Serialize;

/// The type of an option's value.
pub(super) trait Form {
    /// What a file must have, such as `true or false`.
    fn form() -> String;
}

impl Form for bool {
    fn form() -> String {
        "true or false".into()
    }
}

impl Form for f64 {
    fn form() -> String {
        "a number".into()
    }
}

impl Form for u64 {
    fn form() -> String {
        "a whole number, 0 or more".into()
    }
}

impl Form for usize {
    fn form() -> String {
        u64::form()
    }
}

impl Form for NonZeroUsize {
    fn form() -> String {
        "a whole number, 1 or more".into()
    }
}

impl Form for PathBuf {
    fn form() -> String {
        "a path in quotes".into()
    }
}

/// Lists the names that are valid.
pub(super) fn one_of(all: &[impl Serialize]) -> String {
    let names = all.iter().filter_map(|name| serde_json::to_value(name).ok());
    let names: Vec<String> = names.filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    format!("one of {}", names.join(", "))
}
