//! The trait that every kind of decay implements, so that each kind is one file.

use crate::{Description, Error, error::check};

/// A kind of decay with its settings: description, checks and formula.
pub(crate) trait DecayRule {
    /// Describes the decay: its name, a phrase and its settings.
    fn description(&self) -> Description;

    /// Checks the settings, given a valid learning rate and the steps of the warm-up. The error is that of the first
    /// setting outside its range.
    fn validate(&self, _learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        Ok(())
    }

    /// Computes the rate at `t` steps after the warm-up, from a learning rate of `rate`. Kinds that depend on epochs
    /// leave it unchanged.
    fn rate_at(&self, rate: f64, _t: u64) -> f64 {
        rate
    }

    /// Counts how often the rate drops in a run, given the losses of its epochs. Only kinds that depend on epochs drop.
    fn drops(&self, _losses: &mut dyn Iterator<Item = f64>) -> u32 {
        0
    }

    /// The factor for this number of drops. It applies during the warm-up, too.
    fn drop_factor(&self, _drops: u32) -> f64 {
        1.0
    }
}

pub(crate) fn check_steps(steps: u64) -> Result<(), Error> {
    check(steps > 0, "steps", "1 or more", steps as f64)
}

pub(crate) fn check_every(every: u64) -> Result<(), Error> {
    check(every > 0, "every", "1 step or more", every as f64)
}

pub(crate) fn check_factor(factor: f64) -> Result<(), Error> {
    check(factor > 0.0 && factor <= 1.0, "factor", "above 0 and at most 1", factor)
}

/// Computes half a cosine, from `from` at 0 to `to` at 1.
pub(crate) fn half_cosine(from: f64, to: f64, at: f64) -> f64 {
    to + (from - to) * (1.0 + libm::cos(std::f64::consts::PI * at)) / 2.0
}
