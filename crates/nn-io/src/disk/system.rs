//! The system calls of a save, as a trait: tests use a disk on which each call can fail, and which can lose power
//! between calls.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write};
use std::path::Path;

use crate::wire::header;

/// The operations of a disk that a save needs.
pub(crate) trait Disk {
    /// A file open for writing.
    type File: Write;

    /// Creates a file that does not exist yet, with the permissions that the umask leaves.
    fn create_new(&self, path: &Path) -> io::Result<Self::File>;
    /// Gives a file the permissions of the file `like`, if there is such a file.
    fn copy_permissions(&self, path: &Path, like: &Path) -> io::Result<()>;
    /// The first bytes of a file, as many as a header has. Does not follow links. Empty for a link, a directory, and
    /// anything else that cannot be read; `None` if nothing has this name.
    fn start(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// Makes the contents of a file durable.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Renames a file, and replaces the file that had the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;
}

/// The real disks of this system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {
    type File = File;

    fn create_new(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    fn copy_permissions(&self, path: &Path, like: &Path) -> io::Result<()> {
        match fs::symlink_metadata(like) {
            Ok(metadata) if metadata.is_file() => {
                let permissions = metadata.permissions();
                // Some file systems give all files the same permissions, and refuse to change them.
                let same = fs::metadata(path)?.permissions() == permissions;
                if same { Ok(()) } else { fs::set_permissions(path, permissions) }
            }
            _ => Ok(()),
        }
    }

    fn start(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let metadata = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata?,
        };
        let mut start = Vec::with_capacity(header::LEN);
        let mut read = || File::open(path)?.take(header::LEN as u64).read_to_end(&mut start);
        if !metadata.is_file() || read().is_err() {
            start.clear();
        }
        Ok(Some(start))
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }

    /// On other systems directories cannot be opened, and the system itself makes names durable.
    #[cfg(not(unix))]
    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        Ok(())
    }
}
