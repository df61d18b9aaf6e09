//! Whether a model can be saved at a path: asked before a run, so that hours of training are not lost at the save.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::checkpoint_dir;
use super::file::{follow_link, open, start};
use super::system::SystemDisk;
use super::temporary::Temporary;
use crate::wire::header::Header;
use crate::{Error, VERSION};

/// Checks, before a run, that its model can be saved there, by creating and removing a file.
///
/// # Errors
///
/// If the directory is missing or cannot be written to, or the path holds something that a save must not overwrite: a
/// directory, a file of a directory of checkpoints, a file without the intact header of a model, a model of a newer
/// version, or a file without permission to write.
pub fn check_output(path: impl AsRef<Path>) -> Result<(), Error> {
    let target = follow_link(path.as_ref())?;
    if target.file_name().is_none() {
        let path = target;
        return Err(Error::WouldOverwrite { path, found: "a path that names no file".into() });
    }
    if checkpoint_dir::is_in_directory(&target) {
        let found = "a file of a directory of checkpoints".into();
        return Err(Error::WouldOverwrite { path: target, found });
    }
    match fs::metadata(&target) {
        Ok(metadata) => check_replaceable(&target, &metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(&target, "look at it")(error)),
    }
    Temporary::create(&SystemDisk, &target).map(drop)
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
        // A save would lose what the newer version added.
        Ok(Header { version, .. }) if version.minor > VERSION.minor => {
            Err(refuse(format!("a model of format {version}")))
        }
        Ok(_) => {
            // A rename over it would succeed without this permission.
            let writable = OpenOptions::new().write(true).open(path);
            writable.map(drop).map_err(Error::io(path, "write to it"))
        }
        Err(Error::NotAModel { found }) => Err(refuse(found)),
        Err(Error::Version { found, .. }) => Err(refuse(format!("a model of format {found}"))),
        Err(error) => Err(refuse(format!("a model that cannot be read ({error})"))),
    }
}
