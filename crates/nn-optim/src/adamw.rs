//! AdamW: Adam, beside which the parameters decay by themselves.

use crate::{AdamConfig, Error, adam::AdamStep, error::check, moment::flushed};

/// AdamW's settings.
///
/// A step with learning rate `rate`, before which `param` is shrunk and else is [`AdamConfig`]'s:
///
/// ```text
/// param = (1 - rate * weight_decay) param
/// ```
///
/// So the decay is not part of the gradient and not divided by its moments. All parameters decay, biases
/// too: an optimizer knows no layer.
///
/// # Sources
///
/// Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, with the decay
/// times the learning rate, as PyTorch's `AdamW` has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// The settings it shares with Adam.
    pub adam: AdamConfig,
    /// What of a parameter a step at a learning rate of 1 takes away, 0 or above.
    pub weight_decay: f64,
}

impl Default for AdamWConfig {
    /// The paper's 0.9, 0.999 and 1e-8, and PyTorch's decay of 0.01: the paper has none for all tasks.
    fn default() -> Self {
        Self { adam: AdamConfig { epsilon: 1e-8, ..AdamConfig::default() }, weight_decay: 0.01 }
    }
}

impl AdamWConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        self.adam.validate()?;
        let valid = self.weight_decay.is_finite() && self.weight_decay >= 0.0;
        check(valid, "weight_decay", "a finite number, 0 or above", self.weight_decay)
    }
}

/// What a step multiplies with, the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamWStep {
    adam: AdamStep,
    /// What is left of a parameter.
    kept: f32,
}

impl AdamWStep {
    /// Of the `step`-th step, counting from 1.
    pub(crate) fn new(config: &AdamWConfig, learning_rate: f64, step: u64) -> Self {
        let adam = AdamStep::new(&config.adam, learning_rate, step);
        Self { adam, kept: (1.0 - learning_rate * config.weight_decay) as f32 }
    }

    #[track_caller]
    pub(crate) fn apply(&self, params: &mut [f32], gradient: &[f32], moments: [&mut [f32]; 3]) {
        let kept = self.kept;
        // A closure of its own: one with Adam's arithmetic too is not inlined into the dispatch, and runs ten
        // times slower.
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for param in params.iter_mut() {
                    // The weights of a dead unit decay for ever, as moments do.
                    *param = flushed(kept * *param);
                }
            },
        );
        self.adam.apply(params, gradient, moments);
    }
}
