//! Adagrad: the larger the sum of a parameter's squared gradients, the smaller its steps.

use super::rule::{Moments, Step, UpdateRule};
use crate::{
    Description, Error, Setting,
    error::check_epsilon,
    moment::{Moment, flushed},
};

/// Adagrad: scales each parameter's step by the sum of its squared gradients.
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
/// Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization" (2011), the
/// diagonal case. Epsilon is outside the root, as in the book, chapter 10.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// Added to the root of the sum of squares, to avoid division by 0; above 0.
    pub epsilon: f64,
}

impl Default for Adagrad {
    /// The book's epsilon, 1e-7.
    fn default() -> Self {
        Self { epsilon: 1e-7 }
    }
}

const CACHE: Moment = Moment { name: "adagrad.cache", of_squares: true };

impl UpdateRule for Adagrad {
    fn description(&self) -> Description {
        Description {
            name: "adagrad",
            phrase: "Adagrad",
            details: ", epsilon {epsilon}",
            settings: vec![("epsilon", Setting::Real(self.epsilon))],
        }
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn moments(&self) -> &'static [Moment] {
        &[CACHE]
    }

    fn validate(&self) -> Result<(), Error> {
        check_epsilon(self.epsilon)
    }

    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], [cache, ..]: Moments<'_>) {
        let (rate, epsilon) = (step.learning_rate as f32, self.epsilon as f32);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((param, &g), cache) in params.iter_mut().zip(gradient).zip(cache) {
                    // A sum never falls, but a single square can be denormal, and would remain so in a dead unit.
                    *cache = flushed(*cache + g * g);
                    *param -= rate * g / (cache.sqrt() + epsilon);
                }
            },
        );
    }
}
