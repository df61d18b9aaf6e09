//! Finds the directory of the dataset, and chooses the one that a download writes to.
//!
//! Both use the same order: the directory `explicit` given by the caller; the one in the variable [`VARIABLE`];
//! `data/fashion-mnist` of the workspace around the current directory; `fmnist/fashion-mnist` of the user's cache
//! directory. The last needs the feature `download`.

use std::env;
use std::path::{Path, PathBuf};

use crate::dataset::name::DatasetName;
use crate::idx_names::{self, Search};
use crate::{Error, contents, manifest};

/// The environment variable that names the dataset's directory. Empty counts as unset.
pub const VARIABLE: &str = "FMNIST_DATA_DIR";

/// Where a workspace of this project keeps the dataset, from its root.
const IN_WORKSPACE: &str = "data/fashion-mnist";

/// Finds the directory that holds the four files, gzip or unzipped; `None` if there is none.
///
/// The files are not opened: [`Dataset::fashion_mnist`](crate::Dataset::fashion_mnist) verifies them.
///
/// # Errors
///
/// If `explicit` or the variable names a directory without the dataset: there is no fallback from a directory
/// that was named.
pub fn find(explicit: Option<&Path>) -> Result<Option<PathBuf>, Error> {
    Places::here(explicit).find()
}

/// Whether `explicit` or the variable names a directory. If so, there is no fallback from it.
pub fn is_named(explicit: Option<&Path>) -> bool {
    Places::here(explicit).named.is_some()
}

/// The directory to download into: the first in the [order of this module](self). It need not exist yet.
///
/// # Errors
///
/// [`Error::NoDirectory`] when there is none of these.
pub fn download_dir(explicit: Option<&Path>) -> Result<PathBuf, Error> {
    Places::here(explicit).download_dir()
}

/// The candidates, in order.
#[derive(Debug, Default)]
struct Places {
    /// Given by the caller or the environment.
    named: Option<PathBuf>,
    workspace: Option<PathBuf>,
    cache: Option<PathBuf>,
}

impl Places {
    /// The only place where this crate reads the process's environment for directories.
    fn here(explicit: Option<&Path>) -> Self {
        let variable = env::var_os(VARIABLE).filter(|dir| !dir.is_empty());
        Self {
            named: explicit.map(Into::into).or(variable.map(Into::into)),
            workspace: env::current_dir().ok().and_then(|dir| in_workspace(&dir)),
            #[cfg(feature = "download")]
            cache: dirs::cache_dir().map(|dir| dir.join("fmnist").join("fashion-mnist")),
            #[cfg(not(feature = "download"))]
            cache: None,
        }
    }

    fn find(self) -> Result<Option<PathBuf>, Error> {
        let manifest = manifest::fashion_mnist();
        if let Some(dir) = self.named {
            contents::idx_files(&dir, DatasetName::FashionMnist, &manifest)?;
            return Ok(Some(dir));
        }
        let mut unnamed = self.workspace.into_iter().chain(self.cache);
        Ok(unnamed.find(|dir| matches!(idx_names::find(dir, &manifest), Search::Found(_))))
    }

    fn download_dir(self) -> Result<PathBuf, Error> {
        self.named.or(self.workspace).or(self.cache).ok_or(Error::NoDirectory)
    }
}

/// The data directory of the workspace around `dir`. The committed checksums distinguish it from any other
/// `data` directory.
fn in_workspace(dir: &Path) -> Option<PathBuf> {
    let mut candidates = dir.ancestors().map(|ancestor| ancestor.join(IN_WORKSPACE));
    candidates.find(|candidate| candidate.join("SHA256SUMS").is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A directory with the first `n` of the four files, the last of them unzipped.
    fn holding(n: usize) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (i, spec) in manifest::fashion_mnist().files[..n].iter().enumerate() {
            fs::write(dir.path().join(if i == 3 { spec.raw_name() } else { spec.name }), "")
                .unwrap();
        }
        dir
    }

    fn path(dir: &tempfile::TempDir) -> Option<PathBuf> {
        Some(dir.path().into())
    }

    #[test]
    fn looks_in_order_and_skips_places_nobody_named() {
        let (empty, full, also_full) = (holding(0), holding(4), holding(4));
        let places =
            Places { workspace: path(&full), cache: path(&also_full), ..Places::default() };
        assert_eq!(places.find().unwrap(), path(&full));
        let places = Places { workspace: path(&empty), cache: path(&full), ..Places::default() };
        assert_eq!(places.find().unwrap(), path(&full));
        let places = Places { workspace: path(&empty), ..Places::default() };
        assert_eq!(places.find().unwrap(), None);
        assert_eq!(Places::default().find().unwrap(), None);
    }

    #[test]
    fn a_named_directory_has_no_fallback() {
        let (partial, full) = (holding(2), holding(4));
        let places = Places { named: path(&full), ..Places::default() };
        assert_eq!(places.find().unwrap(), path(&full));
        let places = Places { named: path(&partial), workspace: path(&full), ..Places::default() };
        let Err(Error::Missing { missing, .. }) = places.find() else { panic!("fell back") };
        assert_eq!(missing, ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]);
    }

    #[test]
    fn downloads_go_to_the_first_place() {
        let (a, b) = (holding(0), holding(0));
        let places = Places { named: path(&a), workspace: path(&b), cache: path(&b) };
        assert_eq!(places.download_dir().unwrap(), a.path());
        let places = Places { workspace: path(&a), cache: path(&b), ..Places::default() };
        assert_eq!(places.download_dir().unwrap(), a.path());
        let places = Places { cache: path(&b), ..Places::default() };
        assert_eq!(places.download_dir().unwrap(), b.path());
        let error = Places::default().download_dir().unwrap_err();
        assert!(matches!(error, Error::NoDirectory) && error.to_string().contains(VARIABLE));
    }

    #[test]
    fn the_nearest_workspace_is_used() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join(IN_WORKSPACE);
        let below = root.path().join("crates/deep/data/fashion-mnist");
        fs::create_dir_all(&data).unwrap();
        fs::create_dir_all(&below).unwrap();
        assert_eq!(in_workspace(&below), None, "no sums, no workspace");
        fs::write(data.join("SHA256SUMS"), "").unwrap();
        assert_eq!(in_workspace(&below), Some(data));
    }
}
