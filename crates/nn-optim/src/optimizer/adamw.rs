//! AdamW: Adam with decoupled weight decay.

use super::rule::{Moments, Step, UpdateRule};
use crate::{
    Adam, Description, Error, Setting,
    error::check_not_negative,
    moment::{Moment, flushed},
};

/// AdamW: Adam with decoupled weight decay.
///
/// A step with learning rate `rate` first shrinks each parameter, and then does a step of [`Adam`]:
///
/// ```text
/// param = (1 - rate * weight_decay) param
/// ```
///
/// So the decay is not part of the gradient, and it is not divided by the moments. All parameters decay, including
/// biases, since an optimizer does not know about layers.
///
/// # Sources
///
/// Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, with the decay multiplied by the
/// learning rate, as in PyTorch's `AdamW`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// The settings of Adam.
    pub adam: Adam,
    /// The decoupled weight decay coefficient; 0 or above.
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// The paper's values, 0.9, 0.999 and 1e-8, and PyTorch's decay of 0.01, since the paper has no single value for
    /// all tasks.
    fn default() -> Self {
        Self { adam: Adam { epsilon: 1e-8, ..Adam::default() }, weight_decay: 0.01 }
    }
}

impl UpdateRule for AdamW {
    fn description(&self) -> Description {
        let Description { details, mut settings, .. } = self.adam.description();
        // The AMSGrad flag stays last.
        settings.insert(settings.len() - 1, ("weight_decay", Setting::Real(self.weight_decay)));
        let phrase = match self.adam.amsgrad {
            false => "AdamW, weight decay {weight_decay}",
            true => "AdamW, AMSGrad, weight decay {weight_decay}",
        };
        Description { name: "adamw", phrase, details, settings }
    }

    fn default_learning_rate(&self) -> f64 {
        self.adam.default_learning_rate()
    }

    fn moments(&self) -> &'static [Moment] {
        self.adam.moments()
    }

    fn validate(&self) -> Result<(), Error> {
        self.adam.validate()?;
        check_not_negative("weight_decay", self.weight_decay)
    }

    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], moments: Moments<'_>) {
        let remaining = (1.0 - step.learning_rate * self.weight_decay) as f32;
        // Separate from Adam's loop: with both in one closure, it is not inlined into the dispatch and runs ten
        // times slower.
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for param in params.iter_mut() {
                    // The weights of a dead unit decay forever, and would become denormal numbers, like moments.
                    *param = flushed(remaining * *param);
                }
            },
        );
        self.adam.update(step, params, gradient, moments);
    }
}
