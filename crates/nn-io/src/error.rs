//! Everything that can go wrong, in one place.
//!
//! A message says where (path, byte, key or tensor), what was expected, what was found, and what to do. An error inside
//! a file is described without its path; [`Error::File`] adds that.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::version::Version;

/// Why a model could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system reported an error.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried, as in "cannot {action}".
        action: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A reader failed.
    #[error("cannot read the model: {0}")]
    Read(#[source] io::Error),
    /// A writer failed.
    #[error("cannot write the model: {0}")]
    Write(#[source] io::Error),
    /// There is not enough room for a file.
    #[error(
        "{}: cannot save: {needed} more bytes are needed in its directory; free some space, or raise the limit; \
         earlier saves are untouched: {source}",
        path.display()
    )]
    NoSpace {
        /// The file to be written.
        path: PathBuf,
        /// The number of bytes for which there must be room, in addition to the old file.
        needed: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// A directory has no usable checkpoint.
    #[error("{}: no usable checkpoint in this directory{}", path.display(), list(skipped))]
    NoCheckpoint {
        /// The directory.
        path: PathBuf,
        /// Why each of its checkpoints cannot be used.
        skipped: Vec<Error>,
    },
    /// A directory of checkpoints also has a checkpoint of another run.
    #[error("{}: belongs to another run than {}; it is not used", path.display(), newest.display())]
    OtherRun {
        /// The checkpoint of the other run.
        path: PathBuf,
        /// The newest checkpoint of the directory.
        newest: PathBuf,
    },
    /// Another run holds the lock of this file or directory.
    #[error(
        "{}: in use by another run{}; wait until it ends, or choose another file",
        path.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The model file, or the directory of checkpoints.
        path: PathBuf,
        /// The process that holds the lock, if known.
        pid: Option<u32>,
    },
    /// Saving would overwrite something that is not a model of ours.
    #[error("{}: refusing to overwrite {found}; move it away, or choose another path", path.display())]
    WouldOverwrite {
        /// The file.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// A save failed after it had renamed a file that was in its way.
    #[error("{error}; {} is now named {}", from.display(), to.display())]
    Renamed {
        /// Why it failed.
        error: Box<Error>,
        /// The old name of the file.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
    },
    /// There is an error in the contents of a file, or in a model that was to be saved in it.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<Error>,
    },
    /// The file is not a model file.
    #[error("expected a model file, found {found}; check the path, or get the file again")]
    NotAModel {
        /// What its first bytes say it is.
        found: String,
    },
    /// The file has another major version of the format.
    #[error(
        "byte 11 (header, version): expected {expected}, found {found}; \
         use a program that reads version {found}"
    )]
    Version {
        /// The version that this crate reads.
        expected: Version,
        /// The file's.
        found: Version,
    },
    /// Reading the file needs features that this version does not have.
    #[error(
        "byte 15 (header, required features): expected only bits of {known:#010x}, found {found:#010x}; \
         use a newer program"
    )]
    Features {
        /// The bits that this crate knows.
        known: u32,
        /// The file's bits.
        found: u32,
    },
    /// A part of the file is damaged: its length or its checksum is wrong.
    #[error(
        "byte {offset} ({section}): expected {expected}, found {found}; \
         the file is damaged; get it again, or use an older one"
    )]
    Damaged {
        /// Where the part begins.
        offset: u64,
        /// The part.
        section: String,
        /// The correct length or checksum.
        expected: String,
        /// The actual one.
        found: String,
    },
    /// The bytes break a rule of the format, although their checksum is correct.
    #[error(
        "byte {offset} ({section}): {reason}; \
         the program that wrote the file did not follow the format"
    )]
    Form {
        /// Where the error is.
        offset: u64,
        /// The part.
        section: String,
        /// What is wrong.
        reason: String,
    },
    /// A value is invalid, or does not fit the other values.
    #[error(
        "{field}: expected {expected}, found {found}; correct it in the program that makes the model"
    )]
    Value {
        /// The key of the metadata, such as `training.progress.epoch`.
        field: String,
        /// What would be valid.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The layers do not form a valid network.
    #[error("layers: {0}")]
    Network(#[source] nn_core::Error),
    /// The settings of the optimizer or the schedule, or the moments, are invalid.
    #[error("training: {0}")]
    Optimizer(#[source] nn_optim::Error),
    /// A setting of the run is outside its range, or does not fit the model.
    #[error("training.config: {0}")]
    Run(#[source] nn_train::Error),
    /// An element of a tensor is invalid.
    #[error(
        "tensor {tensor}, element {element}: expected {expected}, found {found}; \
         the training diverged; use an older file"
    )]
    Element {
        /// The tensor's name.
        tensor: String,
        /// The index of the element.
        element: usize,
        /// What would be valid.
        expected: &'static str,
        /// What was found.
        found: f32,
    },
    /// A limit of the format is exceeded.
    #[error("{what}: expected at most {limit}, found {found}; make the model smaller")]
    Limit {
        /// What exceeds the limit, with its unit.
        what: String,
        /// The limit.
        limit: u64,
        /// The actual number.
        found: u64,
    },
}

/// What an [`Error`] means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is not a valid model, or the model cannot be saved in a file.
    BadModel,
    /// The network exceeds the limits of the format.
    TooLarge,
    /// A save would overwrite something else.
    WouldOverwrite,
    /// The operating system reported an error.
    Io,
    /// Another run uses the file.
    Locked,
}

impl Error {
    /// What the error means for the caller.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Io { .. } | Error::Read(_) | Error::Write(_) | Error::NoSpace { .. } => {
                ErrorKind::Io
            }
            Error::Locked { .. } => ErrorKind::Locked,
            Error::WouldOverwrite { .. } => ErrorKind::WouldOverwrite,
            Error::Limit { .. } => ErrorKind::TooLarge,
            Error::Renamed { error, .. } => error.kind(),
            _ => ErrorKind::BadModel,
        }
    }

    /// The error of a value that is not valid.
    pub(crate) fn value(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        let found = quotable(&found.to_string());
        Self::Value { field: field.into(), expected: expected.into(), found }
    }

    /// The error of a part of the file that is longer or shorter than it must be.
    pub(crate) fn length(offset: u64, section: &str, expected: u64, found: u64) -> Self {
        let (expected, found) = (format!("{expected} bytes"), found.to_string());
        Self::Damaged { offset, section: section.into(), expected, found }
    }

    /// For `map_err`: adds the path and the action to an input/output error.
    pub(crate) fn io(path: &Path, action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), action: action.into(), source }
    }

    /// For `map_err`: turns an error while writing this many bytes next to `path` into ours.
    pub(crate) fn cannot_write(path: &Path, bytes: usize) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => {
                Self::NoSpace { path: path.to_path_buf(), needed: bytes as u64, source }
            }
            _ => Self::io(path, format!("write {bytes} bytes next to it"))(source),
        }
    }

    /// For `map_err`: adds the path to an error in the contents, or while they were read.
    pub(crate) fn file(path: &Path) -> impl FnOnce(Self) -> Self {
        move |error| match error {
            Self::Read(source) => Self::io(path, "read")(source),
            error => Self::File { path: path.to_path_buf(), error: Box::new(error) },
        }
    }
}

fn list(errors: &[Error]) -> String {
    errors.iter().map(|error| format!("; {error}")).collect()
}

/// Returns `Ok` if `valid`, otherwise an error that names the field.
pub(crate) fn check_value(
    valid: bool,
    field: impl Into<String>,
    expected: impl Into<String>,
    found: impl fmt::Display,
) -> Result<(), Error> {
    if valid { Ok(()) } else { Err(Error::value(field, expected, found)) }
}

/// Checks that a limit is not exceeded.
pub(crate) fn check_limit(what: &str, limit: usize, found: usize) -> Result<(), Error> {
    if found <= limit {
        return Ok(());
    }
    Err(Error::Limit { what: what.into(), limit: limit as u64, found: found as u64 })
}

/// Checks the checksum of a part of the file.
pub(crate) fn check_crc(
    offset: u64,
    section: &str,
    expected: u32,
    found: u32,
) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (format!("CRC-32 {expected:#010x}"), format!("{found:#010x}"));
    Err(Error::Damaged { offset, section: section.into(), expected, found })
}

/// Whether a character is a command to a terminal, or changes how a terminal shows other text, such as its direction.
pub(crate) fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A message quotes at most this many characters of a file's text.
const QUOTED: usize = 200;

/// Text that may come from a file, as a message can show it: its commands escaped as in JSON, and at most a line or two.
pub(crate) fn quotable(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars().take(QUOTED) {
        match c {
            '\n' => quoted += "\\n",
            c if is_command(c) => quoted += &format!("\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    if text.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    quoted
}
