//! The errors of this crate.
//!
//! A message names the path, the place in it, what was expected, what was found, and what to do. With one enum for
//! the crate, a program can distinguish bad data from failed input and output in one `match`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::name::DatasetName;

/// What can go wrong with a dataset, a download or a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to open, read or write.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried, as in "cannot {action}".
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is of another kind: a web page, a pointer, an archive, or empty.
    #[error("{}: expected {expected}, found {found}; {hint}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The kinds that would do.
        expected: &'static str,
        /// What its first bytes say it is.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// An IDX header is invalid, or does not match the length of the data.
    #[error(
        "{}: byte {offset} ({field}): expected {expected}, found {found}; \
         the file is damaged or not what its name says, get it again",
        path.display()
    )]
    Idx {
        /// The file.
        path: PathBuf,
        /// Offset into the file, after inflating when it is gzip.
        offset: u64,
        /// The field at that offset.
        field: &'static str,
        /// What the field may hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// A gzip stream is damaged, cut short, or followed by something else.
    #[error(
        "{}: gzip stream, after {decoded} inflated bytes: {reason}; \
         the file is damaged, get it again",
        path.display()
    )]
    Gzip {
        /// The file.
        path: PathBuf,
        /// How many bytes had been inflated.
        decoded: u64,
        /// What is wrong with the stream.
        reason: String,
    },
    /// An array is larger than this crate reads.
    #[error(
        "{}: {place}: expected {expected}, found {found}; \
         that is above a limit: use fewer or smaller images, or get the file again if it should be smaller",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The place in the file.
        place: String,
        /// The limit.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// A number that is no pixel or no label.
    #[error(
        "{}: {place}: expected {expected}, found {found}; \
         save pixels as numbers from 0 to 255 or from 0 to 1, and labels as whole numbers from 0 to 255",
        path.display()
    )]
    Value {
        /// The file.
        path: PathBuf,
        /// Its offset in the file, after inflating, and which pixel or label it is.
        place: String,
        /// The numbers that are valid there.
        expected: String,
        /// The number found.
        found: String,
    },
    /// A NumPy archive is damaged.
    #[error("{}: {reason}; the file is damaged, get it again", path.display())]
    Npz {
        /// The file, or an array in it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A label that names no class.
    #[error(
        "{}: byte {offset} (label {index}): expected 0 to {last}, found {value}; \
         the labels are damaged or of another dataset, or classes.txt has too few names",
        path.display()
    )]
    Label {
        /// The label file.
        path: PathBuf,
        /// Which label, from 0.
        index: usize,
        /// Its offset in the file, after inflating when it is gzip.
        offset: u64,
        /// The last label that names a class.
        last: usize,
        /// The value found.
        value: u8,
    },
    /// A text file (CSV or class names) is malformed.
    #[error(
        "{}: line {line}, column {column}: expected {expected}, found {found}; \
         correct the file, or get it again",
        path.display()
    )]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Which value of the line, from 1.
        column: usize,
        /// The values that are valid there.
        expected: String,
        /// The value found.
        found: String,
    },
    /// The arrangement, size, number or kind of files is wrong, or a picture is too large.
    #[error("{}: expected {expected}, found {found}; {hint}", path.display())]
    Layout {
        /// The file or directory.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What is there.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// An image file and its label file, or the two splits, do not match.
    #[error(
        "{} has {found}, {} has {expected}; the two must match; are they of the same dataset?",
        path.display(), other.display()
    )]
    Disagreement {
        /// One file.
        path: PathBuf,
        /// What it has.
        found: String,
        /// The file it must agree with.
        other: PathBuf,
        /// What that one has.
        expected: String,
    },
    /// The file is not identical to the published one.
    #[error(
        "{}: expected {expected}, found {found}; \
         the file is damaged or not Fashion-MNIST's, fetch the dataset again to replace it",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Length and SHA-256 of the published file.
        expected: String,
        /// Length and SHA-256, or kind, of the file found.
        found: String,
    },
    /// The file has the contents of another file of the dataset.
    #[error(
        "{}: holds the published contents of {holds}; \
         the files were swapped or renamed, give each its own name again",
        path.display()
    )]
    Swapped {
        /// The file.
        path: PathBuf,
        /// The published file whose contents it holds.
        holds: &'static str,
    },
    /// The file is one of MNIST's: the same names and shapes, handwritten digits.
    #[error(
        "{}: this is MNIST (handwritten digits), not Fashion-MNIST; \
         both use the same file names, keep them in different directories",
        path.display()
    )]
    Mnist {
        /// The file.
        path: PathBuf,
    },
    /// An index beyond the last image of the test set.
    #[error("expected 0 to {last}, the last image of the test set, found {index}")]
    NoSuchImage {
        /// The index.
        index: usize,
        /// The last image's.
        last: usize,
    },
    /// The directory does not exist.
    #[error("{}: no such directory", dir.display())]
    NoSuchDirectory {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory does not hold the files of the dataset.
    #[error("{}: {}", dir.display(), describe_missing(*wanted, missing, *holds, present))]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// The kind of dataset that was looked for.
        wanted: DatasetName,
        /// The files it lacks.
        missing: Vec<String>,
        /// The kind of dataset that it seems to hold instead.
        holds: Option<DatasetName>,
        /// What is in it, for the message: some names, and how many there are in all.
        present: Present,
    },
    /// No directory to download into: no workspace around, and no home directory known.
    #[error("no directory to keep the dataset in; name one, or set FMNIST_DATA_DIR")]
    NoDirectory,
    /// A download source that is neither a directory nor an http(s) address.
    #[error("{given}: cannot fetch from here: {reason}")]
    Source {
        /// The source as it was given.
        given: String,
        /// Why it cannot be used.
        reason: &'static str,
    },
    /// No source had a good copy of a file; the message lists each with the reason.
    #[error(
        "{}: download failed{}; \
         check the network, set FMNIST_MIRROR to a directory or URL that has the four files, or pass --data-dir",
        path.display(), list(attempts)
    )]
    Download {
        /// The file that could not be fetched; an existing one is unchanged.
        path: PathBuf,
        /// Every source tried, in order.
        attempts: Vec<Attempt>,
    },
    /// A picture that cannot be decoded.
    #[error("{}: {reason}; check the file in a viewer, or save it again as PNG or JPEG", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
}

/// A download source that had no good copy of a file, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The address or path tried.
    pub source: String,
    /// Why it failed.
    pub reason: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

impl Error {
    /// Fails unless `dir` is a directory.
    pub(crate) fn check_directory(dir: &Path) -> Result<(), Self> {
        match dir.metadata() {
            Ok(metadata) if metadata.is_dir() => Ok(()),
            Ok(_) => Err(Self::Layout {
                path: dir.into(),
                expected: "a directory".into(),
                found: "a file".into(),
                hint: "name the directory of the dataset",
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Self::NoSuchDirectory { dir: dir.into() })
            }
            Err(error) => Err(Self::io(dir, "open")(error)),
        }
    }

    /// For `map_err`: adds the path and the action to an input/output error.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), action, source }
    }
}

/// What is in a directory, for messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// The first few names, sorted.
    pub names: Vec<String>,
    /// How many names there are in all.
    pub count: usize,
}

impl fmt::Display for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return f.write_str("the directory is empty");
        }
        write!(f, "the directory has {}", self.names.join(", "))?;
        match self.count.saturating_sub(self.names.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

fn describe_missing(
    wanted: DatasetName,
    missing: &[String],
    holds: Option<DatasetName>,
    present: &Present,
) -> String {
    if let Some(holds) = holds {
        let [expected, found] = [wanted, holds].map(files_of);
        return format!("expected {expected}, found {found}");
    }
    let names = missing.join(", ");
    format!(
        "no dataset here, missing {names} ({present}); fetch it into this directory, or name another"
    )
}

/// The files of a kind of dataset, as a noun phrase.
fn files_of(kind: DatasetName) -> &'static str {
    match kind {
        DatasetName::Csv => "CSV tables",
        DatasetName::Folder => "pictures in folders",
        DatasetName::Npz => "a NumPy archive (.npz)",
        DatasetName::FashionMnist | DatasetName::Idx | DatasetName::Synthetic => "four IDX files",
    }
}

/// Each attempt. A reason is given once, after all sources in a row that failed for it.
fn list(attempts: &[Attempt]) -> String {
    let of_group = |group: &[Attempt]| {
        let sources: Vec<&str> = group.iter().map(|attempt| attempt.source.as_str()).collect();
        let reason = group.first().map_or("", |attempt| &attempt.reason);
        format!("; {}: {reason}", sources.join(", "))
    };
    attempts.chunk_by(|a, b| a.reason == b.reason).map(of_group).collect()
}
