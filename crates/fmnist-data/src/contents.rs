//! Finds out which kind of dataset a directory has, so that the error for missing files can say so.
//!
//! The kind is judged by the names of files alone.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::dataset::name::DatasetName;
use crate::folder::is_in as has_pictures;
use crate::idx_names::{self, FourFiles, Search};
use crate::manifest::{self, Manifest};
use crate::names;

/// The four IDX files in `dir`.
///
/// # Errors
///
/// If a file is missing, or if there are several datasets.
pub(crate) fn idx_files(
    dir: &Path,
    wanted: DatasetName,
    manifest: &Manifest,
) -> Result<FourFiles, Error> {
    let missing = match idx_names::find(dir, manifest) {
        Search::Found(files) => return Ok(files),
        Search::Several(error) => return Err(error),
        Search::Missing(missing) => missing,
    };
    Err(self::missing(dir, wanted, missing))
}

/// The error for a directory that lacks these files: it names another kind of dataset that is there, or some of the files that
/// are.
pub(crate) fn missing(dir: &Path, wanted: DatasetName, missing: Vec<String>) -> Error {
    let present = || idx_names::present(dir);
    let is_there = || Error::check_directory(dir);
    match check_kind(dir, wanted).and_then(|()| is_there()) {
        Err(error) => error,
        Ok(()) => {
            Error::Missing { dir: dir.into(), wanted, missing, holds: None, present: present() }
        }
    }
}

/// Fails if `dir` has files of another kind of dataset, and none of the kind `wanted`.
pub(crate) fn check_kind(dir: &Path, wanted: DatasetName) -> Result<(), Error> {
    // Pictures come last, since any dataset may have some next to it.
    let kinds = [DatasetName::Npz, DatasetName::Csv, DatasetName::Idx, DatasetName::Folder];
    if has(dir, wanted) {
        return Ok(());
    }
    match kinds.into_iter().find(|&kind| has(dir, kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::Missing {
            dir: dir.into(),
            wanted,
            missing: Vec::new(),
            holds: Some(kind),
            present: idx_names::present(dir),
        }),
    }
}

/// Whether there are files of this kind. An archive may be `dir` itself.
fn has(dir: &Path, kind: DatasetName) -> bool {
    match kind {
        DatasetName::Npz => is_named_as_archive(dir) && dir.is_file() || !archives(dir).is_empty(),
        DatasetName::Csv => names::end_in(dir, &[".csv", ".csv.gz"]).next().is_some(),
        DatasetName::Folder => has_pictures(dir),
        DatasetName::Idx | DatasetName::FashionMnist | DatasetName::Synthetic => {
            let manifest = manifest::fashion_mnist();
            let search = idx_names::find(dir, &manifest);
            !matches!(search, Search::Missing(names) if names.len() == manifest.files.len())
        }
    }
}

/// The NumPy archives in `dir`, sorted by name.
pub(crate) fn archives(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = names::end_in(dir, &[".npz"]).collect();
    paths.sort();
    paths
}

/// Whether this is the name of a NumPy archive.
pub(crate) fn is_named_as_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"))
}
