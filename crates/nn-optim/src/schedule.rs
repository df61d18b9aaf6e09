//! Learning-rate schedules, as pure functions of the step and of the run's history.
//!
//! A schedule has no counters. A rate depends only on what a run has anyway: its count of steps and the losses of its
//! epochs. So a schedule has no state to save, and none to restore wrongly.
//!
//! Each kind of decay has its own file. `Decay::with_rule` is the only match on them.

use self::rule::DecayRule;
use crate::{Description, Error, error::check};

mod rule;

mod constant;
mod cosine;
mod exponential;
mod inverse_time;
mod one_cycle;
mod plateau;
mod step;

/// A learning-rate schedule: an optional linear warm-up, then a decay.
///
/// The rate of step `s`, counted from 0, where `t` is the decay's clock:
///
/// ```text
/// s < warmup:  learning_rate * (s + 1) / warmup
/// else:        decay of learning_rate, at t = s - warmup
/// ```
///
/// So the last step of the warm-up has the full rate, and so does the first one after it, at which the decay's clock
/// starts. PyTorch's `SequentialLR` of a `LinearLR` and another schedule does the same.
///
/// There is no default schedule. A number converts into a constant rate.
///
/// ```
/// use nn_optim::{Decay, Schedule};
///
/// assert_eq!(Schedule::from(0.01).rate_at(1_000_000, 0), 0.01);
/// assert_eq!(Schedule::book().rate_at(1_000, 0), 0.0005);
///
/// let cosine = Decay::Cosine { steps: 10_000, minimum: 0.0 };
/// let schedule = Schedule { learning_rate: 0.01, warmup: 500, decay: cosine };
/// schedule.validate()?;
/// assert_eq!(schedule.rate_at(5_500, 0), 0.005);
/// # Ok::<(), nn_optim::Error>(())
/// ```
///
/// # Sources
///
/// The warm-up: Goyal and others, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017),
/// section 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The learning rate at the end of the warm-up, from which it decays. With [`Decay::OneCycle`], it is the highest
    /// rate.
    pub learning_rate: f64,
    /// The number of steps of the warm-up.
    pub warmup: u64,
    /// How the rate decays after the warm-up.
    pub decay: Decay,
}

/// How the learning rate decays after the warm-up, as a function of the decay's clock `t`.
// Not `non_exhaustive`, for the same reason as `OptimizerConfig`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// A constant rate: `rate`.
    Constant,
    /// Inverse time decay: `rate / (1 + decay * t)`, as in the book.
    InverseTime {
        /// The decay per step; 0 or above.
        decay: f64,
    },
    /// Step decay: `rate * factor^(t / every)`, with the quotient rounded down.
    Step {
        /// The number of steps from one drop to the next; 1 or more.
        every: u64,
        /// The factor of a drop, above 0 and at most 1.
        factor: f64,
    },
    /// Exponential decay: `rate * factor^(t / every)`, with the exact quotient.
    Exponential {
        /// The number of steps in which the rate falls by the factor, such as the steps of an epoch; 1 or more.
        every: u64,
        /// The factor, above 0 and at most 1.
        factor: f64,
    },
    /// Cosine annealing: `minimum + (rate - minimum) * (1 + cos(pi * t / steps)) / 2`, then `minimum`.
    ///
    /// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), equation 5,
    /// without restarts.
    Cosine {
        /// The number of steps down to the minimum; 1 or more.
        steps: u64,
        /// The rate at the end, from 0 to the learning rate.
        minimum: f64,
    },
    /// One cycle: along half a cosine from `rate / 25` up to `rate` in three tenths of the steps, then along another
    /// one down to `rate / 250000`, where it stays.
    ///
    /// Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates" (2018),
    /// with the two cosines that are the default of PyTorch's `OneCycleLR`. It spans the whole run, and the schedule
    /// must have no other warm-up.
    OneCycle {
        /// The number of steps in the cycle; 1 or more.
        steps: u64,
    },
    /// Reduction on plateaus of the loss: `rate * factor^drops`, where [`Schedule::drops`] computes `drops` from the
    /// losses of the epochs. Drops apply during the warm-up, too.
    Plateau {
        /// The factor of a drop, above 0 and below 1.
        factor: f64,
        /// How many epochs in a row can pass without improvement before the rate drops.
        patience: u64,
        /// How far below the best loss a loss must be to count as an improvement; 0 or above.
        min_delta: f64,
    },
}

impl From<f64> for Schedule {
    /// Converts a number into a constant learning rate, as [`Schedule::constant`] does.
    fn from(learning_rate: f64) -> Self {
        Self::constant(learning_rate)
    }
}

impl Decay {
    /// Calls `f` with the rule of this kind of decay.
    fn with_rule<T>(&self, f: impl FnOnce(&dyn DecayRule) -> T) -> T {
        match *self {
            Self::Constant => f(&constant::Constant),
            Self::InverseTime { decay } => f(&inverse_time::InverseTime { decay }),
            Self::Step { every, factor } => f(&step::StepDecay { every, factor }),
            Self::Exponential { every, factor } => f(&exponential::Exponential { every, factor }),
            Self::Cosine { steps, minimum } => f(&cosine::Cosine { steps, minimum }),
            Self::OneCycle { steps } => f(&one_cycle::OneCycle { steps }),
            Self::Plateau { factor, patience, min_delta } => {
                f(&plateau::Plateau { factor, patience, min_delta })
            }
        }
    }

    /// The name of the decay in model files.
    pub fn name(&self) -> &'static str {
        self.description().name
    }

    /// Describes the decay: its name, a phrase and its settings.
    pub fn description(&self) -> Description {
        self.with_rule(|rule| rule.description())
    }
}

impl Schedule {
    /// A constant learning rate without a warm-up.
    pub const fn constant(learning_rate: f64) -> Self {
        Self { learning_rate, warmup: 0, decay: Decay::Constant }
    }

    /// The book's schedule for Fashion-MNIST: a learning rate of 1e-3 with an inverse time decay of 1e-3 per step,
    /// without a warm-up.
    pub const fn book() -> Self {
        Self { learning_rate: 1e-3, warmup: 0, decay: Decay::InverseTime { decay: 1e-3 } }
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, or there is a warm-up before [`Decay::OneCycle`].
    pub fn validate(&self) -> Result<(), Error> {
        let Self { learning_rate, warmup, decay } = *self;
        let rate_valid = learning_rate.is_finite() && learning_rate > 0.0;
        check(rate_valid, "learning rate", "a finite number above 0", learning_rate)?;
        decay.with_rule(|rule| rule.validate(learning_rate, warmup))
    }

    /// Computes the learning rate of a step, counted from 0. `drops` is the number of drops so far: see
    /// [`Self::drops`].
    ///
    /// # Panics
    ///
    /// If `every` or `steps` is 0, which [`Self::validate`] refuses. With other settings that it refuses, the rate has
    /// no meaning.
    pub fn rate_at(&self, step: u64, drops: u32) -> f64 {
        let Self { learning_rate: rate, warmup, decay } = *self;
        decay.with_rule(|rule| {
            let rate = match step.checked_sub(warmup) {
                Some(t) => rule.rate_at(rate, t),
                // In this order of operations, the last step has exactly the rate itself.
                None => rate * ((step + 1) as f64 / warmup as f64),
            };
            rate * rule.drop_factor(drops)
        })
    }

    /// Counts how often the rate has dropped in a run, given the losses of its epochs, first to last. It is 0 except
    /// with [`Decay::Plateau`].
    ///
    /// An epoch is an improvement if its loss is below the best earlier loss by more than `min_delta`; NaN never is.
    /// The rate drops when there have been more than `patience` epochs in a row without improvement, counted from the
    /// beginning or from the last drop.
    ///
    /// This is a pure function of the whole history, so a run does not need a counter.
    pub fn drops(&self, losses: impl IntoIterator<Item = f64>) -> u32 {
        self.decay.with_rule(|rule| rule.drops(&mut losses.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Schedule = Schedule::constant(0.5);

    /// One decay of each kind.
    fn decays() -> [Decay; 7] {
        [
            Decay::Constant,
            Decay::InverseTime { decay: 0.25 },
            Decay::Step { every: 3, factor: 0.5 },
            Decay::Exponential { every: 3, factor: 0.5 },
            Decay::Cosine { steps: 10, minimum: 0.1 },
            Decay::OneCycle { steps: 10 },
            Decay::Plateau { factor: 0.5, patience: 1, min_delta: 0.1 },
        ]
    }

    #[test]
    fn falls_with_the_inverse_of_time() {
        let schedule = Schedule { decay: Decay::InverseTime { decay: 0.25 }, ..HALF };
        assert_eq!([0, 4, 12].map(|step| schedule.rate_at(step, 0)), [0.5, 0.25, 0.125]);
        let constant = Schedule { decay: Decay::InverseTime { decay: 0.0 }, ..HALF };
        assert_eq!(constant.rate_at(u64::MAX, 0), 0.5);
    }

    /// At any step, even the last that can be counted, the rate is between 0 and the highest rate.
    #[test]
    fn has_no_end() {
        for decay in decays() {
            for warmup in [0, 5, u64::MAX] {
                let schedule = Schedule { warmup, decay, ..HALF };
                for step in [0, 4, 5, 9, 10, 100, 1 << 53, u64::MAX - 1, u64::MAX] {
                    for drops in [0, 1, u32::MAX] {
                        let rate = schedule.rate_at(step, drops);
                        assert!((0.0..=0.5).contains(&rate), "{schedule:?}, {step}: {rate}");
                    }
                }
            }
        }
        let rate = |decay| Schedule { decay, ..HALF }.rate_at(u64::MAX, 0);
        assert_eq!(rate(Decay::Cosine { steps: 10, minimum: 0.1 }), 0.1);
        assert_eq!(rate(Decay::OneCycle { steps: 10 }), 0.5 / 25e4);
    }

    /// The decay begins when the warm-up has ended.
    #[test]
    fn rises_first() {
        for decay in decays() {
            let schedule = Schedule { warmup: 4, decay, ..HALF };
            let rise = [0, 1, 2, 3].map(|step| schedule.rate_at(step, 0));
            assert_eq!(rise, [0.125, 0.25, 0.375, 0.5], "{decay:?}");
            for step in 0..20 {
                let without = Schedule { decay, ..HALF }.rate_at(step, 0);
                assert_eq!(schedule.rate_at(4 + step, 0), without, "{decay:?}, {step}");
            }
        }
    }

    #[test]
    fn only_a_plateau_drops() {
        for decay in decays() {
            let drops = Schedule { decay, ..HALF }.drops([1.0; 9]);
            assert_eq!(drops > 0, matches!(decay, Decay::Plateau { .. }), "{decay:?}");
        }
        let schedule = Schedule {
            warmup: 2,
            decay: Decay::Plateau { factor: 0.5, patience: 1, min_delta: 0.1 },
            ..HALF
        };
        // The rate drops after two epochs in a row without improvement, counted from the beginning, the best or the
        // last drop. Less than 0.1 is not an improvement.
        let nan = f64::NAN;
        let losses = [1.0, 0.95, 0.8, 0.9, 0.75, 0.8, 0.8, 0.5, nan, nan, f64::INFINITY];
        let drops: Vec<u32> =
            (0..=losses.len()).map(|n| schedule.drops(losses[..n].to_vec())).collect();
        assert_eq!(drops, [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
        // Drops apply within the warm-up, too.
        assert_eq!([0, 1, 2].map(|step| schedule.rate_at(step, 2)), [0.0625, 0.125, 0.125]);
    }
}
