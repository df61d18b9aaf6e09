//! Options that stand in a file or a preset: read as the command line is, so that both have one language.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use anyhow::Context as _;
use clap::{Args as _, FromArgMatches as _};
use toml::{Spanned, Value};

use super::Settings;
use crate::exit::Usage;

/// Options by their names, less the dashes, with what stands behind them on the command line.
pub(super) type Options = BTreeMap<String, String>;

/// What a file of all options, and a weight of each of a thousand classes, takes is a tenth of it.
const MOST_BYTES: u64 = 1 << 20;

/// Characters of what is wrong with an option, which may quote it, that are shown.
const MOST_SHOWN: usize = 240;

/// The options of a file of TOML.
pub(super) fn read(path: &Path) -> anyhow::Result<Options> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| name.clone())?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Usage::error(format!("{name}: expected at most {MOST_BYTES} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = line(&bytes, error.valid_up_to());
        Usage::error(format!("{name}: line {line}: expected UTF-8, found something else"))
    })?;
    parse(text, &name)
}

/// The options of a text of TOML: each must be one that there is, with a value that it can have.
pub(super) fn parse(text: &str, name: &str) -> anyhow::Result<Options> {
    let place = |at: usize| format!("{name}: line {}", line(text.as_bytes(), at));
    let table: BTreeMap<String, Spanned<Value>> = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(|| name.to_owned(), |span| place(span.start));
        Usage::error(format!("{place}: {}", brief(error.message())))
    })?;
    let known = command();
    let mut options = Options::new();
    for (key, value) in table {
        let place = place(value.span().start);
        if !known.get_arguments().any(|it| it.get_long() == Some(&key)) {
            return Err(Usage::error(format!(
                "{place}: {}: expected an option of `fmnist train` without its dashes, as those \
                 that --print-config shows",
                brief(&key)
            )));
        }
        let Some(value) = argument(value.get_ref()) else {
            let expected = "expected a text, a number, true or false, or a list";
            return Err(Usage::error(format!("{place}: {key}: {expected} of such")));
        };
        let option = Options::from([(key, value)]);
        settings(&option).map_err(|error| Usage::error(format!("{place}: {}", what(&error))))?;
        options.extend(option);
    }
    Ok(options)
}

/// The line of a byte, counted from 1.
fn line(text: &[u8], at: usize) -> usize {
    text[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The settings that these options are on the command line.
pub(super) fn settings(options: &Options) -> Result<Settings, clap::Error> {
    let arguments = options.iter().map(|(name, value)| format!("--{name}={value}"));
    Settings::from_arg_matches(&command().try_get_matches_from(arguments)?)
}

/// The options of settings as a command.
fn command() -> clap::Command {
    Settings::augment_args(clap::Command::new("settings").no_binary_name(true))
}

/// A value as the command line has it.
fn argument(value: &Value) -> Option<String> {
    match value {
        Value::Array(values) if values.is_empty() => Some("none".into()),
        Value::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(scalar).collect();
            Some(values?.join(","))
        }
        value => scalar(value),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Some(value.to_string()),
        Value::Array(_) | Value::Table(_) | Value::Datetime(_) => None,
    }
}

/// What is wrong, on one line and without advice for the command line.
fn what(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().skip_while(|&word| word == "error:").collect();
    brief(&words.join(" "))
}

/// No more of a text than fits into a message.
fn brief(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        None => text.into(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = parse(text, "run.toml").unwrap_err().to_string();
        assert!(error.starts_with(&format!("run.toml: {expected}")), "{error}");
        assert!(error.len() < 400, "{} bytes", error.len());
    }

    #[test]
    fn what_a_file_cannot_say_is_refused_with_its_line() {
        refused("epoch = 3", "line 1: epoch: expected an option");
        refused("\nepochs = \"three\"", "line 2: invalid value 'three' for '--epochs <N>'");
        refused(
            "epochs = 0",
            "line 1: invalid value '0' for '--epochs <N>': 0 is not in 1..=10000",
        );
        refused("epochs = 10001", "line 1: invalid value '10001' for '--epochs <N>'");
        refused("epochs = 2.0", "line 1: invalid value '2.0' for '--epochs <N>'");
        refused("flip = 1", "line 1: invalid value '1' for '--flip");
        refused("seed = -1", "line 1: invalid value '-1' for '--seed <N>'");
        refused("norm = \"bath\"", "line 1: invalid value 'bath' for '--norm <NORM>' [possible");
        refused("seed = 3\n\nepochs = ", "line 3: ");
        refused("help = true", "line 1: help: expected an option");
        refused("hidden = [[128], [128]]", "line 1: hidden: expected a text, a number");
        refused("hidden = { first = 128 }", "line 1: hidden: expected a text, a number");
        refused("seed = 1\nseed = 2", "line 2: duplicate key");
        refused(&format!("{} = 3", "e".repeat(1 << 20)), "line 1: eeee");
        refused(&format!("norm = \"{}\"", "e".repeat(1 << 20)), "line 1: invalid value 'eeee");
    }

    #[test]
    fn values_are_those_of_the_command_line() {
        let text = "hidden = [32, 16]\nfreeze = []\nlearning-rate = 1\nflip = true\nnorm = 'batch'";
        let options = parse(text, "run.toml").unwrap();
        let found: Vec<_> = options.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let expected =
            ["flip true", "freeze none", "hidden 32,16", "learning-rate 1", "norm batch"];
        assert_eq!(found, expected);
    }
}
