//! The pictures that the arguments name: files, folders, patterns, lists, and stdin.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use fmnist::{Classifier, Error, Seen, fmnist_data::folder};

use crate::{exit::Usage, outside::Outside};

/// A picture to classify.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    File(PathBuf),
    Stdin,
}

impl Input {
    /// Its name in answers.
    pub(super) fn name(&self) -> Outside {
        match self {
            Self::File(path) => Outside::from(path),
            Self::Stdin => Outside::from(STDIN),
        }
    }
}

/// The name of stdin in answers and messages.
const STDIN: &str = "stdin";

/// The longest list of pictures, in bytes.
const MAX_LIST: u64 = 16 << 20;

/// The pictures that these arguments name, in their order.
pub(super) fn expand(arguments: Vec<PathBuf>) -> anyhow::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in arguments {
        if path.as_os_str() == "-" {
            if inputs.contains(&Input::Stdin) {
                return Err(Usage::error("-: expected once, since there is one stdin"));
            }
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let pictures = folder::pictures_in(&path)?;
            if pictures.is_empty() {
                let name = Outside::from(&path);
                return Err(Usage::error(format!("{name}: no pictures in this folder")));
            }
            inputs.extend(pictures.into_iter().map(Input::File));
        } else if path.exists() {
            // A name that looks like a pattern or a list is taken as it is if there is such a file.
            inputs.push(Input::File(path));
        } else if let Some(list) = path.to_str().and_then(|name| name.strip_prefix('@')) {
            inputs.extend(listed(Path::new(list))?);
        } else if let Some(pattern) = path.to_str().filter(|name| name.contains(['*', '?', '['])) {
            inputs.extend(matching(pattern)?);
        } else {
            inputs.push(Input::File(path));
        }
    }
    Ok(inputs)
}

/// The pictures that a file lists, one on each line.
fn listed(path: &Path) -> anyhow::Result<Vec<Input>> {
    let name = Outside::from(path);
    let mut text = String::new();
    let file = fs::File::open(path).with_context(|| format!("{name}: cannot open"))?;
    file.take(MAX_LIST + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{name}: cannot read"))?;
    if text.len() as u64 > MAX_LIST {
        return Err(Usage::error(format!("{name}: expected a list of at most {MAX_LIST} bytes")));
    }
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let inputs: Vec<Input> = lines.map(|line| Input::File(line.into())).collect();
    match inputs.is_empty() {
        true => Err(Usage::error(format!("{name}: no pictures in this list"))),
        false => Ok(inputs),
    }
}

/// The files whose paths match a pattern, sorted.
fn matching(pattern: &str) -> anyhow::Result<Vec<Input>> {
    let name = Outside::from(pattern);
    let paths = glob::glob(pattern).map_err(|error| Usage::error(format!("{name}: {error}")))?;
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| {
        let path = Outside::from(error.path()).to_string();
        anyhow::Error::from(io::Error::from(error)).context(path)
    })?;
    let files: Vec<_> = paths.into_iter().filter(|path| path.is_file()).collect();
    match files.is_empty() {
        true => Err(Usage::error(format!("{name}: no file matches this pattern"))),
        false => Ok(files.into_iter().map(Input::File).collect()),
    }
}

/// What the model sees of each picture.
pub(super) fn see(classifier: &Classifier, inputs: &[Input]) -> Vec<Result<Seen, Error>> {
    let files = inputs.iter().filter_map(|input| match input {
        Input::File(path) => Some(path.clone()),
        Input::Stdin => None,
    });
    let mut of_files = classifier.see_files(&files.collect::<Vec<_>>()).into_iter();
    let see = |input: &Input| match input {
        Input::File(_) => of_files.next(),
        Input::Stdin => Some(classifier.see(io::stdin().lock(), STDIN)),
    };
    inputs.iter().filter_map(see).collect()
}
