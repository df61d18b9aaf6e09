//! What every kind of decay implements, so that a kind is one file: its facts and its formula.

use crate::{Description, Error, error::check};

/// A kind of decay with its settings, and everything that follows from them.
pub(crate) trait DecayRule {
    /// The kind in words and numbers.
    fn description(&self) -> Description;

    /// The error for the first setting outside its range, with a valid learning rate and a warm-up of so many steps.
    fn validate(&self, _learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        Ok(())
    }

    /// The rate at `t` steps after the warm-up, from a learning rate of `rate`. Kinds that go by epochs leave it.
    fn rate_at(&self, rate: f64, _t: u64) -> f64 {
        rate
    }

    /// How often the rate drops in a run whose epochs had these losses. Only kinds that go by epochs ever drop.
    fn drops(&self, _losses: &mut dyn Iterator<Item = f64>) -> u32 {
        0
    }

    /// The factor of so many drops, which applies during the warm-up, too.
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

/// Half a cosine, from `from` at 0 to `to` at 1.
pub(crate) fn half_cosine(from: f64, to: f64, at: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * at).cos()) / 2.0
}
