//! Where a run is saved while it trains.

use std::path::{Path, PathBuf};

use fmnist_data::DatasetName;
use nn_io::{Checkpoint, CheckpointDir, CheckpointRef, OutputFile, Saved, SetAside};
use nn_train::TrainingState;

use crate::Error;

/// Saves a model to a file by the rules of [`Saves`]. Returns the bytes, and the files that were renamed.
///
/// # Errors
///
/// As [`OutputFile::claim`], [`OutputFile::check_replaced`] and [`OutputFile::save`].
pub fn save(checkpoint: &CheckpointRef<'_>, path: impl AsRef<Path>) -> Result<Saved, Error> {
    Ok(claim(path.as_ref().into())?.save(checkpoint)?)
}

/// Claims a file. A model of any dataset may take the place of a model of synthetic garments, since `fmnist train` falls
/// back to those without being asked.
fn claim(path: PathBuf) -> Result<OutputFile, Error> {
    Ok(OutputFile::claim(path)?.with_substitute(DatasetName::Synthetic.as_str()))
}

/// Where a run is saved while it trains: in a file after every epoch, and also in a directory of checkpoints.
///
/// An earlier state of the same run is replaced. If the file is the model of another run, the first save renames it:
/// `garments.model` is kept as `garments.previous.model`. There is one such previous generation: an older one is replaced. A
/// model of another dataset is refused, except a model of synthetic garments, which is kept in the same way.
///
/// ```no_run
/// use fmnist::{Model, Saves, Trainer};
///
/// let trainer = Trainer::builder(Model::classifier(&[784, 128, 10])?).build()?;
/// let trainer = trainer.saving(Saves::claim("garments.model")?);
/// # Ok::<(), fmnist::Error>(())
/// ```
#[derive(Debug)]
pub struct Saves {
    output: OutputFile,
    checkpoints: Option<(CheckpointDir, u64)>,
    set_aside: Vec<SetAside>,
}

impl Saves {
    /// Saves to this file, and locks it, so that no other run writes to it.
    ///
    /// # Errors
    ///
    /// As [`OutputFile::claim`]: if another run has locked it, it exists and is not a model, or it cannot be locked.
    pub fn claim(output: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(Self { output: claim(output.into())?, checkpoints: None, set_aside: Vec::new() })
    }

    /// Saves to `final.model` in a directory, and checkpoints as [`Saves::with_checkpoints`] does.
    ///
    /// # Errors
    ///
    /// As [`Saves::claim`]; or if `final.model` is a symbolic link.
    pub fn in_directory(directory: CheckpointDir, every: u64) -> Result<Self, Error> {
        Self::claim(directory.final_path()?)?.with_checkpoints(directory, every)
    }

    /// Also saves checkpoints to a directory: one every `every` epochs, one after the last epoch, one when the run is
    /// stopped, and the best.
    ///
    /// # Errors
    ///
    /// If the output has the name of one of the directory's checkpoints.
    pub fn with_checkpoints(self, directory: CheckpointDir, every: u64) -> Result<Self, Error> {
        directory.check_output(self.output())?;
        Ok(Self { checkpoints: Some((directory, every)), ..self })
    }

    /// The path of the output file.
    pub fn output(&self) -> &Path {
        self.output.path()
    }

    /// Loads the state in the output, if it is a later state of the same run than `than`.
    pub fn later_state(&self, than: &Checkpoint) -> Option<Checkpoint> {
        let later = Checkpoint::load(self.output()).ok()?;
        let step = |it: &Checkpoint| it.training.as_ref().map(|it| it.optimizer.step());
        (step(&later) > step(than) && later.is_of_same_run(than)).then_some(later)
    }

    /// Files that were in the way of a save and were renamed: the model of another run, and files that another program
    /// put there.
    pub fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// The path to resume the run from: the directory of checkpoints if it has the output, otherwise the output.
    pub fn resume_path(&self) -> &Path {
        match &self.checkpoints {
            Some((directory, _))
                if directory.final_path().is_ok_and(|path| path == self.output()) =>
            {
                directory.path()
            }
            _ => self.output(),
        }
    }

    /// How the first save will rename another run's model in the output. Fails if that model must be left alone.
    pub(crate) fn check_replaced(
        &mut self,
        checkpoint: &CheckpointRef<'_>,
    ) -> Result<Option<SetAside>, Error> {
        Ok(self.output.check_replaced(checkpoint)?)
    }

    /// Rehearses a save: does everything except renaming and replacing files.
    pub(crate) fn rehearse(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        let encoded = self.output.rehearse_save(checkpoint)?;
        if let Some((directory, _)) = &self.checkpoints {
            directory.rehearse_save(&encoded)?;
        }
        Ok(())
    }

    /// Whether a path leads to the output.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.output.is_at(path)
    }

    /// Saves the run to the output alone.
    pub(crate) fn save_output(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Saved, Error> {
        let saved = self.output.save(checkpoint)?;
        self.set_aside.extend(saved.set_aside.iter().cloned());
        Ok(saved)
    }

    /// Saves the run, after an epoch or after a stop within one, and the checkpoints that are then due. `epochs` is the
    /// run's total.
    pub(crate) fn save(
        &mut self,
        checkpoint: &CheckpointRef<'_>,
        epochs: u64,
    ) -> Result<(), Error> {
        let Saved { encoded, .. } = self.save_output(checkpoint)?;
        let Self { checkpoints, set_aside, .. } = self;
        let (Some((directory, every)), Some(state)) = (checkpoints, checkpoint.training) else {
            return Ok(());
        };
        let TrainingState { config, progress, history, .. } = state;
        let is_end_of_epoch = progress.batch == 0;
        let is_last = progress.epoch >= epochs || state.stops_early();
        if !is_end_of_epoch || is_last || progress.epoch.is_multiple_of(*every) {
            set_aside.extend(directory.save(&encoded)?);
        }
        let best_epoch = config.monitor.best_epoch(history);
        if is_end_of_epoch && best_epoch.is_some_and(|best| best + 1 == history.len()) {
            set_aside.extend(directory.save_best(&encoded)?);
        }
        Ok(())
    }

    /// Saves a checkpoint of a run that was stopped at the end of an epoch, if none was due.
    pub(crate) fn stop(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        if let Some((directory, _)) = &mut self.checkpoints {
            let encoded = self.output.encode(checkpoint)?;
            self.set_aside.extend(directory.save(&encoded)?);
        }
        Ok(())
    }
}
