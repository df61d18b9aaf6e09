//! Inverse time decay: `rate / (1 + decay * t)`.

use super::rule::DecayRule;
use crate::{Description, Error, Setting, error::check_not_negative};

pub(crate) struct InverseTime {
    pub(crate) decay: f64,
}

impl DecayRule for InverseTime {
    fn description(&self) -> Description {
        Description::new(
            "inverse_time",
            "decay {decay}",
            vec![("decay", Setting::Real(self.decay))],
        )
    }

    fn validate(&self, _learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        check_not_negative("decay", self.decay)
    }

    fn rate_at(&self, rate: f64, t: u64) -> f64 {
        rate / (1.0 + self.decay * t as f64)
    }
}
