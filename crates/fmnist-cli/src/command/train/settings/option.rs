//! Options by name and as text: how they are compared, shown and blamed.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::exit::Usage;

/// What the libraries call a setting, and the option that gives it. Settings of an optimizer or a schedule find
/// their options by name, see [`Kind::by_option`](super::kind::Kind::by_option).
const OPTIONS: [(&str, &str); 15] = [
    ("learning rate", "--learning-rate"),
    ("label smoothing", "--label-smoothing"),
    ("gamma of the focal loss", "--focal-gamma"),
    ("class weight", "--class-weights"),
    ("class weights, one a class", "--class-weights"),
    ("weights_l1", "--l1"),
    ("weights_l2", "--l2"),
    ("biases_l1", "--bias-l1"),
    ("biases_l2", "--bias-l2"),
    ("norm of the gradient", "--clip-norm"),
    ("limit of the gradient", "--clip-value"),
    ("decay of the average", "--average"),
    ("least improvement", "--early-stop-delta"),
    ("lowest rate", "--from"),
    ("highest rate", "--to"),
];

/// The error of a setting that is out of range, with the name of its option.
pub(in crate::command) fn by_option(error: impl Display) -> anyhow::Error {
    let message = error.to_string();
    let named = OPTIONS.iter().find_map(|(name, option)| {
        let rest = message.strip_prefix(name)?.strip_prefix(':')?;
        Some(format!("{option}:{rest}"))
    });
    Usage::error(named.unwrap_or(message))
}

/// Serialises an option as the text of its value.
pub(super) fn as_text<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// The options that are given, by name.
pub(super) fn table(options: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(table)) => table,
        other => unreachable!("options are a table of numbers, texts and lists, not {other:?}"),
    }
}

/// A value in the form of the command line.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".into(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        other => {
            let text = other.to_string();
            text.strip_suffix(".0").map(Into::into).unwrap_or(text)
        }
    }
}

/// Fails if a given option is a number that is not finite: JSON and TOML have none.
pub(super) fn check_finite(options: &Map<String, Value>) -> anyhow::Result<()> {
    match options.iter().find(|(_, value)| value.is_null()) {
        None => Ok(()),
        Some((option, _)) => {
            Err(Usage::error(format!("--{option}: expected a finite number, found inf or NaN")))
        }
    }
}

/// Fails if a given setting differs from the saved one.
pub(in crate::command) fn agree<T: PartialEq + Display>(
    option: &str,
    given: Option<&T>,
    saved: &T,
) -> anyhow::Result<()> {
    match given {
        Some(given) if given != saved => Err(Usage::error(format!(
            "{option}: the saved run has {saved}, not {given}; \
             leave the option out to resume the run, or start a new run without --resume"
        ))),
        _ => Ok(()),
    }
}
