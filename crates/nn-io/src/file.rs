//! Model files on a disk: reading one, replacing one, and whether one can be written at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use crate::header::{self, Header};
use crate::temporary::{self, Temporary};
use crate::{Checkpoint, Error, VERSION};

/// Bytes from the start that are enough to check a header or to name another kind of file.
const START: u64 = 512;

pub(crate) fn load(path: &Path) -> Result<Checkpoint, Error> {
    let (file, len) = open(path)?;
    let mut bytes = start(path, &file)?;
    // Before the rest is read: what is no model takes no memory.
    Header::parse(&bytes, len).map_err(Error::file(path))?;
    let rest = len.saturating_sub(bytes.len() as u64);
    bytes.reserve_exact(usize::try_from(rest).unwrap_or_default());
    // One byte more than there should be shows a file that grew since.
    let mut rest = (&file).take(rest.saturating_add(1));
    rest.read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    Checkpoint::from_bytes(&bytes).map_err(Error::file(path))
}

/// Replaces the file as a whole, and returns once the new one is on the disk.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let target = follow_link(path)?;
    let (temporary, mut file) = Temporary::create(&target)?;
    let write = || Error::io(&target, format!("write {} bytes beside it", bytes.len()));
    file.write_all(bytes).map_err(write())?;
    // After a failure the kernel may count pages as written that are not: this descriptor is not
    // tried again, the temporary file goes, and the next save begins anew.
    file.sync_all().map_err(write())?;
    drop(file);
    temporary.rename(&target)?;
    sync_directory(temporary::directory(&target))
}

/// Checks, before a run, that its model can be saved there, by creating and removing a file.
///
/// # Errors
///
/// If the directory is missing or cannot be written to, or the path holds what a save must not
/// overwrite: a directory, a file without the intact header of a model, a model of a newer version,
/// or a file that may not be written to.
pub fn check_output(path: impl AsRef<Path>) -> Result<(), Error> {
    let target = follow_link(path.as_ref())?;
    if target.file_name().is_none() {
        let path = target;
        return Err(Error::WouldOverwrite { path, found: "what is no name of a file".into() });
    }
    match fs::metadata(&target) {
        Ok(metadata) => check_replaceable(&target, &metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(&target, "look at it")(error)),
    }
    Temporary::create(&target).map(drop)
}

fn check_replaceable(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    let refuse = |found: String| Error::WouldOverwrite { path: path.to_path_buf(), found };
    if metadata.is_dir() {
        return Err(refuse("a directory".into()));
    }
    if !metadata.is_file() {
        return Err(refuse("a device, pipe or socket".into()));
    }
    let (file, len) = open(path)?;
    match Header::parse(&start(path, &file)?, len) {
        // What a newer version added would be lost.
        Ok(Header { version, .. }) if version.minor > VERSION.minor => {
            Err(refuse(format!("a model of format {version}")))
        }
        Ok(_) => {
            // Renaming over it would not ask whether it may be written.
            let writable = OpenOptions::new().write(true).open(path);
            writable.map(drop).map_err(Error::io(path, "write to it"))
        }
        Err(Error::NotAModel { found }) => Err(refuse(found)),
        Err(Error::Version { found, .. }) => Err(refuse(format!("a model of format {found}"))),
        Err(error) => Err(refuse(format!("a model that cannot be read ({error})"))),
    }
}

/// The file that a link leads to; any other path as it is.
pub(crate) fn follow_link(path: &Path) -> Result<PathBuf, Error> {
    if path.is_symlink() {
        fs::canonicalize(path).map_err(Error::io(path, "follow this link"))
    } else {
        Ok(path.to_path_buf())
    }
}

/// Whether a file begins as a model does. What cannot be read does not.
pub fn is_model(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    open(path).and_then(|(file, _)| start(path, &file)).is_ok_and(|start| header::is_model(&start))
}

/// Opens a regular file and says how long it is.
///
/// A named pipe would block at the opening, so its kind is looked at before; and once more behind,
/// as another file may have taken the name.
fn open(path: &Path) -> Result<(File, u64), Error> {
    let check = |metadata: fs::Metadata| match metadata.file_type() {
        kind if kind.is_file() => Ok(metadata.len()),
        kind if kind.is_dir() => Err(io::Error::other("expected a file, found a directory")),
        _ => Err(io::Error::other("expected a file, found a device, pipe or socket")),
    };
    let opened = fs::metadata(path).and_then(check).and_then(|_| {
        let file = File::open(path)?;
        let len = file.metadata().and_then(check)?;
        Ok((file, len))
    });
    opened.map_err(Error::io(path, "open"))
}

fn start(path: &Path, file: &File) -> Result<Vec<u8>, Error> {
    let mut start = Vec::with_capacity(header::LEN);
    file.take(START).read_to_end(&mut start).map_err(Error::io(path, "read"))?;
    Ok(start)
}

/// Makes the new name durable.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> Result<(), Error> {
    let sync = || File::open(directory)?.sync_all();
    sync().map_err(Error::io(directory, "flush it to the disk"))
}

/// Elsewhere directories cannot be opened, and the system sees to their names itself.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> Result<(), Error> {
    Ok(())
}
