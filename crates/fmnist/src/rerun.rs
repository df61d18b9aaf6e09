//! Trains a new run with the settings of a saved one, twice, to check that stopping and resuming change no bit.
//!
//! If the file has as many epochs, its own state is compared, too.

use std::ops::ControlFlow;

use fmnist_data::{Dataset, Split};
use nn_core::Model;
use nn_io::{Checkpoint, ModelInfo};
use nn_train::{Event, FitOutcome, Progress, Threads, TrainingState};

use crate::{Error, Trainer, hold_out};

/// A run that was trained twice from its beginning: without a stop, and with many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerun {
    /// How many epochs the runs have: as many as asked for, or fewer if early stopping ended them.
    pub epochs: u64,
    /// Whether early stopping ended the runs.
    pub stopped_early: bool,
    /// How often the second run was stopped.
    pub stops: usize,
    /// The `state_sha256` of the run without a stop.
    pub uninterrupted: String,
    /// The `state_sha256` of the run that was stopped and resumed.
    pub resumed: String,
    /// Whether the run without a stop ended in the file's own state; `None` if the file has another number of epochs, or
    /// part of an epoch. It does not if the file's run began with other weights, or if its learning rate or arithmetic
    /// was changed.
    pub reproduced: Option<bool>,
}

impl Rerun {
    /// Trains a new run with the file's network, settings and seed, for so many epochs, twice: once without a stop, and
    /// once stopped in the middle and at the end of each epoch. Each time, everything is dropped except the bytes that a
    /// save would have written, and the run resumes from these. Both must end with the same checksum.
    ///
    /// # Errors
    ///
    /// If the file has no training state, this is not the run's dataset, or a run fails.
    pub fn new(
        checkpoint: &Checkpoint,
        dataset: Dataset,
        threads: &Threads,
        epochs: u64,
    ) -> Result<Self, Error> {
        let TrainingState { config, progress, .. } =
            checkpoint.training.as_ref().ok_or(Error::ForInference)?;
        config.choose_arithmetic()?;
        let (train, held_out) = hold_out(dataset.train, checkpoint.info.n_validation, config)?;
        let validation = if config.validates_on_test { dataset.test } else { held_out };
        let run = |stops| run(checkpoint, [&train, &validation], threads, epochs, stops);
        let (whole, resumed) = (run(false)?, run(true)?);
        let reproduced = match *progress {
            Progress { epoch, batch: 0, .. } if epoch == whole.epochs => {
                Some(checkpoint.view().state_sha256()? == whole.state_sha256)
            }
            // The file's run did not end where it should have.
            Progress { epoch, .. } if whole.stopped_early && epoch >= whole.epochs => Some(false),
            _ => None,
        };
        Ok(Self {
            epochs: whole.epochs,
            stopped_early: whole.stopped_early,
            stops: resumed.stops,
            uninterrupted: whole.state_sha256,
            resumed: resumed.state_sha256,
            reproduced,
        })
    }
}

/// The end of a run.
struct End {
    epochs: u64,
    stopped_early: bool,
    stops: usize,
    state_sha256: String,
}

/// Trains the run from its beginning. With `stops`, it stops after half of the batches of each epoch, rounded up, and
/// after each epoch except the last.
fn run(
    checkpoint: &Checkpoint,
    [train, validation]: [&Split; 2],
    threads: &Threads,
    epochs: u64,
    stops: bool,
) -> Result<End, Error> {
    let Checkpoint { model, info, training } = checkpoint;
    let TrainingState { config, optimizer, schedule, .. } =
        training.as_ref().ok_or(Error::ForInference)?;
    let new = Model::new(model.architecture().clone(), config.init, config.seed);
    let state = TrainingState::new(&new, optimizer.config(), *schedule, config.clone())?;
    let from = |model: Model, state: TrainingState, info: ModelInfo| {
        Trainer::from_parts(model, state, info, threads.clone())
    };
    let mut trainer = from(new, state, info.clone())?;
    let mut n_stops = 0;
    loop {
        let outcome = trainer.fit_with(train, Some(validation), epochs, &mut |event| {
            let is_stop = match event {
                Event::Step(step) => step.batch == step.n_batches.div_ceil(2),
                Event::Epoch { trainer, .. } => trainer.state().progress.epoch < epochs,
                _ => false,
            };
            if stops && is_stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let view = trainer.checkpoint();
        if outcome != FitOutcome::Stopped {
            return Ok(End {
                epochs: trainer.run().state().progress.epoch,
                stopped_early: outcome == FitOutcome::StoppedEarly,
                stops: n_stops,
                state_sha256: view.state_sha256()?,
            });
        }
        n_stops += 1;
        let Checkpoint { model, info, training } = Checkpoint::from_bytes(&view.to_bytes()?)?;
        trainer = from(model, training.ok_or(Error::ForInference)?, info)?;
    }
}
