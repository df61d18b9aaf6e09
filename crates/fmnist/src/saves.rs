//! Where a run is saved while it trains.

use std::path::{Path, PathBuf};

use nn_io::{Checkpoint, CheckpointDir, CheckpointRef, OutputFile, SetAside};
use nn_train::TrainingState;

use crate::Error;

/// Where a run is saved while it trains: in a file after every epoch, and also in a directory of checkpoints.
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
    /// Whether a model is there that the run replaces, once that is allowed.
    replaces: Option<bool>,
    set_aside: Vec<SetAside>,
}

impl Saves {
    /// Saves to this file, and locks it, so that no other run writes to it.
    ///
    /// # Errors
    ///
    /// As [`OutputFile::claim`]: if another run has locked it, it exists and is not a model, or it cannot be locked.
    pub fn claim(output: impl Into<PathBuf>) -> Result<Self, Error> {
        let output = OutputFile::claim(output)?;
        Ok(Self { output, checkpoints: None, replaces: None, set_aside: Vec::new() })
    }

    /// Also saves checkpoints to a directory: one every `every` epochs, one after the last epoch, one where the run is
    /// stopped, and the best.
    ///
    /// # Errors
    ///
    /// If the output has the name of one of the directory's files.
    pub fn with_checkpoints(self, directory: CheckpointDir, every: u64) -> Result<Self, Error> {
        if directory.has_name(self.output()) {
            let path = self.output().to_owned();
            let found = "a file of a directory of checkpoints".into();
            return Err(nn_io::Error::WouldOverwrite { path, found }.into());
        }
        Ok(Self { checkpoints: Some((directory, every)), ..self })
    }

    /// The file.
    pub fn output(&self) -> &Path {
        self.output.path()
    }

    /// The state in the output, if it is a later one of the same run.
    pub fn later_state(&self, than: &Checkpoint) -> Option<Checkpoint> {
        let later = Checkpoint::load(self.output()).ok()?;
        let step = |it: &Checkpoint| it.training.as_ref().map(|it| it.optimizer.step());
        (step(&later) > step(than) && later.is_of_same_run(than)).then_some(later)
    }

    /// Files that were in the way of a save and are not the run's: they have other names now.
    pub fn set_aside(&self) -> &[SetAside] {
        &self.set_aside
    }

    /// Whether the run replaces a model in the output, which it may if that is of the same dataset.
    pub(crate) fn check_replaced(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<bool, Error> {
        match self.replaces {
            Some(replaces) => Ok(replaces),
            None => Ok(*self.replaces.insert(self.output.check_replaced(checkpoint)?)),
        }
    }

    /// Does everything of a save except replacing files.
    pub(crate) fn rehearse(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        let encoded = self.output.encode(checkpoint)?;
        self.output.rehearse_save(&encoded)?;
        let directory = self.checkpoints.as_ref().map(|(directory, _)| directory);
        Ok(directory.map_or(Ok(()), |it| it.rehearse_save(&encoded))?)
    }

    /// Saves the run, after an epoch or after a stop within one, and the checkpoints that are then due. `epochs` is the
    /// run's length.
    pub(crate) fn save(
        &mut self,
        checkpoint: &CheckpointRef<'_>,
        epochs: u64,
    ) -> Result<(), Error> {
        let Self { output, checkpoints, set_aside, .. } = self;
        let encoded = output.encode(checkpoint)?;
        set_aside.extend(output.save(&encoded)?);
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
