//! RMSprop: Adagrad that forgets.

use crate::{
    Error,
    error::{check_epsilon, check_share},
    moment::{check_lengths, flushed},
};

/// RMSprop's settings.
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
/// Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012); epsilon outside the root, as in the book, chapter 10.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsPropConfig {
    /// How much of the mean of squares stays at a step, in `[0, 1)`.
    pub rho: f64,
    /// Added to the root of the mean of squares, above 0.
    pub epsilon: f64,
}

impl Default for RmsPropConfig {
    /// The book's: 0.9 and 1e-7.
    fn default() -> Self {
        Self { rho: 0.9, epsilon: 1e-7 }
    }
}

impl RmsPropConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        check_share("rho", self.rho)?;
        check_epsilon(self.epsilon)
    }
}

/// What a step multiplies with, the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RmsPropStep {
    rho: f32,
    one_minus_rho: f32,
    rate: f32,
    epsilon: f32,
}

impl RmsPropStep {
    pub(crate) fn new(config: &RmsPropConfig, learning_rate: f64) -> Self {
        let &RmsPropConfig { rho, epsilon } = config;
        Self {
            rho: rho as f32,
            one_minus_rho: (1.0 - rho) as f32,
            rate: learning_rate as f32,
            epsilon: epsilon as f32,
        }
    }

    #[track_caller]
    pub(crate) fn apply(&self, params: &mut [f32], gradient: &[f32], cache: &mut [f32]) {
        check_lengths(params.len(), [gradient.len(), cache.len()]);
        let f = self;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((param, &g), cache) in params.iter_mut().zip(gradient).zip(cache) {
                    *cache = flushed(f.rho * *cache + f.one_minus_rho * g * g);
                    *param -= f.rate * g / (cache.sqrt() + f.epsilon);
                }
            },
        );
    }
}
