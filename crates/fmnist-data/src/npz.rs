//! NumPy archives (`.npz`): a zip archive with an array in each member.
//!
//! Keras publishes `mnist.npz` in this form. The members are read as streams, with the checks of the IDX reader: a header is
//! checked before any memory is allocated for numbers, and reading stops at the first byte after the last number. The checksum of
//! each member is compared.
//!
//! # Sources
//!
//! NumPy, "The NPY format" (NEP 1 and `numpy.lib.format`); PKWARE, "APPNOTE.TXT" for zip, which the crate rawzip reads.

mod array;
mod header;
mod stream;

use std::path::{Path, PathBuf};

use rawzip::{
    CompressionMethod, ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive,
    ZipArchiveEntryWayfinder,
};

use crate::dataset::{Dataset, DatasetName, MAX_PIXELS, ReadOptions, TestImages};
use crate::{Error, contents, digest, four_arrays, sniff};
use array::Member;

/// The names of the arrays in the archive, in the order of [`four_arrays::load`].
const NAMES: [&str; 4] = ["x_train", "y_train", "x_test", "y_test"];

impl Dataset {
    /// Loads a NumPy archive, as Keras ships `mnist.npz`, with the arrays `x_train`, `y_train`, `x_test` and `y_test`. The path is
    /// that of the file, or of a directory with only one `.npz` file.
    ///
    /// Arrays have the shapes and numbers that [`Dataset::load_idx`] takes, in C order. Classes are named as there, with
    /// `classes.txt` next to the archive.
    ///
    /// # Errors
    ///
    /// As [`Dataset::load_idx`], and when the archive is damaged or an array has another order or type.
    pub fn load_npz(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, Error> {
        let shown = path.as_ref();
        let path = &archive_at(shown)?;
        let dir = path.parent().unwrap_or(Path::new(""));
        let archive = open(path)?;
        four_arrays::load(arrays(&archive, path)?, DatasetName::Npz, [dir, shown], options)
    }

    /// Loads a NumPy archive held in memory. Errors call it `<memory>`. There is no `classes.txt`.
    ///
    /// # Errors
    ///
    /// As [`Dataset::load_npz`].
    pub fn parse_npz(bytes: &[u8], options: &ReadOptions) -> Result<Self, Error> {
        let path = Path::new("<memory>");
        check_kind(path, bytes)?;
        let archive = ZipArchive::from_slice(bytes).map_err(|error| broken(path, error))?;
        // A directory below something that is none: no file can be there.
        let archive = archive.into_reader_archive();
        four_arrays::load(arrays(&archive, path)?, DatasetName::Npz, [path, path], options)
    }
}

/// Reads some images of the test set, as [`four_arrays::test_images`] does.
pub(crate) fn test_images(
    path: &Path,
    options: &ReadOptions,
    indices: &[usize],
) -> Result<Option<TestImages>, Error> {
    let path = &archive_at(path)?;
    let dir = path.parent().unwrap_or(Path::new(""));
    let archive = open(path)?;
    four_arrays::test_images(arrays(&archive, path)?, dir, options, indices)
}

/// Opens the archive at this path.
fn open(path: &Path) -> Result<ZipArchive<FileReader>, Error> {
    let (file, _) = digest::open(path)?;
    check_kind(path, &sniff::head(path)?)?;
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    ZipArchive::from_file(file, &mut buffer).map_err(|error| broken(path, error))
}

/// The archive that the path names.
fn archive_at(path: &Path) -> Result<PathBuf, Error> {
    if path.is_file() {
        return Ok(path.into());
    }
    Error::check_directory(path)?;
    let mut archives = contents::archives(path).into_iter();
    match (archives.next(), archives.len()) {
        (Some(archive), 0) => Ok(archive),
        (Some(_), more) => Err(Error::Layout {
            path: path.into(),
            expected: "one .npz file".into(),
            found: format!("{} of them", more.saturating_add(1)),
            hint: "name the file instead of its directory",
        }),
        (None, _) => Err(contents::missing(path, DatasetName::Npz, vec!["an .npz file".into()])),
    }
}

/// Fails unless the file begins as a zip archive does.
fn check_kind(path: &Path, head: &[u8]) -> Result<(), Error> {
    if head.starts_with(b"PK") {
        return Ok(());
    }
    let (expected, found) = ("a NumPy archive (.npz)", sniff::describe(head));
    let hint = "save the four arrays with numpy.savez, or get the file again";
    Err(Error::Kind { path: path.into(), expected, found, hint })
}

/// The four arrays. Their headers have been read.
fn arrays<'a, R: ReaderAt + Sync>(
    archive: &'a ZipArchive<R>,
    path: &Path,
) -> Result<[Member<'a>; 4], Error> {
    let [x_train, y_train, x_test, y_test] = find(archive, path)?;
    let open = |entry: Entry, name, max_bytes| {
        let path = path.join(format!("{name}.npy"));
        let data = archive.get_entry(entry.place).map_err(|error| broken(&path, error))?;
        Member::open(data, entry.is_deflated, path, max_bytes)
    };
    let [x_train_name, y_train_name, x_test_name, y_test_name] = NAMES;
    Ok([
        open(x_train, x_train_name, MAX_PIXELS)?,
        open(y_train, y_train_name, four_arrays::MAX_LABELS)?,
        open(x_test, x_test_name, MAX_PIXELS)?,
        open(y_test, y_test_name, four_arrays::MAX_LABELS)?,
    ])
}

/// A member of the archive.
#[derive(Clone, Copy)]
struct Entry {
    place: ZipArchiveEntryWayfinder,
    is_deflated: bool,
}

/// The four members. Others are ignored.
fn find<R: ReaderAt>(archive: &ZipArchive<R>, path: &Path) -> Result<[Entry; 4], Error> {
    let mut found = [None; 4];
    let mut others = Vec::new();
    let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(|error| broken(path, error))? {
        let file_path = entry.file_path();
        let name: &[u8] = file_path.as_ref();
        let is = |wanted: &&str| name.strip_suffix(b".npy") == Some(wanted.as_bytes());
        let slot = NAMES.iter().position(is).and_then(|index| found.get_mut(index));
        let Some(slot) = slot else {
            if others.len() < 6 {
                others.push(crate::quote::escaped(&String::from_utf8_lossy(name)));
            }
            continue;
        };
        let member = path.join(String::from_utf8_lossy(name).as_ref());
        if slot.is_some() {
            let reason = "the archive has two members of this name".into();
            return Err(Error::Npz { path: member, reason });
        }
        let method = entry.compression_method();
        let is_deflated = method == CompressionMethod::DEFLATE;
        if entry.flags().is_encrypted() || !is_deflated && method != CompressionMethod::STORE {
            return Err(Error::Layout {
                path: member,
                expected: "a member that is stored or deflated".into(),
                found: match entry.flags().is_encrypted() {
                    true => "an encrypted one".into(),
                    false => format!("compression method {}", method.as_u16()),
                },
                hint: SAVE_AGAIN,
            });
        }
        *slot = Some(Entry { place: entry.wayfinder(), is_deflated });
    }
    match found {
        [Some(x_train), Some(y_train), Some(x_test), Some(y_test)] => {
            Ok([x_train, y_train, x_test, y_test])
        }
        _ => {
            let lacks = NAMES.iter().zip(found).filter(|(_, found)| found.is_none());
            let lacks: Vec<&str> = lacks.map(|(name, _)| *name).collect();
            let other = match others.is_empty() {
                true => String::new(),
                false => format!(" (it has {})", others.join(", ")),
            };
            Err(Error::Layout {
                path: path.into(),
                expected: format!("the arrays {}", NAMES.join(", ")),
                found: format!("no {}{other}", lacks.join(", no ")),
                hint: "save them with numpy.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)",
            })
        }
    }
}

const SAVE_AGAIN: &str = "save the arrays again with numpy.savez or numpy.savez_compressed";

/// The error for an archive that cannot be read.
fn broken(path: &Path, error: rawzip::Error) -> Error {
    match error.into_kind() {
        ErrorKind::IO(source) => broken_stream(path, source),
        kind => {
            let reason = format!("zip archive: {}", rawzip::Error::from(kind));
            Error::Npz { path: path.into(), reason }
        }
    }
}

/// The error for a member that cannot be read. Errors of the decoder itself have no error number of the operating system.
fn broken_stream(path: &Path, source: std::io::Error) -> Error {
    match source.raw_os_error() {
        Some(_) => Error::io(path, "read")(source),
        None if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Npz { path: path.into(), reason: "zip archive: it is cut short".into() }
        }
        None => Error::Npz { path: path.into(), reason: format!("zip archive: {source}") },
    }
}

#[cfg(test)]
mod tests;
