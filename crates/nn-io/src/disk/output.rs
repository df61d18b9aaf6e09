//! The file that a run saves to: claimed before the run, so that hours of training are not lost at the save.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::checkpoint_dir;
use super::file::{self, follow_link, open, start};
use super::lock::FileLock;
use super::place::{Place, SetAside};
use super::system::SystemDisk;
use super::temporary::{self, Temporary};
use crate::wire::header::Header;
use crate::{Checkpoint, CheckpointRef, DatasetId, Encoded, Encoder, Error, VERSION};

/// The file that a run, or any program that writes a model, saves to. It is locked until this is dropped.
///
/// A save replaces the file as a whole, and keeps its permissions. A file that another program put there in the
/// meantime is not replaced but set aside.
#[derive(Debug)]
pub struct OutputFile {
    /// As it was given.
    path: PathBuf,
    place: Place,
    encoder: Encoder,
    _lock: FileLock,
}

impl OutputFile {
    /// Checks that a model can be saved there, by creating and removing a file; locks it; and removes the temporary files
    /// that killed runs left next to it. If the path is a symbolic link, the file that it leads to is meant.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run has it, without waiting. [`Error::WouldOverwrite`] if the path holds something
    /// that a save must not overwrite: a directory, a file of a directory of checkpoints, a file without the intact
    /// header of a model, or a model of a newer version; or if its name is that of a temporary file. Otherwise if the
    /// directory is missing or cannot be written to, the file may not be written, or a file that is no lock of ours
    /// has the lock's name.
    pub fn claim(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let target = follow_link(&path)?;
        check(&target)?;
        let lock = FileLock::of_file(&target, &path)?;
        let place = Place::own(&SystemDisk, target)?;
        // Again, since another run may have saved to it before it was locked. What comes after this look at it is another's.
        check(place.path())?;
        Ok(Self { path, place, encoder: Encoder::default(), _lock: lock })
    }

    /// The path that was claimed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a model that a save of `new` replaces.
    ///
    /// # Errors
    ///
    /// [`Error::WouldOverwrite`] if that model is of another dataset, cannot be read, or is a run that can be resumed
    /// where `new` is for inference only.
    pub fn check_replaced(&self, new: &CheckpointRef<'_>) -> Result<bool, Error> {
        let path = self.place.path();
        if !path.exists() {
            return Ok(false);
        }
        let refuse = |found| Err(Error::WouldOverwrite { path: self.path.clone(), found });
        let (old, is_run) = match Checkpoint::load(path) {
            Ok(Checkpoint { info, training, .. }) => (info.dataset, training.is_some()),
            Err(error) => return refuse(unreadable(&error)),
        };
        if is_run && new.training.is_none() {
            return refuse("a run that can be resumed".into());
        }
        if old != new.info.dataset {
            let [old, new] = [&old, &new.info.dataset].map(|dataset| match dataset {
                Some(DatasetId { name, sha256 }) => {
                    let sum = sha256.get(..8).unwrap_or(sha256);
                    format!("{name:?} (SHA-256 {sum}...)")
                }
                None => "unknown data".into(),
            });
            return refuse(format!("a model of {old} by one of {new}"));
        }
        Ok(true)
    }

    /// The bytes of a file, to save here and elsewhere. The states of a run are encoded by one [`Encoder`].
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`]; they name this file.
    pub fn encode(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Encoded, Error> {
        self.encoder.encode(checkpoint).map_err(Error::file(&self.path))
    }

    /// Replaces the file, and returns once the new one is on the disk. Returns the file that was in the way, if there was
    /// one that is not the run's.
    ///
    /// # Errors
    ///
    /// If writing fails. The old file is then as it was.
    pub fn save(&mut self, encoded: &Encoded) -> Result<Option<SetAside>, Error> {
        self.place.replace(&SystemDisk, encoded.bytes())
    }

    /// Does all that [`OutputFile::save`] does, but leaves the old file, or no file, as it was: so a run knows before its
    /// first step that there is room for what it will save.
    ///
    /// # Errors
    ///
    /// As [`OutputFile::save`].
    pub fn rehearse_save(&self, encoded: &Encoded) -> Result<(), Error> {
        // The second save has the first one next to it.
        let copies = if self.place.path().exists() { 1 } else { 2 };
        file::rehearse(&SystemDisk, self.place.path(), encoded.bytes(), copies)
    }
}

/// Fails if a model cannot be saved there.
fn check(target: &Path) -> Result<(), Error> {
    let refuse =
        |found: &str| Err(Error::WouldOverwrite { path: target.into(), found: found.into() });
    let Some(name) = target.file_name() else { return refuse("a path that names no file") };
    if temporary::is_temporary(name) {
        return refuse("a temporary file, by its name, which the next run removes");
    }
    if checkpoint_dir::is_in_directory(target) {
        return refuse("a file of a directory of checkpoints");
    }
    match fs::metadata(target) {
        Ok(metadata) => check_replaceable(target, &metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(target, "look at it")(error)),
    }
    Temporary::create(&SystemDisk, target).map(drop)
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
        Err(error) => Err(refuse(unreadable(&error))),
    }
}

fn unreadable(error: &Error) -> String {
    format!("a model that cannot be read ({error})")
}
