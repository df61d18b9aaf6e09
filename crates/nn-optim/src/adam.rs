//! Adam, as the book has it.

use crate::{
    Error,
    error::{check_epsilon, check_share},
    moment::{check_lengths, flushed},
};

/// Adam's settings.
///
/// A step with gradient `g` and learning rate `rate`, `t` counting from 1:
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
/// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1; epsilon stands
/// outside the root, as there and in the book. AMSGrad, of which `v_max` is the `v` that divides:
/// Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond" (2018), algorithm 2, with Adam's
/// corrections, as PyTorch has it: the largest is of the moment before its correction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// How much of the first moment stays at a step, in `[0, 1)`.
    pub beta_1: f64,
    /// How much of the second moment stays at a step, in `[0, 1)`.
    pub beta_2: f64,
    /// Added to the root of the second moment, above 0.
    pub epsilon: f64,
    /// Whether it is AMSGrad, which divides by the largest second moment that there was.
    pub amsgrad: bool,
}

impl Default for AdamConfig {
    /// The book's: 0.9, 0.999 and 1e-7; not AMSGrad.
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

impl AdamConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        check_share("beta_1", self.beta_1)?;
        check_share("beta_2", self.beta_2)?;
        check_epsilon(self.epsilon)
    }
}

/// What a step multiplies with, the same for every parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    /// Learning rate over the first bias correction.
    step_size: f32,
    /// One over the root of the second bias correction.
    root_scale: f32,
    epsilon: f32,
    amsgrad: bool,
}

impl AdamStep {
    /// Of the `step`-th step, counting from 1.
    pub(crate) fn new(config: &AdamConfig, learning_rate: f64, step: u64) -> Self {
        let &AdamConfig { beta_1, beta_2, epsilon, amsgrad } = config;
        // powf, not powi: the count is no i32. Both corrections are folded into two factors.
        let t = step as f64;
        let (correction_1, correction_2) = (1.0 - beta_1.powf(t), 1.0 - beta_2.powf(t));
        Self {
            beta_1: beta_1 as f32,
            one_minus_beta_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            one_minus_beta_2: (1.0 - beta_2) as f32,
            step_size: (learning_rate / correction_1) as f32,
            root_scale: (1.0 / correction_2.sqrt()) as f32,
            epsilon: epsilon as f32,
            amsgrad,
        }
    }

    /// The last moment is AMSGrad's alone.
    #[track_caller]
    pub(crate) fn apply(
        &self,
        params: &mut [f32],
        gradient: &[f32],
        [m, v, v_max]: [&mut [f32]; 3],
    ) {
        // Two loops, and not a choice within one: that would be made for each parameter.
        match self.amsgrad {
            false => self.apply_last(params, gradient, m, v),
            true => self.apply_largest(params, gradient, m, v, v_max),
        }
    }

    #[track_caller]
    fn apply_last(&self, params: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32]) {
        check_lengths(params.len(), [gradient.len(), m.len(), v.len()]);
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

    #[track_caller]
    fn apply_largest(
        &self,
        params: &mut [f32],
        gradient: &[f32],
        m: &mut [f32],
        v: &mut [f32],
        v_max: &mut [f32],
    ) {
        check_lengths(params.len(), [gradient.len(), m.len(), v.len(), v_max.len()]);
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
