//! Which learning rate a run should have: some steps at rates that rise from very low to very high, and the loss
//! at each.
//!
//! # Sources
//!
//! Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3, with the smoothed losses and
//! the exponential rise that fastai made of it.

use std::{ops::ControlFlow, ops::Range};

use nn_core::Model;
use nn_optim::{Decay, Schedule};

use crate::{Error, Samples, Step, Trainer, TrainingState};

/// How much of the smoothed loss stays at a step.
const SMOOTHING: f64 = 0.95;

/// A loss so many times the lowest one has diverged.
const DIVERGED: f64 = 4.0;

/// A step at a learning rate, and what the loss was then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLoss {
    /// The learning rate.
    pub learning_rate: f64,
    /// The mean loss over the step's samples and, fading, those of the steps before.
    pub loss: f64,
}

/// Takes a run's first `n_steps` steps at learning rates that rise from the start of `rates` to its end by the same
/// factor each, and gives the smoothed loss at each, up to where the run diverges. The run, which must be a new one,
/// is used up.
///
/// # Errors
///
/// If there are no steps, the rates do not rise, the run has begun, the state or the samples do not fit the model, or the
/// threads cannot be started.
pub fn find_rate(
    model: Model,
    state: TrainingState,
    train: &Samples<'_>,
    rates: Range<f64>,
    n_steps: u64,
    threads: usize,
) -> Result<Vec<RateLoss>, Error> {
    if !(rates.start > 0.0 && rates.start.is_finite()) {
        let (name, expected) = ("lowest rate", "a finite number above 0");
        return Err(Error::Config { name, expected, found: rates.start });
    }
    let rise = rates.end / rates.start;
    if !(rise > 1.0 && rise.is_finite()) {
        let (name, expected) = ("highest rate", "a finite number above the lowest rate");
        return Err(Error::Config { name, expected, found: rates.end });
    }
    if n_steps == 0 {
        let (name, expected) = ("steps", "1 or more");
        return Err(Error::Config { name, expected, found: 0.0 });
    }
    if state.optimizer.step() > 0 {
        let (name, expected) = ("steps that the run has taken", "0, a new run");
        return Err(Error::Config { name, expected, found: state.optimizer.step() as f64 });
    }
    let mut trainer = Trainer::new(model, state, threads)?;
    // Not one that a run can have: it rises.
    let factor = rise.powf(1.0 / n_steps.saturating_sub(1).max(1) as f64);
    let decay = Decay::Exponential { factor };
    trainer.set_schedule(Schedule { learning_rate: rates.start, warmup: 0, decay });

    let mut found: Vec<RateLoss> = Vec::new();
    let (mut mean, mut weight, mut lowest) = (0.0, 0.0, f64::INFINITY);
    let mut is_over = false;
    while !is_over {
        let observer = &mut |step: Step| {
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

/// The rate to begin with: a tenth of the one at which the loss was lowest, where it is about to rise; none where it
/// never fell.
pub fn suggested_rate(found: &[RateLoss]) -> Option<f64> {
    let (at, lowest) =
        found.iter().enumerate().min_by(|(_, a), (_, b)| a.loss.total_cmp(&b.loss))?;
    (at > 0).then_some(lowest.learning_rate / 10.0)
}
