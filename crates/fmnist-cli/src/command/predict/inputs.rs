//! The pictures that the arguments name: files, folders, patterns, lists, and stdin.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read as _},
    path::{Component, Path, PathBuf},
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

/// What arguments name.
#[derive(Default)]
pub(super) struct Expanded {
    /// The pictures, in the order of the arguments.
    pub(super) pictures: Vec<Input>,
    /// An error for each argument that names none.
    pub(super) errors: Vec<anyhow::Error>,
}

/// The pictures that these arguments name.
pub(super) fn expand(arguments: Vec<PathBuf>) -> anyhow::Result<Expanded> {
    if arguments.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Usage::error("-: expected once, since there is one stdin"));
    }
    let mut expanded = Expanded::default();
    for path in arguments {
        match named(path) {
            Ok(pictures) => expanded.pictures.extend(pictures),
            Err(error) => expanded.errors.push(error),
        }
    }
    Ok(expanded)
}

/// The pictures that an argument names.
fn named(path: PathBuf) -> anyhow::Result<Vec<Input>> {
    if path.as_os_str() == "-" {
        return Ok(vec![Input::Stdin]);
    }
    if path.is_dir() {
        let pictures = folder::pictures_in(&path)?;
        if pictures.is_empty() {
            let name = Outside::from(&path);
            return Err(Usage::error(format!("{name}: no pictures in this folder")));
        }
        return Ok(pictures.into_iter().map(Input::File).collect());
    }
    // A name that looks like a pattern or a list is taken as it is if there is such a file.
    if !path.exists() {
        if let Some(list) = path.to_str().and_then(|name| name.strip_prefix('@')) {
            return listed(Path::new(list));
        }
        if let Some(pattern) = path.to_str().filter(|name| name.contains(['*', '?', '['])) {
            return matching(pattern);
        }
    }
    Ok(vec![Input::File(path)])
}

/// The pictures that a file lists, one on each line.
fn listed(path: &Path) -> anyhow::Result<Vec<Input>> {
    let name = Outside::from(path);
    let mut text = String::new();
    let file = fs::File::open(path).with_context(|| format!("{name}: cannot open"))?;
    match file.take(MAX_LIST + 1).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(Usage::error(format!(
                "@{name}: expected a list of pictures, one on each line in UTF-8, found a file that is not such text; \
                 @ is for lists, so give a picture as {name}"
            )));
        }
        read => read.with_context(|| format!("{name}: cannot read"))?,
    };
    if text.len() as u64 > MAX_LIST {
        return Err(Usage::error(format!("{name}: expected a list of at most {MAX_LIST} bytes")));
    }
    let text = text.trim_start_matches('\u{feff}');
    // Blanks around a name are almost always a slip, but a file may have such a name.
    let picture = |line: &str| match Path::new(line).exists() {
        true => Input::File(line.into()),
        false => Input::File(line.trim().into()),
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let inputs: Vec<Input> = lines.map(picture).collect();
    match inputs.is_empty() {
        true => Err(Usage::error(format!("{name}: no pictures in this list"))),
        false => Ok(inputs),
    }
}

/// The files whose paths match a pattern, sorted. As in folders, hidden files are left out, unless the pattern has the dot.
fn matching(pattern: &str) -> anyhow::Result<Vec<Input>> {
    let name = Outside::from(pattern);
    let paths = glob::glob(pattern).map_err(|error| {
        let (position, problem) = (error.pos, error.msg);
        Usage::error(format!(
            "{name}: no such file, and as a pattern it is wrong at byte {position} ({problem}); for the characters \
             [, * and ? themselves, write [[], [*] and [?]"
        ))
    })?;
    let is_hidden = hidden_by(pattern);
    let paths = paths.collect::<Result<Vec<_>, _>>().map_err(|error| {
        let path = Outside::from(error.path()).to_string();
        anyhow::Error::from(io::Error::from(error)).context(path)
    })?;
    let files: Vec<_> =
        paths.into_iter().filter(|path| path.is_file() && !is_hidden(path)).collect();
    match files.is_empty() {
        true => Err(Usage::error(format!("{name}: no file matches this pattern"))),
        false => Ok(files.into_iter().map(Input::File).collect()),
    }
}

/// Whether a path is hidden from a pattern: a name in it begins with a dot, and no name in the pattern stands for that. The
/// option of glob for this takes no pattern with a dot, and panics at a name that is not UTF-8.
fn hidden_by(pattern: &str) -> impl Fn(&Path) -> bool {
    let names = Path::new(pattern).iter().filter_map(OsStr::to_str);
    let dotted = names.filter(|name| name.starts_with('.'));
    let dotted: Vec<_> = dotted.filter_map(|name| glob::Pattern::new(name).ok()).collect();
    move |path| {
        path.components().any(|component| match component {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                name.starts_with('.') && !dotted.iter().any(|pattern| pattern.matches(&name))
            }
            _ => false,
        })
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
