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
    /// Locks the file, so that no other run writes it.
    ///
    /// # Errors
    ///
    /// If another run has it, or it exists and is no model.
    pub fn claim(output: impl Into<PathBuf>) -> Result<Self, Error> {
        let output = output.into();
        nn_io::check_output(&output)?;
        let lock = FileLock::acquire(&output)?;
        Ok(Self { output, checkpoints: None, _lock: lock })
    }

    /// Also keeps the newest checkpoints and the best one in a directory, one each `every` epochs.
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

    /// Saves the run, and the checkpoints that are due after this epoch or after a stop within one. The run ends after
    /// `epochs`.
    pub(crate) fn save(&mut self, checkpoint: CheckpointRef<'_>, epochs: u64) -> Result<(), Error> {
        checkpoint.save(&self.output)?;
        let (Some((directory, every)), Some(state)) = (&mut self.checkpoints, checkpoint.training)
        else {
            return Ok(());
        };
        let TrainingState { config, progress, history, .. } = state;
        let is_end_of_epoch = progress.batch == 0;
        let is_last = progress.epoch >= epochs;
        if !is_end_of_epoch || is_last || progress.epoch.is_multiple_of(*every) {
            directory.save(&checkpoint)?;
        }
        let best_epoch = config.monitor.best_epoch(history);
        if is_end_of_epoch && best_epoch == history.len().checked_sub(1) {
            directory.save_best(&checkpoint)?;
        }
        Ok(())
    }
}
