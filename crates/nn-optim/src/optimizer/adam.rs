//! Adam, in the book's form, and AMSGrad.

use super::rule::{Moments, Step, UpdateRule};
use crate::{
    Description, Error, Setting,
    error::{check_epsilon, check_share},
    moment::{Moment, flushed},
};

/// Adam's settings.
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
/// with Adam's corrections. As in PyTorch, `v_max` is the maximum of the moment before its correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// The decay rate of the first moment, in `[0, 1)`.
    pub beta_1: f64,
    /// The decay rate of the second moment, in `[0, 1)`.
    pub beta_2: f64,
    /// Added to the root of the second moment; above 0.
    pub epsilon: f64,
    /// Selects AMSGrad, which divides by the largest second moment so far.
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    /// The book's 0.9, 0.999 and 1e-7, without AMSGrad.
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

const M: Moment = Moment { name: "adam.m", of_squares: false };
const V: Moment = Moment { name: "adam.v", of_squares: true };
const V_MAX: Moment = Moment { name: "adam.v_max", of_squares: true };

impl UpdateRule for AdamConfig {
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

    fn moments(&self) -> &'static [Moment] {
        if self.amsgrad { &[M, V, V_MAX] } else { &[M, V] }
    }

    fn validate(&self) -> Result<(), Error> {
        check_share("beta_1", self.beta_1)?;
        check_share("beta_2", self.beta_2)?;
        check_epsilon(self.epsilon)
    }

    fn update(&self, step: Step, params: &mut [f32], gradient: &[f32], [m, v, v_max]: Moments<'_>) {
        let factors = Factors::new(self, step);
        // A loop each instead of a condition within one, which would be evaluated for every parameter.
        match self.amsgrad {
            false => factors.update(params, gradient, m, v),
            true => factors.update_amsgrad(params, gradient, m, v, v_max),
        }
    }
}

/// The numbers of a step that all parameters share.
struct Factors {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    /// The learning rate over the first bias correction.
    step_size: f32,
    /// One over the root of the second bias correction.
    root_scale: f32,
    epsilon: f32,
}

impl Factors {
    fn new(config: &AdamConfig, step: Step) -> Self {
        let &AdamConfig { beta_1, beta_2, epsilon, .. } = config;
        // powf, not powi: the count exceeds i32. Both corrections are folded into two factors.
        let t = step.number as f64;
        let (correction_1, correction_2) = (1.0 - beta_1.powf(t), 1.0 - beta_2.powf(t));
        Self {
            beta_1: beta_1 as f32,
            one_minus_beta_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            one_minus_beta_2: (1.0 - beta_2) as f32,
            step_size: (step.learning_rate / correction_1) as f32,
            root_scale: (1.0 / correction_2.sqrt()) as f32,
            epsilon: epsilon as f32,
        }
    }

    fn update(&self, params: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32]) {
        let f = self;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let moments = m.iter_mut().zip(v.iter_mut());
                for ((param, &g), (m, v)) in params.iter_mut().zip(gradient).zip(moments) {
                    *m = flushed(f.beta_1 * *m + f.one_minus_beta_1 * g);
                    *v = flushed(f.beta_2 * *v + f.one_minus_beta_2 * g * g);
                    *param -= f.step_size * *m / (v.sqrt() * f.root_scale + f.epsilon);
                }
            },
        );
    }

    fn update_amsgrad(
        &self,
        params: &mut [f32],
        gradient: &[f32],
        m: &mut [f32],
        v: &mut [f32],
        v_max: &mut [f32],
    ) {
        let f = self;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let moments = m.iter_mut().zip(v.iter_mut()).zip(v_max.iter_mut());
                for ((param, &g), ((m, v), v_max)) in params.iter_mut().zip(gradient).zip(moments) {
                    *m = flushed(f.beta_1 * *m + f.one_minus_beta_1 * g);
                    *v = flushed(f.beta_2 * *v + f.one_minus_beta_2 * g * g);
                    *v_max = if *v > *v_max { *v } else { *v_max };
                    *param -= f.step_size * *m / (v_max.sqrt() * f.root_scale + f.epsilon);
                }
            },
        );
    }
}
