//! Saves checkpoints to files, and loads them.

use std::path::Path;

use super::file;
use super::system::SystemDisk;
use crate::decode;
use crate::{Checkpoint, CheckpointRef, Error};

impl Checkpoint {
    /// Loads a checkpoint from a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or breaks a rule of the format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (header, reader) = file::open_model(path)?;
        decode::read(header, reader).map_err(Error::file(path))
    }

    /// Lists everything that is wrong with the contents of a file: every damaged tensor, or only the first error if
    /// nothing after it can be read. The list is empty if [`Checkpoint::load`] can read the file.
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
    /// Saves this checkpoint to a file. An existing file is replaced as a whole: a reader sees the old file or the new
    /// one, whatever fails. Returns once the new file is on the disk.
    ///
    /// This does not check what it replaces, and takes no lock; [`crate::OutputFile`] does both. If the path is a
    /// symbolic link, the file that it leads to is replaced, and the link stays.
    ///
    /// # Errors
    ///
    /// If [`CheckpointRef::to_bytes`] or writing fails.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        file::replace(&SystemDisk, path, &self.to_bytes().map_err(Error::file(path))?)
    }
}
