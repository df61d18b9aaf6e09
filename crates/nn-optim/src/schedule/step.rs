//! Step decay: `rate * factor^(t / every)`, with the quotient rounded down.

use super::rule::{DecayRule, check_every, check_factor};
use crate::{Description, Error, Setting};

pub(crate) struct StepDecay {
    pub(crate) every: u64,
    pub(crate) factor: f64,
}

impl DecayRule for StepDecay {
    fn description(&self) -> Description {
        Description::new(
            "step",
            "times {factor} every {every}",
            vec![("every", Setting::Steps(self.every)), ("factor", Setting::Real(self.factor))],
        )
    }

    fn validate(&self, _learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        check_every(self.every)?;
        check_factor(self.factor)
    }

    fn rate_at(&self, rate: f64, t: u64) -> f64 {
        rate * libm::pow(self.factor, (t / self.every) as f64)
    }
}
