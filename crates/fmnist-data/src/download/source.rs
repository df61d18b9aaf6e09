//! Download sources: the published mirrors, or one that the user names.

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The environment variable that names a source instead of the built-in mirrors. Empty counts as unset.
pub const VARIABLE: &str = "FMNIST_MIRROR";

/// Where the dataset is published: its repository, its own site, and the copy that Keras uses.
const MIRRORS: [&str; 3] = [
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
];

/// A place that holds the four files under their published names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// An http or https address, to which `/` and the file name are appended.
    Url(String),
    /// A directory to copy from.
    Directory(PathBuf),
}

impl Source {
    /// Parses a source: an http(s) address, or else a directory.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] for an address of another scheme and for a directory that is not there.
    pub fn parse(given: &OsStr) -> Result<Self, Error> {
        let invalid =
            |reason| Err(Error::Source { given: given.to_string_lossy().into_owned(), reason });
        match given.to_str().and_then(|text| text.split_once("://")) {
            Some(("http" | "https", _)) => {
                Ok(Self::Url(given.to_string_lossy().trim_end_matches('/').into()))
            }
            Some(_) => invalid("expected a directory, or an address with http:// or https://"),
            None if Path::new(given).is_dir() => Ok(Self::Directory(given.into())),
            None => invalid("no such directory"),
        }
    }

    /// The address or path of the file `name` in this source.
    pub(super) fn place(&self, name: &str) -> String {
        match self {
            Self::Url(base) => format!("{base}/{name}"),
            Self::Directory(dir) => dir.join(name).display().to_string(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(base) => f.write_str(base),
            Self::Directory(dir) => dir.display().fmt(f),
        }
    }
}

/// The sources to download from: `from`, or else the one in [`VARIABLE`], or else the three mirrors of the published
/// dataset.
///
/// # Errors
///
/// As [`Source::parse`].
pub fn sources(from: Option<&OsStr>) -> Result<Vec<Source>, Error> {
    let variable = env::var_os(VARIABLE).filter(|source| !source.is_empty());
    match from.or(variable.as_deref()) {
        Some(given) => Ok(vec![Source::parse(given)?]),
        None => Ok(MIRRORS.map(|base| Source::Url(base.into())).into()),
    }
}
