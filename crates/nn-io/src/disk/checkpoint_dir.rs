//! A directory with a run's newest checkpoints, its best one and its final model: section 12 of FORMAT.md.

use std::fs;
use std::path::{Path, PathBuf};

use super::lock::FileLock;
use super::place::{Place, SetAside};
use super::system::{Disk, SystemDisk};
use super::{file, temporary};
use crate::error::check_value;
use crate::{Checkpoint, Encoded, Error, VERSION};

/// The number of newest checkpoints that are kept.
const KEPT: usize = 3;
/// The name of the best checkpoint.
const BEST: &str = "best.model";
/// The name of the final model, unless the output of the run is elsewhere.
const FINAL: &str = "final.model";
/// The name of the lock.
const LOCK: &str = "checkpoints.lock";

/// A directory with the newest three checkpoints of a run and the best one, locked for the run. It also has the final
/// model, unless the run saves that elsewhere.
///
/// Files that are not the run's (links, files of other kinds, damaged checkpoints, checkpoints of a newer version) are
/// never followed, replaced or removed. If a new checkpoint needs the name of such a file, the file is set aside.
#[derive(Debug)]
pub struct CheckpointDir {
    path: PathBuf,
    /// The checkpoints of the run by their steps, ascending.
    saved: Vec<(u64, Place)>,
    best: Place,
    _lock: FileLock,
}

/// The newest usable checkpoint of a directory.
#[derive(Debug)]
pub struct Newest {
    /// Its file.
    pub path: PathBuf,
    /// Its contents, which always include a training state.
    pub checkpoint: Checkpoint,
    /// Why other checkpoints cannot be used; each error names its file.
    pub skipped: Vec<Error>,
}

impl CheckpointDir {
    /// Creates the checkpoint directory of a new run. The directory may exist already, but must not have checkpoints.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run uses it; [`Error::WouldOverwrite`] if it has checkpoints; or if it cannot be
    /// created or written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let flush = || temporary::flush_names(&SystemDisk, path);
        match fs::create_dir(path) {
            Ok(()) => flush()?,
            // The process that created it may have been killed before it flushed the name. An error is ignored: the
            // parent may not be readable.
            Err(_) if path.is_dir() => drop(flush()),
            Err(error) => return Err(Error::io(path, "create this directory")(error)),
        }
        let lock = lock(path)?;
        if is_empty(path)? {
            let best = Place::foreign(path.join(BEST));
            return Ok(Self { path: path.into(), saved: Vec::new(), best, _lock: lock });
        }
        let found = "the checkpoints of another run".into();
        Err(Error::WouldOverwrite { path: path.into(), found })
    }

    /// Opens the checkpoint directory of a run to resume, and reads its newest checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run uses it; [`Error::NoCheckpoint`] if it has no usable checkpoint; or if it
    /// cannot be read or written to.
    pub fn open(path: impl AsRef<Path>) -> Result<(Self, Newest), Error> {
        let path = path.as_ref();
        // No lock is written into a directory without checkpoints.
        if is_empty(path)? {
            return Err(Error::NoCheckpoint { path: path.into(), skipped: Vec::new() });
        }
        let lock = lock(path)?;
        let Found { saved, best, newest } = read(path)?;
        Ok((Self { path: path.into(), saved, best, _lock: lock }, newest))
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the final model, which is the output of a run unless it has another.
    ///
    /// # Errors
    ///
    /// If it is a symbolic link, which is not followed here.
    pub fn final_path(&self) -> Result<PathBuf, Error> {
        let path = self.path.join(FINAL);
        file::refuse_link(&path)?;
        Ok(path)
    }

    /// Checks that a run may save its output at this path: it must not be the name of one of the directory's checkpoints.
    ///
    /// # Errors
    ///
    /// [`Error::WouldOverwrite`] if it is such a name.
    pub fn check_output(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default();
        refuse_name(path, temporary::is_same_name(path, &self.path.join(name)))
    }

    /// Saves a checkpoint under the number of its step. Once it is on the disk, all checkpoints except the newest three
    /// are removed. Damaged ones do not count, and are never removed. If a file was in the way, returns where it was
    /// set aside.
    ///
    /// # Errors
    ///
    /// If the checkpoint has no training state, or writing fails.
    pub fn save(&mut self, encoded: &Encoded) -> Result<Vec<SetAside>, Error> {
        let step = encoded.step().ok_or_else(no_training)?;
        // A run has only one state at a step, and it has been saved.
        if self.saved.iter().any(|(saved, _)| *saved == step) {
            return Ok(Vec::new());
        }
        store(&SystemDisk, &self.path, &mut self.saved, step, encoded.bytes())
    }

    /// Checks that there is room for all checkpoints, before the first step of a run. Writes as many temporary files as
    /// the directory will have at once, including the final model, and removes them.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn rehearse_save(&self, encoded: &Encoded) -> Result<(), Error> {
        let best = self.best.path();
        // The kept checkpoints, one more before the oldest is removed, the best one, and the final model.
        let there = self.saved.len().saturating_add(usize::from(best.exists()));
        let copies = KEPT.saturating_add(3).saturating_sub(there);
        file::rehearse(&SystemDisk, best, encoded.bytes(), copies)
    }

    /// Saves a checkpoint as the best one. If a file was in the way, returns where it was set aside.
    ///
    /// # Errors
    ///
    /// If writing fails.
    pub fn save_best(&mut self, encoded: &Encoded) -> Result<Vec<SetAside>, Error> {
        self.best.replace(&SystemDisk, encoded.bytes())
    }
}

impl Newest {
    /// Reads the newest usable checkpoint of a directory, and changes nothing in it.
    ///
    /// # Errors
    ///
    /// [`Error::NoCheckpoint`] if it has no usable checkpoint, or if the directory cannot be read.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, Error> {
        read(directory.as_ref()).map(|found| found.newest)
    }
}

/// Locks a directory, and removes the temporary files that killed runs left in it.
fn lock(directory: &Path) -> Result<FileLock, Error> {
    let lock = FileLock::lock(&directory.join(LOCK), directory)?;
    temporary::sweep(directory, |name| str::from_utf8(name).is_ok_and(is_checkpoint))?;
    Ok(lock)
}

/// Fails if this is a checkpoint or the lock of a checkpoint directory, which is locked as a whole.
pub(crate) fn refuse_checkpoint(path: &Path) -> Result<(), Error> {
    let directory = temporary::directory(path);
    let has_checkpoints = || steps(directory).is_ok_and(|steps| !steps.is_empty());
    refuse_name(path, directory.join(LOCK).exists() || has_checkpoints())
}

/// Fails if a file in a checkpoint directory has the name of a checkpoint or of the lock.
fn refuse_name(path: &Path, is_in_directory: bool) -> Result<(), Error> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if is_in_directory && (is_checkpoint(name) || name == LOCK) {
        let found = "a file of a directory of checkpoints".into();
        return Err(Error::WouldOverwrite { path: path.into(), found });
    }
    Ok(())
}

fn is_checkpoint(name: &str) -> bool {
    step_of(name).is_some() || name == BEST
}

/// `ckpt-000860.model` for step 860.
fn name(step: u64) -> String {
    format!("ckpt-{step:06}.model")
}

/// The step in a checkpoint's name.
fn step_of(file: &str) -> Option<u64> {
    let step = file.strip_prefix("ckpt-")?.strip_suffix(".model")?.parse().ok()?;
    (file == name(step)).then_some(step)
}

/// The steps in the names of a directory's checkpoints, newest first.
fn steps(directory: &Path) -> Result<Vec<u64>, Error> {
    let list = || -> std::io::Result<Vec<u64>> {
        let mut steps = Vec::new();
        for entry in fs::read_dir(directory)? {
            steps.extend(entry?.file_name().to_str().and_then(step_of));
        }
        Ok(steps)
    };
    let mut steps = list().map_err(Error::io(directory, "list it"))?;
    steps.sort_unstable_by(|a, b| b.cmp(a));
    Ok(steps)
}

/// Whether a directory has no files of a run, not even damaged ones.
fn is_empty(directory: &Path) -> Result<bool, Error> {
    let is_absent = |name| fs::symlink_metadata(directory.join(name)).is_err();
    Ok(steps(directory)?.is_empty() && [BEST, FINAL].into_iter().all(is_absent))
}

/// The files of a run in a directory.
struct Found {
    saved: Vec<(u64, Place)>,
    best: Place,
    newest: Newest,
}

/// A checkpoint from which a run can be resumed.
struct Usable {
    step: u64,
    path: PathBuf,
    checkpoint: Checkpoint,
    /// `None` for a checkpoint of a newer version: replacing it would lose what that version added.
    place: Option<Place>,
}

impl Usable {
    fn is_later_than(&self, other: &Self) -> bool {
        self.step > other.step && self.checkpoint.is_of_same_run(&other.checkpoint)
    }
}

fn read(directory: &Path) -> Result<Found, Error> {
    let [best_path, final_path] = [BEST, FINAL].map(|name| directory.join(name));
    let is_there = |(path, _): &(PathBuf, _)| fs::symlink_metadata(path).is_ok();
    // The best checkpoint may be the only one that is left, or the only one of its epoch.
    let best = Some((best_path.clone(), None)).filter(is_there);
    let last = Some((final_path.clone(), None)).filter(is_there);
    let numbered =
        steps(directory)?.into_iter().map(|step| (directory.join(name(step)), Some(step)));
    let mut newest: Option<Usable> = None;
    let mut places = Vec::new();
    let mut skipped = Vec::new();
    for (path, named) in best.into_iter().chain(numbered).chain(last) {
        let found = match load(path, named) {
            Ok(found) => found,
            Err(error) => {
                skipped.push(error);
                continue;
            }
        };
        // At most two checkpoints are in memory at a time. The final model counts only if it is a later state of the same run.
        let (newer, older) = match newest.take() {
            None => (found, None),
            Some(newest) if newest.step > found.step => (newest, Some(found)),
            Some(newest) if found.path == final_path && !found.is_later_than(&newest) => {
                (newest, Some(found))
            }
            Some(newest) => (found, Some(newest)),
        };
        if let Some(Usable { step, path, checkpoint, place }) = older {
            if checkpoint.is_of_same_run(&newer.checkpoint) {
                places.extend(place.map(|place| (step, place)));
            } else {
                skipped.push(Error::OtherRun { path, newest: newer.path.clone() });
            }
        }
        newest = Some(newer);
    }
    let Some(Usable { step, path, checkpoint, place }) = newest else {
        return Err(Error::NoCheckpoint { path: directory.into(), skipped });
    };
    places.extend(place.map(|place| (step, place)));
    // The final model is an output, which has its own `Place`.
    places.retain(|(_, place)| place.path() != final_path);
    let (best, mut saved): (Vec<_>, Vec<_>) =
        places.into_iter().partition(|(_, place)| place.path() == best_path);
    let best = best.into_iter().next().map_or(Place::foreign(best_path), |(_, place)| place);
    saved.sort_by_key(|(step, _)| *step);
    Ok(Found { saved, best, newest: Newest { path, checkpoint, skipped } })
}

/// Reads a checkpoint. Fails if its name has a different step.
fn load(path: PathBuf, named: Option<u64>) -> Result<Usable, Error> {
    file::refuse_link(&path)?;
    let place = Place::own(&SystemDisk, path.clone())?;
    let is_newer = file::version(&path)?.minor > VERSION.minor;
    let checkpoint = Checkpoint::load(&path)?;
    let step = checkpoint.training.as_ref().map(|training| training.optimizer.step());
    let step = step.ok_or_else(no_training).map_err(Error::file(&path))?;
    let named = named.unwrap_or(step);
    let expected = format!("{named}, as the file's name says");
    check_value(named == step, "training.optimizer.step", expected, step)
        .map_err(Error::file(&path))?;
    Ok(Usable { step, path, checkpoint, place: (!is_newer).then_some(place) })
}

/// The error of a checkpoint without a training state.
fn no_training() -> Error {
    Error::value("training", "a training state", "none")
}

/// Saves the bytes of a checkpoint in a directory. `saved` are the checkpoints that the run has there.
fn store(
    disk: &impl Disk,
    directory: &Path,
    saved: &mut Vec<(u64, Place)>,
    step: u64,
    bytes: &[u8],
) -> Result<Vec<SetAside>, Error> {
    let mut place = Place::foreign(directory.join(name(step)));
    let moved = place.replace(disk, bytes)?;
    saved.push((step, place));
    while saved.len() > KEPT {
        let (_, oldest) = saved.remove(0);
        oldest.remove(disk)?;
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use tally::{Failure, Tally, ensure};

    use super::*;
    use crate::disk::simulated::{Contents, Simulated};

    #[test]
    fn names() {
        assert_eq!(name(860), "ckpt-000860.model");
        assert_eq!(step_of("ckpt-000860.model"), Some(860));
        assert_eq!(step_of("ckpt-12345678.model"), Some(12_345_678));
        for other in ["ckpt-860.model", "ckpt-+00860.model", "ckpt-.model", "ckpt-000860.model.tmp"]
        {
            assert_eq!(step_of(other), None, "{other}");
        }
    }

    fn contents(step: u64) -> Vec<u8> {
        (0..1500).map(|i| (i * step) as u8).collect()
    }

    /// After a power cut during six saves, no checkpoint is torn, and the newest is no older than the last acknowledged
    /// one.
    #[test]
    fn power_cuts() {
        let directory = Path::new("/run");
        let disk = Simulated::with_short_writes(700);
        let mut saved = Vec::new();
        for step in 1..=6 {
            store(&disk, directory, &mut saved, step, &contents(step)).unwrap();
            disk.acknowledge(step);
        }
        let steps: Vec<_> = saved.iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [4, 5, 6]);
        let mut tally = Tally::new("B6", "a power cut among checkpoints in a directory");
        disk.after_power_cuts(|files: &Contents, acknowledged| {
            tally.case(|| {
                let mut newest = 0;
                for (path, bytes) in files {
                    let Some(step) = path.file_name().and_then(|it| step_of(it.to_str()?)) else {
                        continue;
                    };
                    let torn = || Failure::torn(format!("step {step} of {} bytes", bytes.len()));
                    ensure(*bytes == contents(step), torn)?;
                    newest = newest.max(step);
                }
                let lost = || Failure::lost(format!("{newest} instead of {acknowledged}"));
                ensure(newest >= acknowledged, lost)
            });
        });
        tally.finish();
    }
}
