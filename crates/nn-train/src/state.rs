//! The state of a run, as plain data: with the model, all that resuming needs and all that a
//! checkpoint keeps.
//!
//! Nothing here is of the clock or of the machine, so two runs are the same run exactly where
//! their models and states are equal.

use nn_core::LossSum;
use nn_optim::{Optimizer, Schedule};

use crate::Error;

/// What a run is, for as long as it lasts: resuming with another value would be another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunConfig {
    /// Determines every random draw.
    pub seed: u64,
    /// Samples of a step, 1 or more; an epoch's last batch may be shorter.
    pub batch_size: usize,
}

impl Default for RunConfig {
    /// Seed 0, batches of 128.
    fn default() -> Self {
        Self { seed: 0, batch_size: 128 }
    }
}

impl RunConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If the batch size is 0.
    pub fn validate(&self) -> Result<(), Error> {
        if self.batch_size == 0 {
            return Err(Error::EmptyBatch);
        }
        Ok(())
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Epochs completed.
    pub epoch: u64,
    /// Batches done of the epoch under way.
    pub batch: u64,
    /// Sums over those batches, each sample by the parameters its batch was computed with.
    pub sums: LossSum,
}

/// Mean loss and accuracy over some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Mean cross-entropy of a sample, in nats.
    pub loss: f64,
    /// Share of samples predicted right, 0 to 1.
    pub accuracy: f64,
}

impl From<LossSum> for Metrics {
    fn from(sum: LossSum) -> Self {
        Self { loss: sum.mean_loss(), accuracy: sum.accuracy() }
    }
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// Over the training samples, while the parameters were changing.
    pub train: Metrics,
    /// Over the samples held out, after the epoch; absent where none were.
    pub validation: Option<Metrics>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
}

/// The index of the best epoch: the first that had the lowest loss over the samples held out, or over the
/// training samples where none were. A loss that is not finite is never the best.
pub fn best_epoch(history: &[EpochRecord]) -> Option<usize> {
    let loss = |record: &EpochRecord| record.validation.unwrap_or(record.train).loss;
    let losses = history.iter().map(loss).enumerate().filter(|(_, loss)| loss.is_finite());
    losses.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
}

/// All of a run but its model: optimizer, schedule, settings, progress and history.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// The optimizer with its moments and its count of steps, which is the run's.
    pub optimizer: Optimizer,
    /// The learning rate by step.
    pub schedule: Schedule,
    /// What must stay as it is.
    pub config: RunConfig,
    /// How far the run has come.
    pub progress: Progress,
    /// One record a completed epoch.
    pub history: Vec<EpochRecord>,
}
