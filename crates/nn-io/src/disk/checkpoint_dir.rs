//! A directory with the last checkpoints of a run, and its best: section 12 of FORMAT.md.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nn_train::TrainingState;

use super::lock::FileLock;
use super::system::{Disk, SystemDisk};
use super::{file, temporary};
use crate::error::check_value;
use crate::{Checkpoint, CheckpointRef, Error};

/// How many of the newest checkpoints are kept.
const KEPT: usize = 3;
/// The name of the best one.
const BEST: &str = "best.model";
/// The name of the lock.
const LOCK: &str = "checkpoints.lock";

/// A directory with the newest three checkpoints of a run and its best. It is locked for the run.
#[derive(Debug)]
pub struct CheckpointDir {
    path: PathBuf,
    /// The steps of its usable checkpoints, ascending.
    steps: Vec<u64>,
    _lock: FileLock,
}

/// The newest usable checkpoint of a directory.
#[derive(Debug)]
pub struct Newest {
    /// Its file.
    pub path: PathBuf,
    /// Its contents, which always include a state of training.
    pub checkpoint: Checkpoint,
    /// Why others cannot be used; each error names its file.
    pub skipped: Vec<Error>,
}

impl CheckpointDir {
    /// Begins the directory of a new run. It is created if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run has it; [`Error::WouldOverwrite`] if it holds checkpoints; or if it cannot be
    /// created or written to.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        match fs::create_dir(path) {
            Ok(()) => {
                let parent = temporary::directory(path);
                let synced = SystemDisk.sync_directory(parent);
                synced.map_err(Error::io(parent, "flush it to the disk"))?;
            }
            Err(_) if path.is_dir() => {}
            Err(error) => return Err(Error::io(path, "create this directory")(error)),
        }
        let lock = lock(path)?;
        if is_empty(path)? {
            return Ok(Self { path: path.into(), steps: Vec::new(), _lock: lock });
        }
        let found = "the checkpoints of another run".into();
        Err(Error::WouldOverwrite { path: path.into(), found })
    }

    /// Opens the directory of a run that is to be resumed, and reads its newest checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run has it; [`Error::NoCheckpoint`] if none can be used; or if it cannot be read or
    /// written to.
    pub fn open(path: impl AsRef<Path>) -> Result<(Self, Newest), Error> {
        let path = path.as_ref();
        // No lock is written into a directory without checkpoints.
        if is_empty(path)? {
            return Err(Error::NoCheckpoint { path: path.into(), skipped: Vec::new() });
        }
        let lock = lock(path)?;
        let (steps, newest) = read(path)?;
        Ok((Self { path: path.into(), steps, _lock: lock }, newest))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves a checkpoint under the number of its step. Once it is on the disk, all except the newest three are removed.
    /// Damaged ones are not counted and never removed: one in the way gets the ending `.skipped`.
    ///
    /// # Errors
    ///
    /// If the checkpoint has no state of training, or as [`CheckpointRef::save`].
    pub fn save(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        let step = step(checkpoint.training)?;
        // A run has only one state at a step, and it has been saved.
        if self.steps.contains(&step) {
            return Ok(());
        }
        let path = self.path.join(name(step));
        let bytes = checkpoint.to_bytes().map_err(Error::file(&path))?;
        store(&SystemDisk, &self.path, &mut self.steps, step, &bytes)
    }

    /// Writes as many files as the directory will have at once, and one more for a model elsewhere, without giving them
    /// their names: so a run knows before its first step that there is room.
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::save`].
    pub fn rehearse_save(&self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        let best = self.path.join(BEST);
        let bytes = checkpoint.to_bytes().map_err(Error::file(&best))?;
        // The kept ones, the best, the next before the oldest goes, and that elsewhere.
        let there = self.steps.len().saturating_add(usize::from(best.exists()));
        file::rehearse(&SystemDisk, &best, &bytes, KEPT.saturating_add(3).saturating_sub(there))
    }

    /// Saves a checkpoint as the best.
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::save`].
    pub fn save_best(&self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        checkpoint.save(self.path.join(BEST))
    }
}

impl Newest {
    /// Reads the newest usable checkpoint of a directory, and changes nothing in it.
    ///
    /// # Errors
    ///
    /// [`Error::NoCheckpoint`] if none can be used, or if the directory cannot be read.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, Error> {
        read(directory.as_ref()).map(|(_, newest)| newest)
    }
}

/// Locks a directory, and removes the temporary files that killed runs left in it.
fn lock(directory: &Path) -> Result<FileLock, Error> {
    let lock = FileLock::lock(&directory.join(LOCK), directory)?;
    temporary::sweep(directory, |name| str::from_utf8(name).is_ok_and(is_checkpoint))?;
    Ok(lock)
}

/// Whether this is a file of a directory of checkpoints, which is locked as a whole.
pub(crate) fn is_in_directory(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (is_checkpoint(name) || name == LOCK) && temporary::directory(path).join(LOCK).exists()
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

/// The steps of a directory's checkpoints by their names, newest first.
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

/// Whether a directory has no checkpoint, damaged ones included.
fn is_empty(directory: &Path) -> Result<bool, Error> {
    Ok(steps(directory)?.is_empty() && !directory.join(BEST).exists())
}

/// The steps of the usable checkpoints, ascending, and the newest one.
fn read(directory: &Path) -> Result<(Vec<u64>, Newest), Error> {
    let mut usable = Vec::new();
    let mut newest = None;
    let mut skipped = Vec::new();
    for step in steps(directory)? {
        let path = directory.join(name(step));
        match load(&path, Some(step)) {
            Ok((_, checkpoint)) => {
                usable.push(step);
                newest.get_or_insert((step, path, checkpoint));
            }
            Err(error) => skipped.push(error),
        }
    }
    usable.reverse();
    let best = directory.join(BEST);
    if best.exists() {
        match (load(&best, None), &newest) {
            // The best may be all that is left, or be of an epoch that was not saved otherwise.
            (Ok((step, _)), Some((newest, ..))) if step <= *newest => {}
            (Ok((step, checkpoint)), _) => newest = Some((step, best, checkpoint)),
            (Err(error), _) => skipped.push(error),
        }
    }
    match newest {
        Some((_, path, checkpoint)) => Ok((usable, Newest { path, checkpoint, skipped })),
        None => Err(Error::NoCheckpoint { path: directory.into(), skipped }),
    }
}

/// A checkpoint from which a run can be resumed, and its step, which must be the one in its name.
fn load(path: &Path, named: Option<u64>) -> Result<(u64, Checkpoint), Error> {
    let checkpoint = Checkpoint::load(path)?;
    let step = step(checkpoint.training.as_ref()).map_err(Error::file(path))?;
    let named = named.unwrap_or(step);
    let expected = format!("{named}, as the file's name says");
    check_value(named == step, "training.optimizer.step", expected, step)
        .map_err(Error::file(path))?;
    Ok((step, checkpoint))
}

/// The step of a training, which every checkpoint in a directory must have.
fn step(training: Option<&TrainingState>) -> Result<u64, Error> {
    let step = training.map(|training| training.optimizer.step());
    step.ok_or_else(|| Error::value("training", "a state of training", "none"))
}

/// Saves the bytes of a checkpoint in a directory whose usable checkpoints have these steps.
fn store(
    disk: &impl Disk,
    directory: &Path,
    steps: &mut Vec<u64>,
    step: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let path = directory.join(name(step));
    let mut aside = path.clone().into_os_string();
    aside.push(".skipped");
    match disk.rename(&path, Path::new(&aside)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        result => result.map_err(Error::io(&path, "set this damaged checkpoint aside"))?,
    }
    file::replace(disk, &path, bytes)?;
    steps.push(step);
    while steps.len() > KEPT {
        let old = directory.join(name(steps.remove(0)));
        match disk.remove(&old) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => result.map_err(Error::io(&old, "remove this old checkpoint"))?,
        }
    }
    Ok(())
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

    /// Whatever of six saves a power cut leaves behind: no checkpoint is torn, and the newest is no older
    /// than the last that was acknowledged.
    #[test]
    fn power_cuts() {
        let directory = Path::new("/run");
        let disk = Simulated::with_short_writes(700);
        let mut steps = Vec::new();
        for step in 1..=6 {
            store(&disk, directory, &mut steps, step, &contents(step)).unwrap();
            disk.acknowledge(step);
        }
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
