//! Adam, as in the book, and AMSGrad.

use super::rule::{Moments, Step, UpdateRule};
use crate::{
    Description, Error, Setting,
    error::{check_epsilon, check_share},
    moment::{Moment, flushed},
};

/// Adam, or AMSGrad: running means of the gradient and of its square.
///
/// A step with gradient `g` and learning rate `rate`, where `t` counts steps from 1:
///
/// ```text
/// m = beta_1 m + (1 - beta_1) g
/// v = beta_2 v + (1 - beta_2) g^2
/// param -= rate * m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
/// ```
///
/// With AMSGrad the last line has `v_max` in place of `v`:
///
/// ```text
/// v_max = max(v_max, v)
/// ```
///
/// # Sources
///
/// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1; epsilon is outside the root, as
/// there and in the book. AMSGrad: Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond" (2018), algorithm 2,
/// with Adam's bias corrections. As in PyTorch, `v_max` is the maximum of the moment before its correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The decay rate of the first moment (the mean of gradients), in `[0, 1)`.
    pub beta_1: f64,
    /// The decay rate of the second moment (the mean of squares), in `[0, 1)`.
    pub beta_2: f64,
    /// Added to the root of the second moment, to avoid division by 0; above 0.
    pub epsilon: f64,
    /// Selects AMSGrad, which divides by the largest second moment so far.
    pub amsgrad: bool,
}

impl Default for Adam {
    /// The book's values: 0.9, 0.999 and 1e-7, without AMSGrad.
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

const M: Moment = Moment { name: "adam.m", of_squares: false };
const V: Moment = Moment { name: "adam.v", of_squares: true };
const V_MAX: Moment = Moment { name: "adam.v_max", of_squares: true };

impl UpdateRule for Adam {
    fn description(&self) -> Description {
        Description {
            name: "adam",
            phrase: if self.amsgrad { "Adam, AMSGrad" } else { "Adam" },
            details: ", beta {beta_1} and {beta_2}, epsilon {epsilon}",
            settings: vec![
                ("beta_1", Setting::Real(self.beta_1)),
                ("beta_2", Setting::Real(self.beta_2)),
                ("epsilon", Setting::Real(self.epsilon)),
                ("amsgrad", Setting::Flag(self.amsgrad)),
            ],
        }
    }

    fn default_learning_rate(&self) -> f64 {
        1e-3
    }

    fn moments(&self) -> &'static [Moment] {
        if self.amsgrad { &[M, V, V_MAX] } else { &[M, V] }
    }

    fn validate(&self) -> Result<(), Error> {
        check_share("beta_1", self.beta_1)?;
        check_share("beta_2", self.beta_2)?;
        check_epsilon(self.epsilon)
    }

    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], [m, v, v_max]: Moments<'_>) {
        let &Self { beta_1, beta_2, epsilon, amsgrad } = self;
        // The two bias corrections become two factors.
        let t = step.number as f64;
        let (correction_1, correction_2) = (1.0 - libm::pow(beta_1, t), 1.0 - libm::pow(beta_2, t));
        let step_size = (step.learning_rate / correction_1) as f32;
        let root_scale = (1.0 / correction_2.sqrt()) as f32;
        let (beta_1, one_minus_beta_1) = (beta_1 as f32, (1.0 - beta_1) as f32);
        let (beta_2, one_minus_beta_2) = (beta_2 as f32, (1.0 - beta_2) as f32);
        let epsilon = epsilon as f32;
        let (pairs, moments) = (params.iter_mut().zip(gradient), m.iter_mut().zip(v));
        let arch = pulp::Arch::new();
        // Separate loops, since a condition within one loop would be evaluated for every parameter.
        if amsgrad {
            arch.dispatch(
                #[inline(always)]
                || {
                    for ((param, &g), ((m, v), v_max)) in pairs.zip(moments.zip(v_max)) {
                        *m = flushed(beta_1 * *m + one_minus_beta_1 * g);
                        *v = flushed(beta_2 * *v + one_minus_beta_2 * g * g);
                        *v_max = if *v > *v_max { *v } else { *v_max };
                        *param -= step_size * *m / (v_max.sqrt() * root_scale + epsilon);
                    }
                },
            );
        } else {
            arch.dispatch(
                #[inline(always)]
                || {
                    for ((param, &g), (m, v)) in pairs.zip(moments) {
                        *m = flushed(beta_1 * *m + one_minus_beta_1 * g);
                        *v = flushed(beta_2 * *v + one_minus_beta_2 * g * g);
                        *param -= step_size * *m / (v.sqrt() * root_scale + epsilon);
                    }
                },
            );
        }
    }
}
