//! Refuses pictures that lie together without labels, as in Kaggle's `train/*.png` and `test/*.png`.
//!
//! Such folders would become the classes "train" and "test", and a run would learn which set a picture is in.

use std::path::{Path, PathBuf};

use super::listing;
use crate::{Error, names};

/// How many tables a message names.
const MAX_TABLES: usize = 3;

/// Fails if `dir` is such a folder, or if its classes would be such folders.
///
/// A single one next to other classes is accepted: it may be the class of pictures of trains.
pub(super) fn refuse(dir: &Path) -> Result<(), Error> {
    if listing::has_table(dir) {
        return Ok(());
    }
    let entries = listing::entries(dir)?;
    let folders: Vec<&PathBuf> = entries.iter().filter(|entry| entry.is_dir()).collect();
    if folders.is_empty() && entries.iter().any(|entry| listing::is_named_as_picture(entry)) {
        return Err(unlabelled(dir));
    }
    let mut parts = Vec::new();
    for folder in &folders {
        if let Some(part) = listing::part(folder).filter(|_| has_only_pictures(folder)) {
            parts.push((part, folder));
        }
    }
    let are_parts = parts.len() > 1 || parts.len() == folders.len();
    match parts.into_iter().min() {
        Some((_, first)) if are_parts => Err(unlabelled(first)),
        _ => Ok(()),
    }
}

/// Whether the folder has pictures and no folders. A folder that cannot be read has none; reading its class reports that.
fn has_only_pictures(dir: &Path) -> bool {
    let entries = listing::entries(dir).unwrap_or_default();
    let has_picture = entries.iter().any(|entry| listing::is_named_as_picture(entry));
    has_picture && !entries.iter().any(|entry| entry.is_dir())
}

/// The error for a folder of pictures without labels. It names the tables there, or next to the folder of a part: one of them
/// may have the labels.
fn unlabelled(dir: &Path) -> Error {
    let mut tables = tables_in(dir);
    let around = dir.parent().filter(|_| tables.is_empty() && listing::part(dir).is_some());
    tables.extend(around.into_iter().flat_map(tables_in));
    tables.truncate(MAX_TABLES);
    let names: Vec<String> = tables.iter().map(|table| table.display().to_string()).collect();
    let (found, hint) = match names.is_empty() {
        true => (
            "only pictures".into(),
            "move each picture into a folder of its class, or list the files and their labels in labels.csv",
        ),
        false => (
            format!("only pictures, and {}", names.join(", ")),
            "if that table has the files and their labels, put it next to the pictures as labels.csv",
        ),
    };
    let expected =
        format!("folders of classes, or a table {} next to the pictures", listing::LABELS);
    Error::Layout { path: dir.into(), expected, found, hint }
}

/// The tables in a directory, sorted by name.
fn tables_in(dir: &Path) -> Vec<PathBuf> {
    let mut tables: Vec<PathBuf> = names::end_in(dir, &[".csv"]).collect();
    tables.sort();
    tables
}
