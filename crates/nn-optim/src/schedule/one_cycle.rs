//! One cycle: along half a cosine from `rate / 25` up to `rate`, then along another one down to `rate / 250000`.

use super::rule::{DecayRule, check_steps, half_cosine};
use crate::{Description, Error, Setting, error::check};

pub(crate) struct OneCycle {
    pub(crate) steps: u64,
}

impl DecayRule for OneCycle {
    fn description(&self) -> Description {
        Description::new(
            "one_cycle",
            "one cycle of {steps}",
            vec![("steps", Setting::Steps(self.steps))],
        )
    }

    fn validate(&self, _learning_rate: f64, warmup: u64) -> Result<(), Error> {
        check_steps(self.steps)?;
        check(warmup == 0, "warmup", "0, since one cycle includes a warm-up", warmup as f64)
    }

    fn rate_at(&self, rate: f64, t: u64) -> f64 {
        const RISE: f64 = 0.3;
        let (first, last) = (rate / 25.0, rate / 25e4);
        // As in PyTorch, the step of the highest rate does not have to be whole. It is below 0 if there are too few
        // steps for a rise.
        let (highest, end) = (RISE * self.steps as f64 - 1.0, (self.steps - 1) as f64);
        let at = t as f64;
        if at <= highest {
            half_cosine(first, rate, at / highest)
        } else if at < end {
            half_cosine(rate, last, (at - highest) / (end - highest))
        } else {
            last
        }
    }
}
