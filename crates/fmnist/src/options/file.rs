//! Reads options from a TOML file.

use std::{collections::BTreeMap, fs::File, io::Read as _, path::Path};

use serde::Deserialize as _;
use toml::{Spanned, Table, Value};

use super::{Error, Options};

/// The largest size of a file in bytes: ten times that of a file with all options and a thousand class weights.
const MAX_BYTES: u64 = 1 << 20;

/// The longest part of a message that may quote the file, in characters.
const MAX_SHOWN: usize = 240;

/// Reads the options in a TOML file.
pub(super) fn read(path: &Path) -> Result<Options, Error> {
    let place = path.display().to_string();
    let io = |source| Error::Io { path: path.into(), source };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::File {
            place,
            problem: format!("expected at most {MAX_BYTES} bytes, found more"),
        });
    }
    match str::from_utf8(&bytes) {
        Ok(text) => parse(text, &place),
        Err(error) => {
            let line = line(&bytes, error.valid_up_to());
            let problem = "expected UTF-8, found other bytes".into();
            Err(Error::File { place: format!("{place}: line {line}"), problem })
        }
    }
}

/// Parses the options in TOML text. Each must be known and have a valid value.
pub(super) fn parse(text: &str, name: &str) -> Result<Options, Error> {
    let place = |at: usize| format!("{name}: line {}", line(text.as_bytes(), at));
    let table: BTreeMap<String, Spanned<Value>> = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(|| name.to_owned(), |span| place(span.start));
        Error::File { place, problem: brief(error.message()) }
    })?;
    let known = Options::forms();
    let mut options = Options::default();
    for (key, value) in table {
        let place = place(value.span().start);
        let refused = |problem: String| Error::File { place: place.clone(), problem };
        let Some((_, form)) = known.iter().find(|(name, _)| *name == key) else {
            let hint = match nearest(&key, &known) {
                Some(option) => format!("did you mean `{option}`?"),
                None => "`fmnist train --print-config` shows all settings".into(),
            };
            return Err(refused(format!("unknown setting `{}`; {hint}", brief(&key))));
        };
        let value = value.into_inner();
        // `to_string` would use the quotes and escapes of TOML, not those of our messages.
        let found = brief(&match &value {
            Value::String(text) => format!("\"{text}\""),
            other => other.to_string(),
        });
        let option = Options::deserialize(Table::from_iter([(key.clone(), value)]))
            .map_err(|_| refused(format!("{key}: expected {form}, found {found}")))?;
        option.check().map_err(|error| match error {
            Error::Option { option, problem } => refused(format!("{option}: {problem}")),
            other => other,
        })?;
        options = options.or(option);
    }
    Ok(options)
}

/// The known name that is closest to an unknown one, if it is close enough to suggest.
fn nearest<'a>(name: &str, known: &'a [(String, String)]) -> Option<&'a str> {
    const MAX_DISTANCE: usize = 2;
    let names = known.iter().map(|(name, _)| name.as_str());
    let near = names.filter(|it| it.len().abs_diff(name.len()) <= MAX_DISTANCE);
    let with_distance = near.map(|it| (strsim::damerau_levenshtein(name, it), it));
    let nearest = with_distance.min_by_key(|&(distance, _)| distance);
    nearest.filter(|&(distance, _)| distance <= MAX_DISTANCE).map(|(_, it)| it)
}

/// The line of a byte, counted from 1.
fn line(text: &[u8], at: usize) -> usize {
    text[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// A text on one line, cut to a length that fits into a message.
fn brief(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_SHOWN) {
        None => text,
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
        refused("epoch = 3", "line 1: unknown setting `epoch`; did you mean `epochs`?");
        refused("hiden = 3", "line 1: unknown setting `hiden`; did you mean `hidden`?");
        refused("zebra = 3", "line 1: unknown setting `zebra`; `fmnist train --print-config`");
        refused(
            "\nepochs = \"three\"",
            "line 2: epochs: expected a whole number, 0 or more, found \"three\"",
        );
        refused("epochs = 0", "line 1: epochs: expected 1 to 10000, found 0");
        refused("epochs = 10001", "line 1: epochs: expected 1 to 10000, found 10001");
        refused("epochs = 2.0", "line 1: epochs: expected a whole number, 0 or more, found 2.0");
        refused("threads = 2000", "line 1: threads: expected 1 to 1024, found 2000");
        refused("flip = 1", "line 1: flip: expected true or false, found 1");
        refused("seed = -1", "line 1: seed: expected a whole number, 0 or more, found -1");
        refused(
            "norm = \"bath\"",
            "line 1: norm: expected one of none, batch, layer, found \"bath\"",
        );
        refused(
            "batch-size = 0",
            "line 1: batch-size: expected a whole number, 1 or more, found 0",
        );
        refused("image-size = '0x3'", "line 1: image-size: expected a width and a height of 1 to");
        refused("l1 = 'much'", "line 1: l1: expected a number, found \"much\"");
        refused("output = 3", "line 1: output: expected a path in quotes, found 3");
        refused("dataset = 'x'", "line 1: dataset: expected one of auto, fashion-mnist, ");
        refused("optimizer = 'x'", "line 1: optimizer: expected one of adam, adamw, sgd, ");
        refused("schedule = 'x'", "line 1: schedule: expected one of constant, inverse-time, ");
        refused("seed = 3\n\nepochs = ", "line 3: ");
        refused("help = true", "line 1: unknown setting `help`");
        refused(
            "hidden = [[128], [128]]",
            "line 1: hidden: expected a list of sizes of 1 or more, such as [128,128], found [[",
        );
        refused(
            "hidden = { first = 128 }",
            "line 1: hidden: expected a list of sizes of 1 or more, such as [128,128], found {",
        );
        for (list, most) in
            [("hidden", "256 layers"), ("freeze", "256 layers"), ("class-weights", "1000 weights")]
        {
            let text = format!("{list} = [{}]", "1,".repeat(50_000));
            refused(&text, &format!("line 1: {list}: expected at most {most}, found 50000"));
        }
        refused("seed = 1\nseed = 2", "line 2: duplicate key");
        refused(&format!("{} = 3", "e".repeat(1 << 20)), "line 1: unknown setting `eeee");
        refused(&format!("norm = \"{}\"", "e".repeat(1 << 20)), "line 1: norm: expected one of");
    }

    #[test]
    fn values_are_typed() {
        let text = "hidden = [32, 16]\nfreeze = []\nlearning-rate = 1\nflip = true\n\
            norm = 'batch'\noutput = 'a.model'\nthreads = 2";
        let options = parse(text, "run.toml").unwrap();
        let expected = serde_json::json!({
            "hidden": [32, 16],
            "freeze": [],
            "learning-rate": 1.0,
            "flip": true,
            "norm": "batch",
            "output": "a.model",
            "threads": 2,
        });
        assert_eq!(serde_json::json!(options), expected);
    }
}
