//! Adagrad: parameters that have moved much move less.

use crate::{
    Error,
    error::check_epsilon,
    moment::{check_lengths, flushed},
};

/// Adagrad's settings.
///
/// A step with gradient `g` and learning rate `rate`:
///
/// ```text
/// cache += g^2
/// param -= rate * g / (sqrt(cache) + epsilon)
/// ```
///
/// # Sources
///
/// Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
/// Optimization" (2011), the diagonal case; epsilon outside the root, as in the book, chapter 10.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdagradConfig {
    /// Added to the root of the sum of squares, above 0.
    pub epsilon: f64,
}

impl Default for AdagradConfig {
    /// The book's: 1e-7.
    fn default() -> Self {
        Self { epsilon: 1e-7 }
    }
}

impl AdagradConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If epsilon is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        check_epsilon(self.epsilon)
    }
}

/// What a step multiplies with, the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdagradStep {
    rate: f32,
    epsilon: f32,
}

impl AdagradStep {
    pub(crate) fn new(config: &AdagradConfig, learning_rate: f64) -> Self {
        Self { rate: learning_rate as f32, epsilon: config.epsilon as f32 }
    }

    #[track_caller]
    pub(crate) fn apply(&self, params: &mut [f32], gradient: &[f32], cache: &mut [f32]) {
        check_lengths(params.len(), [gradient.len(), cache.len()]);
        let Self { rate, epsilon } = *self;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((param, &g), cache) in params.iter_mut().zip(gradient).zip(cache) {
                    // A sum never falls, but a square may be denormal, and would stay so under a dead unit.
                    *cache = flushed(*cache + g * g);
                    *param -= rate * g / (cache.sqrt() + epsilon);
                }
            },
        );
    }
}
