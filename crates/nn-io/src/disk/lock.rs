//! Locks, so that only one run at a time saves to a file.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::temporary;
use crate::Error;

/// The lock of a model file or of a directory of checkpoints. It is held until it is dropped or the process ends, even if
/// the process is killed.
///
/// It is an advisory lock on a separate file, which its holder removes: see section 11 of FORMAT.md.
#[derive(Debug)]
pub(crate) struct FileLock {
    path: PathBuf,
    file: File,
}

impl FileLock {
    /// Locks a model file, which need not exist, and removes the temporary files that killed runs left next to it.
    /// Messages name the file as `path`.
    pub(crate) fn of_file(target: &Path, path: &Path) -> Result<Self, Error> {
        let mut name = OsString::from(target);
        name.push(".lock");
        let lock = Self::lock(&PathBuf::from(name), path)?;
        let name = target.file_name().unwrap_or_default().as_encoded_bytes();
        temporary::sweep(temporary::directory(target), |swept| swept == name)?;
        Ok(lock)
    }

    /// Locks the file or directory `path` by its lock file `lock`, without waiting.
    pub(crate) fn lock(lock: &Path, path: &Path) -> Result<Self, Error> {
        // Another attempt is needed only if another process has just removed the file.
        for _ in 0..ATTEMPTS {
            if let Some(file) = open(lock)?
                && let Some(held) = Self::lock_opened(lock, path, file)?
            {
                return Ok(held);
            }
        }
        Err(Error::Locked { path: path.into(), pid: None })
    }

    /// Locks a file that was opened as `lock`. `None` if it has lost this name since.
    fn lock_opened(lock: &Path, path: &Path, file: File) -> Result<Option<Self>, Error> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { path: path.into(), pid: holder(&file) });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(lock, "lock")(error)),
        }
        if !is_named(lock, &file) {
            return Ok(None);
        }
        let content = content(&file);
        if !content.is_empty() && content.parse::<u32>().is_err() {
            // For example, a Cargo.lock.
            return Err(foreign(lock, "a file that is not a lock"));
        }
        // If writing fails, this is dropped, and the file removed.
        let mut held = Self { path: lock.into(), file };
        held.write_id().map_err(Error::io(lock, "write the lock"))?;
        Ok(Some(held))
    }

    fn write_id(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        write!(self.file, "{}", std::process::id())
    }
}

impl Drop for FileLock {
    /// Unlocks explicitly. Closing the file is not enough: a child process between fork and exec has it open too.
    fn drop(&mut self) {
        // Removed while it is still locked. A process that has opened it and locks it next then notices that the file has
        // lost its name. A process can only notice that on Unix; elsewhere the file stays.
        if cfg!(unix) && is_named(&self.path, &self.file) {
            let _ = fs::remove_file(&self.path);
        }
        // If even this fails, the end of the process unlocks it.
        let _ = self.file.unlock();
    }
}

/// The number of attempts to lock a file that other processes keep removing.
const ATTEMPTS: usize = 1000;

/// Opens a lock file without following links, and creates it if there is none. `None` if it appeared or disappeared in
/// between.
fn open(lock: &Path) -> Result<Option<File>, Error> {
    // The file is not truncated before it is locked, since it has the process id of the holder.
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let opened = match fs::symlink_metadata(lock) {
        Err(error) if error.kind() == ErrorKind::NotFound => options.create_new(true).open(lock),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_symlink() => return Err(foreign(lock, "a symbolic link")),
        Ok(metadata) if metadata.is_file() => options.open(lock),
        Ok(_) => return Err(foreign(lock, "a directory, device, pipe or socket")),
    };
    match opened {
        Ok(file) => Ok(is_named(lock, &file).then_some(file)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) => {
            // If the directory is missing, it is useless to try again.
            let directory = temporary::directory(lock);
            fs::metadata(directory).map_err(Error::io(directory, "access it"))?;
            Ok(None)
        }
        Err(error) => Err(Error::io(lock, "open the lock")(error)),
    }
}

/// Whether the path names this file, and is not a link to it.
fn is_named(path: &Path, file: &File) -> bool {
    let same = |named: &Metadata| file.metadata().map(|file| is_same(named, &file));
    fs::symlink_metadata(path).and_then(|named| same(&named)).unwrap_or(false)
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// On other systems the standard library has no number of a file, and no lock is removed.
#[cfg(not(unix))]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    a.is_file() && b.is_file()
}

/// The error if something else has the name of a lock.
fn foreign(lock: &Path, found: &str) -> Error {
    Error::WouldOverwrite { path: lock.into(), found: found.into() }
}

/// The id of the process that holds the lock. That process may have just taken the lock and not yet written its id, and
/// the file may still have the id of a killed process. So this waits before it reads, and tries several times.
fn holder(file: &File) -> Option<u32> {
    (0..10).find_map(|_| {
        thread::sleep(Duration::from_millis(10));
        content(file).parse().ok()
    })
}

/// The content of the lock file: the process id of its holder. If it cannot be read, text that is not a number.
fn content(mut file: &File) -> String {
    let mut content = Vec::new();
    match file.rewind().and_then(|()| file.take(64).read_to_end(&mut content)) {
        Ok(_) => String::from_utf8_lossy(&content).into_owned(),
        Err(_) => "unreadable".into(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Two processes can open the file before one of them locks it, and removes it at its end. Were the other's lock on
    /// the removed file taken for one, a third process could lock the new file as well.
    #[test]
    fn a_file_that_has_lost_its_name_is_not_locked() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, path) = (dir.path().join("m.model.lock"), dir.path().join("m.model"));
        let first = FileLock::lock(&lock, &path).unwrap();
        let opened = open(&lock).unwrap().unwrap();
        drop(first);
        assert!(FileLock::lock_opened(&lock, &path, opened).unwrap().is_none());

        let first = FileLock::lock(&lock, &path).unwrap();
        let opened = open(&lock).unwrap().unwrap();
        drop(first);
        let _third = FileLock::lock(&lock, &path).unwrap();
        assert!(FileLock::lock_opened(&lock, &path, opened).unwrap().is_none());
    }
}
