//! Reduction on plateaus of the loss: `rate * factor^drops`.

use super::rule::DecayRule;
use crate::{
    Description, Error, Setting,
    error::{check, check_not_negative},
};

pub(crate) struct Plateau {
    pub(crate) factor: f64,
    pub(crate) patience: u64,
    pub(crate) min_delta: f64,
}

impl DecayRule for Plateau {
    fn description(&self) -> Description {
        Description::new(
            "plateau",
            "times {factor} after more than {patience} not better by {min_delta}",
            vec![
                ("factor", Setting::Real(self.factor)),
                ("patience", Setting::Epochs(self.patience)),
                ("min_delta", Setting::Real(self.min_delta)),
            ],
        )
    }

    fn validate(&self, _learning_rate: f64, _warmup: u64) -> Result<(), Error> {
        let falls = self.factor > 0.0 && self.factor < 1.0;
        check(falls, "factor", "above 0 and below 1", self.factor)?;
        check_not_negative("min_delta", self.min_delta)
    }

    fn drops(&self, losses: &mut dyn Iterator<Item = f64>) -> u32 {
        let (mut drops, mut best, mut waited) = (0, f64::INFINITY, 0);
        for loss in losses {
            if loss < best - self.min_delta {
                (best, waited) = (loss, 0);
            } else if waited < self.patience {
                waited += 1;
            } else {
                (drops, waited) = (drops + 1, 0);
            }
        }
        drops
    }

    fn drop_factor(&self, drops: u32) -> f64 {
        libm::pow(self.factor, f64::from(drops))
    }
}
