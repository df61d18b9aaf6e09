//! Options in a file or a preset. They are parsed like those on the command line, so both have the same syntax.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use anyhow::Context as _;
use clap::Args;
use toml::{Spanned, Value};

use crate::exit::Usage;

/// The values of options as on the command line, by name without dashes.
pub(super) type Options = BTreeMap<String, String>;

/// The longest file in bytes: ten times one with all options and the weights of a thousand classes.
const MAX_BYTES: u64 = 1 << 20;

/// The longest part of a message that may quote the file, in characters.
const MAX_SHOWN: usize = 240;

/// The options in a TOML file.
pub(super) fn read<A: Args>(path: &Path) -> anyhow::Result<Options> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| name.clone())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).with_context(|| name.clone())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Usage::error(format!("{name}: expected at most {MAX_BYTES} bytes")));
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let line = line(&bytes, error.valid_up_to());
        Usage::error(format!("{name}: line {line}: expected UTF-8, found something else"))
    })?;
    parse::<A>(text, &name)
}

/// The options in a TOML text. Each must be an option in `A` and have a valid value.
pub(super) fn parse<A: Args>(text: &str, name: &str) -> anyhow::Result<Options> {
    let place = |at: usize| format!("{name}: line {}", line(text.as_bytes(), at));
    let table: BTreeMap<String, Spanned<Value>> = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(|| name.to_owned(), |span| place(span.start));
        Usage::error(format!("{place}: {}", brief(error.message())))
    })?;
    let command = command::<A>();
    let known: Vec<&str> = command.get_arguments().filter_map(|it| it.get_long()).collect();
    let mut options = Options::new();
    for (key, value) in table {
        let place = place(value.span().start);
        if !known.contains(&key.as_str()) {
            let hint = match nearest(&key, &known) {
                Some(option) => format!("did you mean `{option}`?"),
                None => "`fmnist train --print-config` shows all".into(),
            };
            let key = brief(&key);
            return Err(Usage::error(format!("{place}: unknown setting `{key}`; {hint}")));
        }
        let Some(value) = argument(value.get_ref()) else {
            let expected = "expected a text, a number, true or false, or a list";
            return Err(Usage::error(format!("{place}: {key}: {expected} of such")));
        };
        let option = Options::from([(key, value)]);
        settings::<A>(&option)
            .map_err(|error| Usage::error(format!("{place}: {}", what(&error))))?;
        options.extend(option);
    }
    Ok(options)
}

/// The name most like an unknown one, if it is like it at all.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    const MAX_DISTANCE: usize = 2;
    let near = known.iter().filter(|it| it.len().abs_diff(name.len()) <= MAX_DISTANCE);
    let with_distance = near.map(|&it| (distance(name.as_bytes(), it.as_bytes()), it));
    let nearest = with_distance.min_by_key(|&(distance, _)| distance);
    nearest.filter(|&(distance, _)| distance <= MAX_DISTANCE).map(|(_, it)| it)
}

/// The number of bytes to insert, remove or replace to make `b` of `a` (Levenshtein's distance).
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// The line of a byte, counted from 1.
fn line(text: &[u8], at: usize) -> usize {
    text[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// Parses these options as on the command line.
pub(super) fn settings<A: Args>(options: &Options) -> Result<A, clap::Error> {
    let arguments = options.iter().map(|(name, value)| format!("--{name}={value}"));
    A::from_arg_matches(&command::<A>().try_get_matches_from(arguments)?)
}

/// A command with the options in `A` and nothing else.
fn command<A: Args>() -> clap::Command {
    A::augment_args(clap::Command::new("settings").no_binary_name(true))
}

/// A value in the form of the command line; `None` if it has none there.
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

/// The error on one line, without clap's advice about the command line.
fn what(error: &clap::Error) -> String {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().skip_while(|&word| word == "error:").collect();
    brief(&words.join(" "))
}

/// A text, cut to a length that fits into a message.
fn brief(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        None => text.into(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Settings, *};

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = parse::<Settings>(text, "run.toml").unwrap_err().to_string();
        assert!(error.starts_with(&format!("run.toml: {expected}")), "{error}");
        assert!(error.len() < 400, "{} bytes", error.len());
    }

    #[test]
    fn what_a_file_cannot_say_is_refused_with_its_line() {
        refused("epoch = 3", "line 1: unknown setting `epoch`; did you mean `epochs`?");
        refused("hiden = 3", "line 1: unknown setting `hiden`; did you mean `hidden`?");
        refused("colour = 3", "line 1: unknown setting `colour`; `fmnist train --print-config`");
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
        refused("help = true", "line 1: unknown setting `help`");
        refused("hidden = [[128], [128]]", "line 1: hidden: expected a text, a number");
        refused("hidden = { first = 128 }", "line 1: hidden: expected a text, a number");
        refused("seed = 1\nseed = 2", "line 2: duplicate key");
        refused(&format!("{} = 3", "e".repeat(1 << 20)), "line 1: unknown setting `eeee");
        refused(&format!("norm = \"{}\"", "e".repeat(1 << 20)), "line 1: invalid value 'eeee");
    }

    #[test]
    fn values_are_those_of_the_command_line() {
        let text = "hidden = [32, 16]\nfreeze = []\nlearning-rate = 1\nflip = true\nnorm = 'batch'";
        let options = parse::<Settings>(text, "run.toml").unwrap();
        let found: Vec<_> = options.iter().map(|(key, value)| format!("{key} {value}")).collect();
        let expected =
            ["flip true", "freeze none", "hidden 32,16", "learning-rate 1", "norm batch"];
        assert_eq!(found, expected);
    }
}
