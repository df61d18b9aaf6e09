//! Stochastic gradient descent, plain and with momentum.

use crate::{
    Error,
    error::{check, check_share},
    moment::{check_lengths, flushed},
};

/// The settings of stochastic gradient descent.
///
/// A step with gradient `g` and learning rate `rate`, without momentum, with it, and with Nesterov's:
///
/// ```text
/// param -= rate * g
///
/// v = momentum v - rate * g
/// param += v                          or, with Nesterov's: param += momentum v - rate * g
/// ```
///
/// # Sources
///
/// The book, chapter 10, whose momentum holds the learning rate it was made with; so does Polyak's. For
/// Nesterov's: Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
/// deep learning" (2013), equations 3 and 4, written for the parameters where the gradient is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SgdConfig {
    /// How much of the last update is part of the next, in `[0, 1)`; 0, the default, is plain descent, which
    /// keeps nothing from step to step.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's, which needs one.
    pub nesterov: bool,
}

impl SgdConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If the momentum is outside its range, or 0 where it is to be Nesterov's.
    pub fn validate(&self) -> Result<(), Error> {
        check_share("momentum", self.momentum)?;
        let has_momentum = self.momentum > 0.0 || !self.nesterov;
        check(has_momentum, "momentum", "above 0, to be Nesterov's", self.momentum)
    }
}

/// What a step without momentum multiplies with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SgdStep {
    rate: f32,
}

impl SgdStep {
    pub(crate) fn new(learning_rate: f64) -> Self {
        Self { rate: learning_rate as f32 }
    }

    #[track_caller]
    pub(crate) fn apply(&self, params: &mut [f32], gradient: &[f32]) {
        check_lengths(params.len(), [gradient.len()]);
        let rate = self.rate;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (param, &g) in params.iter_mut().zip(gradient) {
                    *param -= rate * g;
                }
            },
        );
    }
}

/// What a step with momentum multiplies with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MomentumStep {
    momentum: f32,
    rate: f32,
    nesterov: bool,
}

impl MomentumStep {
    pub(crate) fn new(config: &SgdConfig, learning_rate: f64) -> Self {
        let &SgdConfig { momentum, nesterov } = config;
        Self { momentum: momentum as f32, rate: learning_rate as f32, nesterov }
    }

    #[track_caller]
    pub(crate) fn apply(&self, params: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
        check_lengths(params.len(), [gradient.len(), velocity.len()]);
        let Self { momentum, rate, nesterov } = *self;
        let arch = pulp::Arch::new();
        // Two loops, and not a choice within one: that would be made for each parameter.
        if nesterov {
            arch.dispatch(
                #[inline(always)]
                || {
                    for ((param, &g), v) in params.iter_mut().zip(gradient).zip(velocity) {
                        *v = flushed(momentum * *v - rate * g);
                        *param += momentum * *v - rate * g;
                    }
                },
            );
        } else {
            arch.dispatch(
                #[inline(always)]
                || {
                    for ((param, &g), v) in params.iter_mut().zip(gradient).zip(velocity) {
                        *v = flushed(momentum * *v - rate * g);
                        *param += *v;
                    }
                },
            );
        }
    }
}
