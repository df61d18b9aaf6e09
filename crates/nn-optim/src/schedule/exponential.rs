//! Exponential decay: `rate * factor^t`.

use super::rule::{DecayRule, check_factor};
use crate::{Description, Error, Setting};

pub(crate) struct Exponential {
    pub(crate) factor: f64,
}

impl DecayRule for Exponential {
    fn description(&self) -> Description {
        Description::new(
            "exponential",
            "times {factor}",
            vec![("factor", Setting::RealPerStep(self.factor))],
        )
    }

    fn validate(&self, _learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        check_factor(self.factor)
    }

    fn rate_at(&self, rate: f64, t: u64) -> f64 {
        // powf, not powi: the count exceeds i32.
        rate * self.factor.powf(t as f64)
    }
}
