//! The lock of a directory that a download writes into: one at a time.
//!
//! It is an advisory lock on a file, which the system releases when its holder dies. On Unix, the holder removes the
//! file while it still has the lock, so another process may have opened a file that no longer has the name. Only a lock
//! on the file that has the name counts. On other systems the file stays.

use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;

/// The name of the file.
pub(super) const LOCK: &str = ".fmnist-fetch.lock";

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of a directory, without waiting; `None` if another process has it, or is just giving it up.
    pub(super) fn attempt(dir: &Path) -> Result<Option<Self>, Error> {
        let path = dir.join(LOCK);
        match open(&path)? {
            Some(file) => Self::of(file, path),
            None => Ok(None),
        }
    }

    /// Locks an open file.
    fn of(file: File, path: PathBuf) -> Result<Option<Self>, Error> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(Error::io(&path, "lock")(error)),
        }
        Ok(is_at(&file, &path).then_some(Self { file, path }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If the file stays, the next holder uses it.
        if cfg!(unix) && is_at(&self.file, &self.path) {
            let _ = fs::remove_file(&self.path);
        }
        // Closing the file is not enough: a child process between fork and exec has it open too.
        let _ = self.file.unlock();
    }
}

/// Opens or creates the file. It follows no link and opens nothing that could block. `None` if the file changed
/// meanwhile.
fn open(path: &Path) -> Result<Option<File>, Error> {
    let mut options = File::options();
    options.read(true).write(true);
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        created => return created.map(Some).map_err(Error::io(path, "create")),
    }
    let Some(seen) = unless_gone(fs::symlink_metadata(path), path)? else { return Ok(None) };
    let kind = seen.file_type();
    if !kind.is_file() {
        let found = match (kind.is_symlink(), kind.is_dir()) {
            (true, _) => "a symbolic link",
            (_, true) => "a directory",
            _ => "a pipe or device",
        };
        let (path, expected, found) = (path.into(), "the lock of a download".into(), found.into());
        return Err(Error::Layout { path, expected, found, hint: "move it away" });
    }
    let Some(file) = unless_gone(options.open(path), path)? else { return Ok(None) };
    let opened = file.metadata().map_err(Error::io(path, "open"))?;
    Ok(is_same(&opened, &seen).then_some(file))
}

/// `None` if there is no such file.
fn unless_gone<T>(result: io::Result<T>, path: &Path) -> Result<Option<T>, Error> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some).map_err(Error::io(path, "open")),
    }
}

/// Whether the path names the open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(opened), Ok(found)) => is_same(&opened, &found),
        _ => false,
    }
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Always, since nobody removes the file on these systems.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests;
