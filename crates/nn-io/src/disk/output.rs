//! The output file of a run. It is claimed before training, so that no run trains for hours and then cannot be saved.

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
use crate::{Checkpoint, CheckpointRef, Encoded, Encoder, Error, VERSION};

/// The output file of a run, or of any program that writes a model. It is locked until this is dropped.
///
/// A save replaces the file as a whole, and keeps its permissions. A model of another run is kept as the *previous
/// generation*: the first save renames `garments.model` to `garments.previous.model`. If another program has put a file
/// there in the meantime, that file is not replaced but set aside.
#[derive(Debug)]
pub struct OutputFile {
    /// The path as it was given.
    path: PathBuf,
    place: Place,
    encoder: Encoder,
    /// The dataset whose models may be replaced by models of any other dataset.
    substitute: Option<String>,
    /// Whether [`OutputFile::check_replaced`] has decided what happens to the existing model.
    is_checked: bool,
    /// The lock of the name of the previous generation, held until the first save is complete.
    previous_lock: Option<FileLock>,
    _lock: FileLock,
}

/// What a save did.
#[derive(Debug)]
pub struct Saved {
    /// The bytes of the file.
    pub encoded: Encoded,
    /// The files that were in the way and were renamed.
    pub set_aside: Vec<SetAside>,
}

impl OutputFile {
    /// Locks an output file, and checks that a model can be saved there, by creating and removing a temporary file.
    /// Removes the temporary files that killed runs left next to it. If the path is a symbolic link, all of this applies
    /// to the file that the link leads to.
    ///
    /// # Errors
    ///
    /// - [`Error::Locked`], without waiting, if another run has locked the file.
    /// - [`Error::WouldOverwrite`] if the path holds something that a save must not overwrite: a directory, a checkpoint of a
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
        Ok(Self {
            path,
            place,
            encoder: Encoder::default(),
            substitute: None,
            is_checked: false,
            previous_lock: None,
            _lock: lock,
        })
    }

    /// Allows a model of any dataset to replace a model of this dataset, which is kept as the previous generation.
    /// Use it for a dataset such as synthetic images, which a program falls back to without being asked.
    pub fn with_substitute(self, dataset: impl Into<String>) -> Self {
        Self { substitute: Some(dataset.into()), ..self }
    }

    /// The path that was claimed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a path leads to this output file.
    pub fn is_at(&self, path: impl AsRef<Path>) -> bool {
        follow_link(path.as_ref())
            .is_ok_and(|path| temporary::is_same_name(&path, self.place.path()))
    }

    /// Decides what the first save of `new` does with the model that is there. The same state, or an earlier state of the
    /// same run, is replaced. Any other model is kept as the previous generation: this returns how the save will rename
    /// it. If this is not called, the first save decides.
    ///
    /// An older previous generation is replaced, if the same rules allow the model that is kept to replace it. Otherwise,
    /// or if it is the state that `new` resumes from, it is set aside.
    ///
    /// # Errors
    ///
    /// - [`Error::WouldOverwrite`] if the model there is of another dataset or cannot be read, or if it is a run that can
    ///   be resumed and `new` is for inference only.
    /// - [`Error::Locked`] if another run saves to the name of the previous generation.
    pub fn check_replaced(&mut self, new: &CheckpointRef<'_>) -> Result<Option<SetAside>, Error> {
        let path = self.place.path();
        if !self.is_checked && path.exists() {
            let refuse = |found| Error::WouldOverwrite { path: self.path.clone(), found };
            let old = Checkpoint::load(path).map_err(|error| refuse(unreadable(&error)))?;
            if let Some(found) = self.conflict(&old, new) {
                return Err(refuse(found));
            }
            if !new.continues(&old) {
                let path = previous(path);
                self.previous_lock = Some(FileLock::of_file(&path, &path)?);
                let mut previous = Place::own(&SystemDisk, path)?;
                if !self.may_replace_previous(previous.path(), &old, new) {
                    previous = Place::foreign(previous.path().into());
                }
                self.place.keep_at(previous);
            }
        }
        self.is_checked = true;
        Ok(self.place.kept())
    }

    /// Describes `old` if `new` must not replace it; `None` if it may.
    fn conflict(&self, old: &Checkpoint, new: &CheckpointRef<'_>) -> Option<String> {
        if old.training.is_some() && new.training.is_none() {
            return Some("a run that can be resumed".into());
        }
        let is_same = old.info.is_of_same_dataset(new.info);
        let (old, new) = (old.info.dataset.as_ref(), new.info.dataset.as_ref());
        let is_substitute = old.is_some_and(|old| self.substitute.as_ref() == Some(&old.name));
        if is_same || is_substitute {
            return None;
        }
        let [old, new] = [old, new].map(|dataset| match dataset {
            Some(dataset) => {
                let sum = dataset.sha256.get(..8).unwrap_or(&dataset.sha256);
                format!("\"{dataset}\" (SHA-256 {sum}...)")
            }
            None => "unknown data".into(),
        });
        Some(format!("a model of {old} with one of {new}"))
    }

    /// Whether `old` may replace the file at the name of the previous generation, when `new` takes the place of `old`.
    fn may_replace_previous(&self, path: &Path, old: &Checkpoint, new: &CheckpointRef<'_>) -> bool {
        let is_replaceable = |older: &Checkpoint| {
            self.conflict(older, &old.view()).is_none() && !new.continues(older)
        };
        let metadata = fs::symlink_metadata(path);
        metadata.is_ok_and(|metadata| check_replaceable(path, &metadata).is_ok())
            && Checkpoint::load(path).is_ok_and(|older| is_replaceable(&older))
    }

    /// Encodes a checkpoint, to be saved here and elsewhere. All states of a run go through the same [`Encoder`].
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`]; the error names this file.
    pub fn encode(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Encoded, Error> {
        self.encoder.encode(checkpoint).map_err(Error::file(&self.path))
    }

    /// Saves the model, and returns once it is on the disk. [`OutputFile::check_replaced`] describes what happens to the
    /// model that is there.
    ///
    /// # Errors
    ///
    /// As [`OutputFile::check_replaced`] and [`OutputFile::encode`]; or if writing fails. The old file is then unchanged,
    /// or has the new name in [`Error::Renamed`].
    pub fn save(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Saved, Error> {
        self.check_replaced(checkpoint)?;
        let encoded = self.encode(checkpoint)?;
        let set_aside = self.place.replace(&SystemDisk, encoded.bytes())?;
        self.previous_lock = None;
        Ok(Saved { encoded, set_aside })
    }

    /// Checks that there is room for all saves, before the first step of a run. Does everything that
    /// [`OutputFile::save`] does, except for the rename: nothing changes.
    ///
    /// # Errors
    ///
    /// As [`OutputFile::save`].
    pub fn rehearse_save(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Encoded, Error> {
        let kept = self.check_replaced(checkpoint)?;
        let encoded = self.encode(checkpoint)?;
        let path = self.place.path();
        let replaces = kept.map_or(path.exists(), |kept| kept.replaced);
        // During the second save, the file of the first save is there too. It may have replaced another file.
        let copies = if replaces { 1 } else { 2 };
        file::rehearse(&SystemDisk, path, encoded.bytes(), copies)?;
        Ok(encoded)
    }
}

/// The name of the previous generation: `garments.previous.model` for `garments.model`.
fn previous(path: &Path) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(".previous");
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Fails if a model cannot be saved there.
fn check(target: &Path) -> Result<(), Error> {
    let refuse =
        |found: &str| Err(Error::WouldOverwrite { path: target.into(), found: found.into() });
    let Some(name) = target.file_name() else { return refuse("a path that names no file") };
    if temporary::is_temporary(name) {
        return refuse("a file with the name of a temporary file, which the next run would remove");
    }
    checkpoint_dir::refuse_checkpoint(target)?;
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
