//! Adam, as the book has it.

use aligned_vec::{AVec, ConstAlign};

use crate::{Error, error::check};

/// A flat buffer of `f32`, aligned to 64 bytes.
pub type Buffer = AVec<f32, ConstAlign<64>>;

/// Adam's settings. The learning rate is the [`crate::Schedule`]'s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// How much of the first moment stays at a step, in `[0, 1)`.
    pub beta_1: f64,
    /// How much of the second moment stays at a step, in `[0, 1)`.
    pub beta_2: f64,
    /// Added to the root of the second moment, above 0.
    pub epsilon: f64,
}

impl Default for AdamConfig {
    /// The book's: 0.9, 0.999 and 1e-7.
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl AdamConfig {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        let is_share = |beta| (0.0..1.0).contains(&beta);
        check(is_share(self.beta_1), "beta_1", "at least 0 and below 1", self.beta_1)?;
        check(is_share(self.beta_2), "beta_2", "at least 0 and below 1", self.beta_2)?;
        // As the steps have it, in 32 bits.
        let epsilon_valid = self.epsilon.is_finite() && self.epsilon as f32 > 0.0;
        check(epsilon_valid, "epsilon", "a finite number above 0 in 32 bits", self.epsilon)
    }
}

/// The Adam optimizer: settings, the count of steps taken and two moments of the gradient.
///
/// A step with gradient `g` and learning rate `rate`, `t` counting from 1:
///
/// ```text
/// m = beta_1 m + (1 - beta_1) g
/// v = beta_2 v + (1 - beta_2) g^2
/// param -= rate * m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
/// ```
///
/// # Sources
///
/// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), algorithm 1; epsilon stands
/// outside the root, as there and in the book.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    config: AdamConfig,
    step: u64,
    m: Buffer,
    v: Buffer,
}

/// As many as `f64` counts exactly; nobody takes so many.
const MOST_STEPS: u64 = 1 << 53;

impl Adam {
    /// An optimizer of `n_params` parameters that has taken no step.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range.
    pub fn new(config: AdamConfig, n_params: usize) -> Result<Self, Error> {
        config.validate()?;
        let mut m = Buffer::new(0);
        m.resize(n_params, 0.0);
        let v = m.clone();
        Ok(Self { config, step: 0, m, v })
    }

    /// An optimizer that carries on from a state it once had.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, there were more than 2^53 steps, the moments' lengths
    /// differ, one holds a number that is not finite, or the second moment a negative one.
    pub fn from_parts(config: AdamConfig, step: u64, m: Buffer, v: Buffer) -> Result<Self, Error> {
        config.validate()?;
        check(step <= MOST_STEPS, "Adam's step", "at most 2^53", step as f64)?;
        if m.len() != v.len() {
            return Err(Error::MomentLengths { m: m.len(), v: v.len() });
        }
        find(&m, "first moment", "a finite number", |m| m.is_finite())?;
        find(&v, "second moment", "a finite number, 0 or above", |v| v.is_finite() && v >= 0.0)?;
        Ok(Self { config, step, m, v })
    }

    /// The settings.
    pub fn config(&self) -> AdamConfig {
        self.config
    }

    /// How many steps it has taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The first moment: the running mean of the gradient.
    pub fn m(&self) -> &[f32] {
        &self.m
    }

    /// The second moment: the running mean of the gradient's square.
    pub fn v(&self) -> &[f32] {
        &self.v
    }

    /// Counts a step and gives the update of all parameters, to be applied whole or in parts.
    pub fn begin_step(&mut self, learning_rate: f64) -> AdamUpdate<'_> {
        self.step += 1;
        let AdamConfig { beta_1, beta_2, epsilon } = self.config;
        // powf, not powi: the count is no i32. Both corrections are folded into two factors.
        let t = self.step as f64;
        let (correction_1, correction_2) = (1.0 - beta_1.powf(t), 1.0 - beta_2.powf(t));
        let factors = Factors {
            beta_1: beta_1 as f32,
            one_minus_beta_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            one_minus_beta_2: (1.0 - beta_2) as f32,
            step_size: (learning_rate / correction_1) as f32,
            root_scale: (1.0 / correction_2.sqrt()) as f32,
            epsilon: epsilon as f32,
        };
        AdamUpdate { factors, m: &mut self.m, v: &mut self.v }
    }
}

/// The error that names the first element that is not `valid`.
fn find(
    values: &[f32],
    moment: &'static str,
    expected: &'static str,
    valid: impl Fn(f32) -> bool,
) -> Result<(), Error> {
    // Without an early end the loop runs in vectors; the search is for the rare file that is bad.
    if values.iter().fold(true, |all, &value| all & valid(value)) {
        return Ok(());
    }
    match values.iter().position(|&value| !valid(value)) {
        None => Ok(()),
        Some(index) => Err(Error::MomentValue { moment, index, expected, found: values[index] }),
    }
}

/// `moment`, or 0 where it is next to nothing.
///
/// Where a unit has died, its moments fall with every step, and after some 830 steps the first would be
/// a denormal number, for good: many processors take a hundred times as long over one. What is flushed
/// moved its parameter by less than its last bit, long before.
#[inline(always)]
fn flushed(moment: f32) -> f32 {
    const SMALLEST: f32 = 1e-30;
    if moment.abs() < SMALLEST { 0.0 } else { moment }
}

/// What a step multiplies with, the same for every parameter.
#[derive(Clone, Copy, Debug)]
struct Factors {
    beta_1: f32,
    one_minus_beta_1: f32,
    beta_2: f32,
    one_minus_beta_2: f32,
    /// Learning rate over the first bias correction.
    step_size: f32,
    /// One over the root of the second bias correction.
    root_scale: f32,
    epsilon: f32,
}

/// One step's update of a run of parameters. Threads split it and apply the parts.
#[derive(Debug)]
pub struct AdamUpdate<'a> {
    factors: Factors,
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl<'a> AdamUpdate<'a> {
    /// The updates of the first `mid` parameters and of the rest.
    ///
    /// # Panics
    ///
    /// If `mid` is more than there are.
    #[track_caller]
    pub fn split_at(self, mid: usize) -> (Self, Self) {
        let (m, rest_m) = self.m.split_at_mut(mid);
        let (v, rest_v) = self.v.split_at_mut(mid);
        let factors = self.factors;
        (Self { factors, m, v }, Self { factors, m: rest_m, v: rest_v })
    }

    /// Updates moments and parameters by the gradient.
    ///
    /// The same arithmetic, to the bit, on every processor: no operation is reordered or fused. Moments
    /// below 1e-30 become 0.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[track_caller]
    pub fn apply(&mut self, params: &mut [f32], gradient: &[f32]) {
        let n = params.len();
        assert_eq!((self.m.len(), gradient.len()), (n, n), "lengths of an update");
        let Self { factors: f, m, v } = self;
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
}
