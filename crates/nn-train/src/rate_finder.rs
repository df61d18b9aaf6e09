//! The learning-rate finder: takes steps at rates that rise from very low to very high, and records the loss at each.
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

/// A learning rate, and the loss at that rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLoss {
    /// The learning rate.
    pub learning_rate: f64,
    /// The exponentially smoothed mean loss up to this step.
    pub loss: f64,
}

/// Tests a range of learning rates, for [`suggested_rate`]. Takes the first `n_steps` steps of a run at rates that rise
/// exponentially from the start of `rates` to its end, and returns the smoothed loss at each, until the run diverges.
///
/// The run must be new.
///
/// ```
/// use nn_train::nn_core::Model;
/// use nn_train::nn_optim::Adam;
/// use nn_train::{Features, RunConfig, Samples, Threads, TrainingState, find_rate, suggested_rate};
///
/// let points = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
/// let samples = Samples::new(Features::Floats(&points), 2, &[0, 1, 1, 0])?;
/// let model = Model::classifier(&[2, 16, 2])?;
/// let state = TrainingState::new(&model, Adam::default(), 1e-3, RunConfig::default())?;
/// let found = find_rate(model, state, &samples, 1e-6..10.0, 100, &Threads::default())?;
/// let learning_rate = suggested_rate(&found).unwrap_or(1e-3);
/// # assert!(found.len() > 1 && learning_rate > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If a rate is not finite, the rates do not rise from above 0, there are no steps, the run is not new, or the state or
/// the samples do not fit the model.
pub fn find_rate(
    model: Model,
    state: TrainingState,
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
    let taken = state.optimizer.step();
    check("steps that the run has taken", taken == 0, "0, a new run", taken as f64)?;
    let mut trainer = Trainer::new(model, state, threads)?;
    // A schedule that rises is not valid for a run, so it is set after the checks.
    let factor = rise.powf(1.0 / n_steps.saturating_sub(1).max(1) as f64);
    let decay = Decay::Exponential { every: 1, factor };
    trainer.state.schedule = Schedule { learning_rate: rates.start, warmup: 0, decay };

    let mut found: Vec<RateLoss> = Vec::new();
    let (mut mean, mut weight, mut lowest) = (0.0, 0.0, f64::INFINITY);
    let mut is_over = false;
    while !is_over {
        let observer = &mut |step: Step<'_>| {
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * step.of_step.mean_loss();
            weight = SMOOTHING * weight + (1.0 - SMOOTHING);
            let loss = mean / weight;
            lowest = loss.min(lowest);
            is_over = found.len() as u64 + 1 >= n_steps || loss > DIVERGED * lowest;
            found.push(RateLoss { learning_rate: step.learning_rate, loss });
            if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        match trainer.train_epoch(train, None, observer) {
            Ok(_) => {}
            Err(Error::Diverged { .. }) if !found.is_empty() => is_over = true,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The suggested learning rate: a tenth of the rate with the lowest loss, above which the loss rises; `None` if the
/// loss never fell.
pub fn suggested_rate(found: &[RateLoss]) -> Option<f64> {
    let (at, lowest) =
        found.iter().enumerate().min_by(|(_, a), (_, b)| a.loss.total_cmp(&b.loss))?;
    (at > 0).then_some(lowest.learning_rate / 10.0)
}
