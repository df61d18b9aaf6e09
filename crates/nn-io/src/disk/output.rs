//! The output file of a run. It is claimed before training, so that hours of training are not lost because of a save
//! that fails.

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

/// The output file of a run, or of any program that writes a model. It is locked until this is dropped.
///
/// A save replaces the file as a whole, and keeps its permissions. If another program has put a file there in the
/// meantime, that file is not replaced but set aside.
#[derive(Debug)]
pub struct OutputFile {
    /// The path as it was given.
    path: PathBuf,
    place: Place,
    encoder: Encoder,
    _lock: FileLock,
}

impl OutputFile {
    /// Locks an output file, and checks that a model can be saved there, by creating and removing a temporary file.
    /// Removes the temporary files that killed runs left next to it. If the path is a symbolic link, all this concerns
    /// the file that the link leads to.
    ///
    /// # Errors
    ///
    /// - [`Error::Locked`], without waiting, if another run has locked the file.
    /// - [`Error::WouldOverwrite`] if the path holds something that a save must not overwrite: a directory, a file of a
    ///   directory of checkpoints, a file without an intact model header, or a model of a newer version. Also if the name is
    ///   that of a temporary file, or something that is not a lock has the name of the lock.
    /// - [`Error::Io`] if the directory is missing or cannot be written to, or the file cannot be written.
    pub fn claim(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let target = follow_link(&path)?;
        check(&target)?;
        let lock = FileLock::of_file(&target, &path)?;
        let place = Place::own(&SystemDisk, target)?;
        // Checked again, since another run may have saved to it before it was locked. A file that appears later is not
        // ours.
        check(place.path())?;
        Ok(Self { path, place, encoder: Encoder::default(), _lock: lock })
    }

    /// The path that was claimed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a save of `new` replaces a model. Fails if it must not replace that model.
    ///
    /// # Errors
    ///
    /// [`Error::WouldOverwrite`] if the model there is of another dataset or cannot be read, or if it is a run that can
    /// be resumed and `new` is for inference only.
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
                    format!("\"{name}\" (SHA-256 {sum}...)")
                }
                None => "unknown data".into(),
            });
            return refuse(format!("a model of {old} with one of {new}"));
        }
        Ok(true)
    }

    /// Encodes a checkpoint, to be saved here and elsewhere. All states of a run go through the same [`Encoder`].
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`]; the error names this file.
    pub fn encode(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Encoded, Error> {
        self.encoder.encode(checkpoint).map_err(Error::file(&self.path))
    }

    /// Saves to the file, and returns once the new file is on the disk. If a file that is not the run's was in the way,
    /// returns where it was set aside.
    ///
    /// # Errors
    ///
    /// If writing fails. The old file is then as it was.
    pub fn save(&mut self, encoded: &Encoded) -> Result<Option<SetAside>, Error> {
        self.place.replace(&SystemDisk, encoded.bytes())
    }

    /// Checks that there is room for all saves, before the first step of a run. Does everything that
    /// [`OutputFile::save`] does, except for the rename: nothing changes.
    ///
    /// # Errors
    ///
    /// As [`OutputFile::save`].
    pub fn rehearse_save(&self, encoded: &Encoded) -> Result<(), Error> {
        // During the second save, the file of the first save is there too.
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
        Err(error) => return Err(Error::io(target, "access it")(error)),
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
        Err(Error::NotAModel { found }) => {
            Err(refuse(format!("{found}, which is not a model file")))
        }
        Err(Error::Version { found, .. }) => Err(refuse(format!("a model of format {found}"))),
        Err(error) => Err(refuse(unreadable(&error))),
    }
}

fn unreadable(error: &Error) -> String {
    format!("a model that cannot be read ({error})")
}
