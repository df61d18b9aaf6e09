//! Learning rates as pure functions of the step.

use crate::{Error, error::check};

/// How the learning rate goes as steps are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// `learning_rate / (1 + decay * step)`, as in the book; constant where `decay` is 0.
    InverseTime {
        /// The rate of the first step.
        learning_rate: f64,
        /// How fast it falls, per step.
        decay: f64,
    },
}

impl Default for Schedule {
    /// The book's for Fashion-MNIST: 1e-3, decaying by 1e-3 a step.
    fn default() -> Self {
        Schedule::InverseTime { learning_rate: 1e-3, decay: 1e-3 }
    }
}

impl Schedule {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If a rate is not finite, the learning rate not above 0, or the decay below 0.
    pub fn validate(&self) -> Result<(), Error> {
        let Schedule::InverseTime { learning_rate, decay } = *self;
        let rate_valid = learning_rate.is_finite() && learning_rate > 0.0;
        check(rate_valid, "learning rate", "a finite number above 0", learning_rate)?;
        let decay_valid = decay.is_finite() && decay >= 0.0;
        check(decay_valid, "decay", "a finite number, 0 or above", decay)
    }

    /// The learning rate of a step, the first being step 0.
    pub fn rate_at(&self, step: u64) -> f64 {
        let Schedule::InverseTime { learning_rate, decay } = *self;
        learning_rate / (1.0 + decay * step as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_with_the_inverse_of_time() {
        let schedule = Schedule::InverseTime { learning_rate: 0.5, decay: 0.25 };
        assert_eq!([0, 4, 12].map(|step| schedule.rate_at(step)), [0.5, 0.25, 0.125]);
        let constant = Schedule::InverseTime { learning_rate: 0.5, decay: 0.0 };
        assert_eq!(constant.rate_at(u64::MAX), 0.5);
    }

    #[track_caller]
    fn refused(learning_rate: f64, decay: f64, name: &str) {
        let error = Schedule::InverseTime { learning_rate, decay }.validate().unwrap_err();
        assert!(error.to_string().starts_with(name), "{error}");
    }

    #[test]
    fn refuses_what_cannot_train() {
        assert_eq!(Schedule::default().validate(), Ok(()));
        for rate in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            refused(rate, 0.0, "learning rate");
        }
        for decay in [f64::NAN, f64::INFINITY, -1e-9] {
            refused(0.1, decay, "decay");
        }
    }
}
