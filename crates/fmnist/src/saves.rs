//! Where a run is saved while it trains.

use std::path::{Path, PathBuf};

use nn_io::{CheckpointDir, CheckpointRef, FileLock};
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
    output: PathBuf,
    checkpoints: Option<(CheckpointDir, u64)>,
    _lock: FileLock,
}

impl Saves {
    /// Saves to this file, and locks it, so that no other run writes to it.
    ///
    /// # Errors
    ///
    /// If another run has locked it, it exists and is not a model, or it cannot be locked.
    pub fn claim(output: impl Into<PathBuf>) -> Result<Self, Error> {
        let output = output.into();
        nn_io::check_output(&output)?;
        let lock = FileLock::acquire(&output)?;
        Ok(Self { output, checkpoints: None, _lock: lock })
    }

    /// Also saves checkpoints to a directory: one every `every` epochs, one after the last epoch, one where the run is
    /// stopped within an epoch, and the best.
    pub fn with_checkpoints(self, directory: CheckpointDir, every: u64) -> Self {
        Self { checkpoints: Some((directory, every)), ..self }
    }

    /// The file.
    pub fn output(&self) -> &Path {
        &self.output
    }

    pub(crate) fn rehearse(&self, checkpoint: &CheckpointRef<'_>) -> Result<(), Error> {
        checkpoint.rehearse_save(&self.output)?;
        let directory = self.checkpoints.as_ref().map(|(directory, _)| directory);
        Ok(directory.map_or(Ok(()), |it| it.rehearse_save(checkpoint))?)
    }

    /// Saves the run, after an epoch or after a stop within one, and the checkpoints that are then due. `epochs` is the
    /// run's length.
    pub(crate) fn save(
        &mut self,
        checkpoint: &CheckpointRef<'_>,
        epochs: u64,
    ) -> Result<(), Error> {
        checkpoint.save(&self.output)?;
        let (Some((directory, every)), Some(state)) = (&mut self.checkpoints, checkpoint.training)
        else {
            return Ok(());
        };
        let TrainingState { config, progress, history, .. } = state;
        let is_end_of_epoch = progress.batch == 0;
        let is_last = progress.epoch >= epochs || state.stops_early();
        if !is_end_of_epoch || is_last || progress.epoch.is_multiple_of(*every) {
            directory.save(checkpoint)?;
        }
        let best_epoch = config.monitor.best_epoch(history);
        if is_end_of_epoch && best_epoch.is_some_and(|best| best + 1 == history.len()) {
            directory.save_best(checkpoint)?;
        }
        Ok(())
    }
}
