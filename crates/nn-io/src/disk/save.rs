//! Checkpoints to files and from them.

use std::path::Path;

use super::file;
use super::system::SystemDisk;
use crate::decode;
use crate::{Checkpoint, CheckpointRef, Error};

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or breaks any rule of the format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (header, reader) = file::open_model(path)?;
        decode::read(header, reader).map_err(Error::file(path))
    }

    /// Everything that is wrong with the contents of a file: every damaged tensor, or only the first error if nothing
    /// after it can be read. Empty for a file that [`Checkpoint::load`] reads.
    pub fn damage(path: impl AsRef<Path>) -> Vec<Error> {
        let path = path.as_ref();
        let damage = match file::open_model(path) {
            Ok((header, reader)) => decode::damage(header, reader),
            Err(error) => return vec![error],
        };
        let add_path = |error| match error {
            Error::Read(_) => Error::file(path)(error),
            error => error,
        };
        damage.into_iter().map(add_path).collect()
    }
}

impl CheckpointRef<'_> {
    /// Replaces the file by this checkpoint, as a whole: a reader sees the old file or the new one, whatever fails.
    /// Returns once it is on the disk.
    ///
    /// It does not check what it replaces, and takes no lock: [`crate::OutputFile`] does. If the path is a symbolic link,
    /// the file that it leads to is replaced, and the link stays.
    ///
    /// # Errors
    ///
    /// If [`CheckpointRef::to_bytes`] fails, or writing does.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        file::replace(&SystemDisk, path, &self.to_bytes().map_err(Error::file(path))?)
    }
}
