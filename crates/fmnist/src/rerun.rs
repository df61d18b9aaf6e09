//! Trains a new run with the settings of a saved one, twice, to check that stopping and resuming change no bit.

use std::ops::ControlFlow;

use fmnist_data::{Dataset, Split};
use nn_core::Model;
use nn_io::{Checkpoint, ModelInfo};
use nn_train::{Event, FitOutcome, Threads, TrainingState};

use crate::{Error, Trainer};

/// A run that was trained twice from its beginning: without a stop, and with many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerun {
    /// How many epochs both runs have.
    pub epochs: u64,
    /// How often the second run was stopped.
    pub stops: usize,
    /// The `state_sha256` of the run without a stop.
    pub uninterrupted: String,
    /// The `state_sha256` of the run that was stopped and resumed.
    pub resumed: String,
}

impl Rerun {
    /// Trains a new run with the file's network, settings and seed, for so many epochs, twice: once without a stop, and
    /// once stopped after every half epoch. Each time, everything is dropped except the bytes that a save would have
    /// written, and the run resumes from these. Both must end with the same checksum. The file's own weights are not
    /// compared: they may have come from a warm start or another learning rate.
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
        let config = &checkpoint.training.as_ref().ok_or(Error::ForInference)?.config;
        config.choose_arithmetic()?;
        let (train, held_out) = dataset.train.hold_out(checkpoint.info.n_validation);
        let half = config.n_batches(train.len()).div_ceil(2);
        let validation = if config.validates_on_test { dataset.test } else { held_out };
        let run = |steps| run(checkpoint, &train, &validation, threads, epochs, steps);
        let (uninterrupted, _) = run(u64::MAX)?;
        let (resumed, stops) = run(half)?;
        Ok(Self { epochs, stops, uninterrupted, resumed })
    }
}

/// Trains the run from its beginning, with a stop after each `steps` steps. Returns its `state_sha256`, and how often it
/// was stopped.
fn run(
    checkpoint: &Checkpoint,
    train: &Split,
    validation: &Split,
    threads: &Threads,
    epochs: u64,
    steps: u64,
) -> Result<(String, usize), Error> {
    let Checkpoint { model, info, training } = checkpoint;
    let TrainingState { config, optimizer, schedule, .. } =
        training.as_ref().ok_or(Error::ForInference)?;
    let new = Model::new(model.architecture().clone(), config.init, config.seed);
    let state = TrainingState::new(&new, optimizer.config(), *schedule, config.clone())?;
    let from = |model: Model, state: TrainingState, info: ModelInfo| {
        Trainer::from_parts(model, state, info, threads.clone())
    };
    let mut trainer = from(new, state, info.clone())?;
    let mut stops = 0;
    loop {
        let mut left = steps;
        let outcome = trainer.fit_with(train, Some(validation), epochs, &mut |event| {
            left -= u64::from(matches!(event, Event::Step(_)));
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let view = trainer.checkpoint();
        if outcome != FitOutcome::Stopped {
            return Ok((view.state_sha256()?, stops));
        }
        stops += 1;
        let Checkpoint { model, info, training } = Checkpoint::from_bytes(&view.to_bytes()?)?;
        trainer = from(model, training.ok_or(Error::ForInference)?, info)?;
    }
}
