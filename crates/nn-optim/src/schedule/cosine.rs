//! Cosine annealing: along half a cosine from `rate` to `minimum`, then `minimum`.

use super::rule::{DecayRule, check_steps, half_cosine};
use crate::{Description, Error, Setting, error::check};

pub(crate) struct Cosine {
    pub(crate) steps: u64,
    pub(crate) minimum: f64,
}

impl DecayRule for Cosine {
    fn description(&self) -> Description {
        Description::new(
            "cosine",
            "along a cosine to {minimum} in {steps}",
            vec![("steps", Setting::Steps(self.steps)), ("minimum", Setting::Real(self.minimum))],
        )
    }

    fn validate(&self, learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        check_steps(self.steps)?;
        let within = (0.0..=learning_rate).contains(&self.minimum);
        check(within, "minimum", "at least 0 and at most the learning rate", self.minimum)
    }

    fn rate_at(&self, rate: f64, t: u64) -> f64 {
        let &Self { steps, minimum } = self;
        if t < steps { half_cosine(rate, minimum, t as f64 / steps as f64) } else { minimum }
    }
}
