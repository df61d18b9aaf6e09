//! RMSprop: Adagrad with a running mean of squares instead of their sum.

use super::rule::{Moments, Step, UpdateRule};
use crate::{
    Description, Error, Setting,
    error::{check_epsilon, check_share},
    moment::{Moment, flushed},
};

/// RMSprop: scales each parameter's step by the running mean of its squared gradients.
///
/// A step with gradient `g` and learning rate `rate`:
///
/// ```text
/// cache = rho cache + (1 - rho) g^2
/// param -= rate * g / (sqrt(cache) + epsilon)
/// ```
///
/// # Sources
///
/// Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012). Epsilon is outside the root, as in the book, chapter 10.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// The decay rate of the mean of squares, in `[0, 1)`.
    pub rho: f64,
    /// Added to the root of the mean of squares, to avoid division by 0; above 0.
    pub epsilon: f64,
}

impl Default for RmsProp {
    /// The book's values: 0.9 and 1e-7.
    fn default() -> Self {
        Self { rho: 0.9, epsilon: 1e-7 }
    }
}

const CACHE: Moment = Moment { name: "rmsprop.cache", of_squares: true };

impl UpdateRule for RmsProp {
    fn description(&self) -> Description {
        Description {
            name: "rmsprop",
            phrase: "RMSprop",
            details: ", rho {rho}, epsilon {epsilon}",
            settings: vec![
                ("rho", Setting::Real(self.rho)),
                ("epsilon", Setting::Real(self.epsilon)),
            ],
        }
    }

    fn default_learning_rate(&self) -> f64 {
        1e-3
    }

    fn moments(&self) -> &'static [Moment] {
        &[CACHE]
    }

    fn validate(&self) -> Result<(), Error> {
        check_share("rho", self.rho)?;
        check_epsilon(self.epsilon)
    }

    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], [cache, ..]: Moments<'_>) {
        let (rate, epsilon) = (step.learning_rate as f32, self.epsilon as f32);
        let (rho, one_minus_rho) = (self.rho as f32, (1.0 - self.rho) as f32);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((param, &g), cache) in params.iter_mut().zip(gradient).zip(cache) {
                    *cache = flushed(rho * *cache + one_minus_rho * g * g);
                    *param -= rate * g / (cache.sqrt() + epsilon);
                }
            },
        );
    }
}
