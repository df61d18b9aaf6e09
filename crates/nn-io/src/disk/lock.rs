//! Locks: only one run at a time saves to a file.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::file::follow_link;
use super::temporary;
use crate::Error;

/// The lock of a model file or of a directory of checkpoints, held until it is dropped or the process
/// ends, however it ends.
///
/// It is an advisory lock on a separate file, which is never removed: see section 11 of FORMAT.md.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock of this model file, which need not exist, and removes the temporary files that killed runs left
    /// next to it.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run has it, without waiting. Otherwise if the lock file cannot be written, or another
    /// program's file has that name.
    pub fn acquire(path: impl AsRef<Path>) -> Result<Self, Error> {
        let target = follow_link(path.as_ref())?;
        let mut name = OsString::from(&target);
        name.push(".lock");
        let lock = Self::lock(&PathBuf::from(name), path.as_ref())?;
        let name = target.file_name().unwrap_or_default().as_encoded_bytes();
        temporary::sweep(temporary::directory(&target), |swept| swept == name)?;
        Ok(lock)
    }

    /// Locks the file `lock`, which stands for `path`.
    pub(crate) fn lock(lock: &Path, path: &Path) -> Result<Self, Error> {
        // Not truncated before it is locked: the process id is its holder's.
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).open(lock);
        let mut file = opened.map_err(Error::io(lock, "open the lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { path: path.into(), pid: holder(&file) });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(lock, "lock")(error)),
        }

        // A Cargo.lock, say.
        let content = content(&file);
        if !content.is_empty() && content.parse::<u32>().is_err() {
            let found = "a file that is no lock of ours".into();
            return Err(Error::WouldOverwrite { path: lock.into(), found });
        }
        let mut write = || {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        write().map_err(Error::io(lock, "write the lock"))?;
        Ok(Self { file })
    }
}

impl Drop for FileLock {
    /// Unlocks explicitly. Closing the file is not enough: a child process between fork and exec has it open too.
    fn drop(&mut self) {
        // If even this fails, the end of the process unlocks it.
        let _ = self.file.unlock();
    }
}

/// The process that holds the lock. It may have taken it only just now and writes its id in a moment, so this tries
/// for a while.
fn holder(file: &File) -> Option<u32> {
    (0..10).find_map(|_| {
        thread::sleep(Duration::from_millis(10));
        content(file).parse().ok()
    })
}

/// The content of the lock file, its holder's process id. If it cannot be read, something that is no number.
fn content(mut file: &File) -> String {
    let mut content = Vec::new();
    match file.rewind().and_then(|()| file.take(64).read_to_end(&mut content)) {
        Ok(_) => String::from_utf8_lossy(&content).into_owned(),
        Err(_) => "unreadable".into(),
    }
}
