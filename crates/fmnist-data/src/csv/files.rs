//! The names of the two tables in a directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::quote::escaped;
use crate::{Error, names};

/// Kaggle's names for Fashion-MNIST's training and test table.
const FASHION_MNIST: [&str; 2] = ["fashion-mnist_train.csv", "fashion-mnist_test.csv"];

/// All pairs of names, in the order in which they are looked for.
const PAIRS: [[&str; 2]; 3] =
    [FASHION_MNIST, ["mnist_train.csv", "mnist_test.csv"], ["train.csv", "test.csv"]];

/// How many names of other files a message lists.
const MAX_LISTED: usize = 5;

/// The tables of a directory.
#[derive(Debug, PartialEq)]
pub(super) struct Files {
    pub(super) train: PathBuf,
    /// `None` if there is only a training table.
    pub(super) test: Option<PathBuf>,
    /// Whether the names are those of Fashion-MNIST.
    pub(super) are_garments: bool,
}

impl Files {
    /// Finds the tables in `dir`: a pair, or else a training table alone.
    pub(super) fn find(dir: &Path) -> Result<Self, Error> {
        Error::check_directory(dir)?;
        let mut found: Vec<Self> = Vec::new();
        for names in PAIRS {
            let [train, test] = names.map(|name| file(dir, name));
            let files = |train| Self { train, test, are_garments: names == FASHION_MNIST };
            found.extend(train.map(files));
        }
        let pair = found.iter().position(|files| files.test.is_some()).unwrap_or(0);
        if pair < found.len() {
            return Ok(found.swap_remove(pair));
        }
        let [fashion_mnist, mnist, any] = PAIRS.map(|names| names.join(" and "));
        Err(Error::Layout {
            path: dir.into(),
            expected: format!("{any}, {mnist}, or {fashion_mnist} (or .csv.gz)"),
            found: listed(dir)?,
            hint: "rename the tables, or name the directory that has them",
        })
    }

    /// The names of the other tables in `dir`, sorted: one of them may be a part of the set under another name.
    pub(super) fn unread(&self, dir: &Path) -> Vec<String> {
        let is_read = |path: &PathBuf| *path == self.train || Some(path) == self.test.as_ref();
        let others = names::end_in(dir, &[".csv", ".csv.gz"]).filter(|path| !is_read(path));
        let name = |path: PathBuf| Some(escaped(&path.file_name()?.to_string_lossy()));
        let mut names: Vec<String> = others.filter_map(name).collect();
        names.sort();
        names
    }
}

/// The file of this name, or else the one that also ends in `.gz`. A link that leads nowhere is one too, so that it is not
/// passed over without a word.
fn file(dir: &Path, name: &str) -> Option<PathBuf> {
    let paths = [dir.join(name), dir.join(format!("{name}.gz"))];
    paths.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// The names of the first files in `dir`, for a message.
fn listed(dir: &Path) -> Result<String, Error> {
    let mut first: Vec<String> = Vec::new();
    let mut count = 0_usize;
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        let name = entry.map_err(Error::io(dir, "list"))?.file_name();
        first.push(escaped(&name.to_string_lossy()));
        first.sort();
        first.truncate(MAX_LISTED);
        count = count.saturating_add(1);
    }
    Ok(match count.saturating_sub(first.len()) {
        _ if first.is_empty() => "no files".into(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    })
}
