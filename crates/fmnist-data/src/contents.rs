//! Checks that a directory holds the four IDX files. If it does not, the error says what it seems to hold instead.

use std::path::Path;

use crate::dataset::DatasetName;
use crate::manifest::Manifest;
use crate::{Error, csv, folder};

/// Fails unless `dir` has the four files, zipped or not.
pub(crate) fn check(dir: &Path, manifest: &Manifest) -> Result<(), Error> {
    let missing = manifest.missing(dir);
    if missing.is_empty() {
        return Ok(());
    }
    Error::check_directory(dir)?;
    // With some of the files there, the others were forgotten.
    let holds = if missing.len() == manifest.files.len() { other_kind(dir) } else { None };
    Err(Error::Missing { dir: dir.into(), missing, holds })
}

/// The kind of dataset that lies here instead of IDX files, judged by the names of files alone.
fn other_kind(dir: &Path) -> Option<DatasetName> {
    if csv::is_in(dir) {
        Some(DatasetName::Csv)
    } else if folder::is_in(dir) {
        Some(DatasetName::Folder)
    } else {
        None
    }
}
