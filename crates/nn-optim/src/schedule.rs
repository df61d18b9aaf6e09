//! Learning rates as pure functions of the step and of the run's history.
//!
//! A schedule counts nothing: what a rate depends on is the run's already, its count of steps and the losses
//! of its epochs, so there is no state to save here and none to restore wrongly.

use std::f64::consts::PI;

use crate::{Error, error::check};

/// How the learning rate goes as steps are taken: it rises for a while, if it is to, and then decays.
///
/// The rate of step `s`, the first being step 0, where `t` is the decay's clock:
///
/// ```text
/// s < warmup:  learning_rate * (s + 1) / warmup
/// else:        decay of learning_rate, at t = s - warmup
/// ```
///
/// So the last step of the warm-up has the whole rate, and so has the first one behind it: the decay's clock
/// stands still meanwhile, as in PyTorch's `SequentialLR` of a `LinearLR` and another.
///
/// # Sources
///
/// For the warm-up: Goyal and others, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017),
/// section 2.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The rate that the warm-up rises to and that decays; of [`Decay::OneCycle`], the highest.
    pub learning_rate: f64,
    /// Steps that rise linearly to the rate.
    pub warmup: u64,
    /// How it goes from there.
    pub decay: Decay,
}

/// How a learning rate goes after the warm-up, at the decay's clock `t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// `rate`.
    Constant,
    /// `rate / (1 + decay * t)`, as in the book.
    InverseTime {
        /// How fast it falls, per step, 0 or above.
        decay: f64,
    },
    /// `rate * factor^(t / every)`, the quotient being whole.
    Step {
        /// Steps from one drop to the next, 1 or more.
        every: u64,
        /// What a drop multiplies with, above 0 and at most 1.
        factor: f64,
    },
    /// `rate * factor^t`.
    Exponential {
        /// What each step multiplies with, above 0 and at most 1.
        factor: f64,
    },
    /// Half a cosine: `minimum + (rate - minimum) * (1 + cos(pi * t / steps)) / 2`, then `minimum`.
    ///
    /// Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017), equation 5,
    /// without restarts.
    Cosine {
        /// Steps down to the minimum, 1 or more.
        steps: u64,
        /// Where it ends, from 0 to the learning rate.
        minimum: f64,
    },
    /// Half a cosine up from `rate / 25` to `rate` in three tenths of the steps, and one down to
    /// `rate / 250000`, where it stays.
    ///
    /// Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates"
    /// (2018), in the two cosines that PyTorch's `OneCycleLR` has by default. It is the whole of a run and
    /// has no warm-up beside its own.
    OneCycle {
        /// Steps of the cycle, 1 or more.
        steps: u64,
    },
    /// `rate * factor^drops`, where `drops` is what [`Schedule::drops`] finds in the losses of the epochs.
    Plateau {
        /// What a drop multiplies with, above 0 and below 1.
        factor: f64,
        /// How many epochs in a row may bring nothing before the rate drops.
        patience: u64,
        /// By how much a loss must fall below the lowest one before to be better, 0 or above.
        min_delta: f64,
    },
}

impl Default for Schedule {
    /// The book's for Fashion-MNIST: 1e-3, decaying by 1e-3 a step, without a warm-up.
    fn default() -> Self {
        Self { learning_rate: 1e-3, warmup: 0, decay: Decay::InverseTime { decay: 1e-3 } }
    }
}

impl Decay {
    /// The kind's name, as model files have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::InverseTime { .. } => "inverse_time",
            Self::Step { .. } => "step",
            Self::Exponential { .. } => "exponential",
            Self::Cosine { .. } => "cosine",
            Self::OneCycle { .. } => "one_cycle",
            Self::Plateau { .. } => "plateau",
        }
    }
}

impl Schedule {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range, or there is a warm-up before [`Decay::OneCycle`].
    pub fn validate(&self) -> Result<(), Error> {
        let Self { learning_rate, warmup, decay } = *self;
        let rate_valid = learning_rate.is_finite() && learning_rate > 0.0;
        check(rate_valid, "learning rate", "a finite number above 0", learning_rate)?;
        match decay {
            Decay::Constant => Ok(()),
            Decay::InverseTime { decay } => check_not_negative("decay", decay),
            Decay::Step { every, factor } => {
                check(every > 0, "every", "1 step or more", every as f64)?;
                check_factor(factor)
            }
            Decay::Exponential { factor } => check_factor(factor),
            Decay::Cosine { steps, minimum } => {
                check(steps > 0, "steps", "1 or more", steps as f64)?;
                let within = (0.0..=learning_rate).contains(&minimum);
                check(within, "minimum", "at least 0 and at most the learning rate", minimum)
            }
            Decay::OneCycle { steps } => {
                check(steps > 0, "steps", "1 or more", steps as f64)?;
                let expected = "0, as one cycle has a rise of its own";
                check(warmup == 0, "warmup", expected, warmup as f64)
            }
            Decay::Plateau { factor, patience: _, min_delta } => {
                let falls = factor > 0.0 && factor < 1.0;
                check(falls, "factor", "above 0 and below 1", factor)?;
                check_not_negative("min_delta", min_delta)
            }
        }
    }

    /// The learning rate of a step, the first being step 0, in a run in which the rate has dropped `drops`
    /// times: see [`Self::drops`].
    ///
    /// # Panics
    ///
    /// Where a count of steps is 0 that [`Self::validate`] refuses. Of other settings that it refuses the rate has no
    /// meaning.
    pub fn rate_at(&self, step: u64, drops: u32) -> f64 {
        let Self { learning_rate: rate, warmup, decay } = *self;
        let warm = match step.checked_sub(warmup) {
            Some(_) => rate,
            // In this order the last one is the rate itself.
            None => rate * ((step + 1) as f64 / warmup as f64),
        };
        // What goes by epochs, and not by steps, does so while the rate rises, too.
        if let Decay::Plateau { factor, .. } = decay {
            return warm * factor.powf(f64::from(drops));
        }
        let Some(t) = step.checked_sub(warmup) else { return warm };
        match decay {
            Decay::Constant | Decay::Plateau { .. } => rate,
            Decay::InverseTime { decay } => rate / (1.0 + decay * t as f64),
            // powf, not powi: the counts are no i32.
            Decay::Step { every, factor } => rate * factor.powf((t / every) as f64),
            Decay::Exponential { factor } => rate * factor.powf(t as f64),
            Decay::Cosine { steps, minimum } if t < steps => {
                half_cosine(rate, minimum, t as f64 / steps as f64)
            }
            Decay::Cosine { minimum, .. } => minimum,
            Decay::OneCycle { steps } => one_cycle(rate, steps, t),
        }
    }

    /// How often the rate has dropped in a run whose epochs came to these losses, first epoch first: 0 but
    /// for [`Decay::Plateau`].
    ///
    /// A loss is better where it is below the lowest one before by more than `min_delta`. The rate drops
    /// after each epoch that is one more than `patience` in a row without a better one, since the beginning
    /// or the last drop. A loss that is not a number is never better.
    ///
    /// A pure function of the whole history: a run counts nothing on the way.
    pub fn drops(&self, losses: impl IntoIterator<Item = f64>) -> u32 {
        let Decay::Plateau { patience, min_delta, .. } = self.decay else { return 0 };
        let (mut drops, mut best, mut waited) = (0, f64::INFINITY, 0);
        for loss in losses {
            if loss < best - min_delta {
                (best, waited) = (loss, 0);
            } else if waited < patience {
                waited += 1;
            } else {
                (drops, waited) = (drops + 1, 0);
            }
        }
        drops
    }
}

fn check_not_negative(name: &'static str, found: f64) -> Result<(), Error> {
    check(found.is_finite() && found >= 0.0, name, "a finite number, 0 or above", found)
}

fn check_factor(factor: f64) -> Result<(), Error> {
    check(factor > 0.0 && factor <= 1.0, "factor", "above 0 and at most 1", factor)
}

/// From `from` at 0 to `to` at 1.
fn half_cosine(from: f64, to: f64, at: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * at).cos()) / 2.0
}

/// The two cosines of [`Decay::OneCycle`], from step 0 to step `steps - 1`.
fn one_cycle(rate: f64, steps: u64, step: u64) -> f64 {
    const RISE: f64 = 0.3;
    let (first, last) = (rate / 25.0, rate / 25e4);
    // PyTorch's highest step, which need be none: below 0 where there are too few steps to rise in.
    let (highest, end) = (RISE * steps as f64 - 1.0, (steps - 1) as f64);
    let at = step as f64;
    if at <= highest {
        half_cosine(first, rate, at / highest)
    } else if at < end {
        half_cosine(rate, last, (at - highest) / (end - highest))
    } else {
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Schedule = Schedule { learning_rate: 0.5, warmup: 0, decay: Decay::Constant };

    /// One of each kind.
    fn decays() -> [Decay; 7] {
        [
            Decay::Constant,
            Decay::InverseTime { decay: 0.25 },
            Decay::Step { every: 3, factor: 0.5 },
            Decay::Exponential { factor: 0.5 },
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

    /// However far it goes, a rate is a number from 0 to the highest.
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

    /// The decay begins where the warm-up has ended.
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
        // Two in a row that are not better, since the beginning, the best or the last drop; and none that is
        // better by less than 0.1.
        let nan = f64::NAN;
        let losses = [1.0, 0.95, 0.8, 0.9, 0.75, 0.8, 0.8, 0.5, nan, nan, f64::INFINITY];
        let drops: Vec<u32> =
            (0..=losses.len()).map(|n| schedule.drops(losses[..n].to_vec())).collect();
        assert_eq!(drops, [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
        // Within the warm-up as well.
        assert_eq!([0, 1, 2].map(|step| schedule.rate_at(step, 2)), [0.0625, 0.125, 0.125]);
    }
}
