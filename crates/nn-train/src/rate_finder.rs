//! The learning-rate finder: takes steps at rates that rise from very low to very high, and records the mean loss of
//! several runs at each rate.
//!
//! The suggested rate lies where the loss still falls. The curve is steep there, so that noise hardly moves the
//! suggestion. Around its lowest value the curve is flat, and where exactly it is lowest depends on the seed.
//!
//! # Sources
//!
//! Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3, with the smoothed losses and
//! the exponential rise of fastai's version.

use std::ops::{ControlFlow, Range};

use nn_core::{Model, SettingError};
use nn_optim::{Decay, Schedule};

use crate::{Error, Samples, Step, Threads, Trainer, TrainingState};

/// The decay of the smoothed loss at a step.
const SMOOTHING: f64 = 0.95;

/// A run counts as diverged once its loss exceeds this many times the lowest loss.
const DIVERGED: f64 = 4.0;

/// The fraction of the fall of the loss that remains at the suggested rate.
const REST_OF_FALL: f64 = 0.1;

/// A learning rate, and the loss at that rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLoss {
    /// The learning rate.
    pub learning_rate: f64,
    /// The mean loss of all runs, exponentially smoothed over the steps up to this one.
    pub loss: f64,
}

/// Measures the loss over a range of learning rates, for [`suggested_rate`]. Takes the first `n_steps` steps of each run
/// at rates that rise exponentially from the start of `rates` to its end. Returns the smoothed mean loss of the runs at
/// each rate, until one of them diverges.
///
/// The runs must be new. With several runs of different seeds, such as five, the suggested rate hardly depends on the
/// seeds.
///
/// ```
/// use nn_train::nn_core::Model;
/// use nn_train::nn_optim::Adam;
/// use nn_train::{
///     Error, Features, RunConfig, Samples, Threads, TrainingState, find_rate, suggested_rate,
/// };
///
/// let points = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
/// let samples = Samples::new(Features::Floats(&points), 2, &[0, 1, 1, 0])?;
/// let model = Model::classifier(&[2, 16, 2])?;
/// let run = |seed| {
///     let config = RunConfig { seed, ..RunConfig::default() };
///     let state = TrainingState::new(&model, Adam::default(), 1e-3, config)?;
///     Ok((model.clone(), state))
/// };
/// let runs = (0..5).map(run).collect::<Result<_, Error>>()?;
/// let found = find_rate(runs, &samples, 1e-6..10.0, 100, &Threads::default())?;
/// let learning_rate = suggested_rate(&found).unwrap_or(1e-3);
/// # assert!(found.len() > 1 && learning_rate > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If a rate is not finite, the rates do not rise from above 0, there are no steps or no runs, a run is not new, or its
/// state or the samples do not fit its model.
pub fn find_rate(
    runs: Vec<(Model, TrainingState)>,
    train: &Samples<'_>,
    rates: Range<f64>,
    n_steps: u64,
    threads: &Threads,
) -> Result<Vec<RateLoss>, Error> {
    let check = SettingError::check;
    let is_valid = rates.start > 0.0 && rates.start.is_finite();
    check("lowest rate", is_valid, "a finite number above 0", rates.start)?;
    let rise = rates.end / rates.start;
    let is_valid = rise > 1.0 && rise.is_finite();
    check("highest rate", is_valid, "a finite number above the lowest rate", rates.end)?;
    check("steps", n_steps > 0, "1 or more", 0.0)?;
    check("runs", !runs.is_empty(), "1 or more", 0.0)?;
    // A rising schedule is not valid for a run, so it is set only after the run has been checked.
    let factor = libm::pow(rise, 1.0 / n_steps.saturating_sub(1).max(1) as f64);
    let decay = Decay::Exponential { every: 1, factor };
    let schedule = Schedule { learning_rate: rates.start, warmup: 0, decay };

    let sweep = |(model, state): (Model, TrainingState)| {
        let taken = state.optimizer.step();
        check("steps that the run has taken", taken == 0, "0, a new run", taken as f64)?;
        let mut trainer = Trainer::new(model, state, threads)?;
        trainer.state.schedule = schedule;
        losses(trainer, train, n_steps)
    };
    let curves = runs.into_iter().map(sweep).collect::<Result<Vec<_>, Error>>()?;
    let n_steps = curves.iter().map(Vec::len).min().unwrap_or_default();
    let mut smoothed = Smoothed::default();
    let at = |step: usize| {
        let sum: f64 = curves.iter().map(|losses| losses[step]).sum();
        RateLoss {
            learning_rate: schedule.rate_at(step as u64, 0),
            loss: smoothed.add(sum / curves.len() as f64),
        }
    };
    Ok((0..n_steps).map(at).collect())
}

/// Takes up to `n_steps` steps, and returns the loss of each. Stops early if the run diverges.
fn losses(mut trainer: Trainer, train: &Samples<'_>, n_steps: u64) -> Result<Vec<f64>, Error> {
    let mut losses: Vec<f64> = Vec::new();
    let (mut smoothed, mut lowest) = (Smoothed::default(), f64::INFINITY);
    let mut is_over = false;
    while !is_over {
        let observer = &mut |step: Step<'_>| {
            let loss = step.of_step.mean_loss();
            losses.push(loss);
            let mean = smoothed.add(loss);
            lowest = mean.min(lowest);
            is_over = losses.len() as u64 >= n_steps || mean > DIVERGED * lowest;
            if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match trainer.train_epoch(train, None, observer) {
            Ok(_) => {}
            Err(Error::Diverged { .. }) if !losses.is_empty() => is_over = true,
            Err(error) => return Err(error),
        }
    }
    Ok(losses)
}

/// An exponentially weighted mean.
#[derive(Default)]
struct Smoothed {
    sum: f64,
    weight: f64,
}

impl Smoothed {
    /// Adds a number, and returns the mean.
    fn add(&mut self, number: f64) -> f64 {
        self.sum = SMOOTHING * self.sum + (1.0 - SMOOTHING) * number;
        self.weight = SMOOTHING * self.weight + (1.0 - SMOOTHING);
        self.sum / self.weight
    }
}

/// Suggests a learning rate, one of those in `found`. Returns `None` if the loss never fell.
///
/// It is the first rate at which the loss has fallen nine tenths of the way from its first to its lowest value:
///
/// ```text
/// loss <= lowest + 0.1 (first - lowest)
/// ```
///
/// # Sources
///
/// Smith (2017), section 3.3, and fastai's `lr_find`, whose suggestions `steep` and `valley` also lie where the loss
/// falls.
pub fn suggested_rate(found: &[RateLoss]) -> Option<f64> {
    let first = found.first()?.loss;
    let lowest = found.iter().map(|it| it.loss).fold(first, f64::min);
    let limit = lowest + REST_OF_FALL * (first - lowest);
    let suggested = found.iter().find(|it| it.loss <= limit)?;
    (lowest < first).then_some(suggested.learning_rate)
}
