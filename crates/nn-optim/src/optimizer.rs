//! One type for all optimizers: its configuration, the count of its steps, and its moments.
//!
//! Each optimizer has its own file. [`OptimizerConfig::rule`] is the only match on them.

mod adagrad;
mod adam;
mod adamw;
mod rmsprop;
mod rule;
mod sgd;

use std::fmt;

use self::rule::{Moments, Step, UpdateRule};
use crate::{
    Buffer, Description, Error, Setting,
    error::{check, check_len},
    moment::{Moment, check_moment},
};
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

/// The kind of optimizer and its settings. The learning rate is in [`crate::Schedule`].
///
/// Each kind of optimizer converts into it:
///
/// ```
/// use nn_optim::{Optimizer, Sgd};
///
/// let momentum = Sgd { momentum: 0.9, ..Sgd::default() };
/// let optimizer = Optimizer::new(momentum, 118_282)?;
/// assert_eq!(optimizer.config(), momentum.into());
/// # Ok::<(), nn_optim::Error>(())
/// ```
///
/// `{}` displays the most important settings, as in `SGD, Nesterov momentum 0.9`, and `{:#}` displays all settings.
// Not `non_exhaustive`, so that a crate that saves optimizers only compiles if it handles all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent: plain, with momentum, or with Nesterov momentum.
    Sgd(Sgd),
    /// Adagrad: scales each parameter's step by the sum of its squared gradients.
    Adagrad(Adagrad),
    /// RMSprop: scales each parameter's step by the running mean of its squared gradients.
    RmsProp(RmsProp),
    /// Adam, or AMSGrad: running means of the gradient and of its square.
    Adam(Adam),
    /// AdamW: Adam with decoupled weight decay.
    AdamW(AdamW),
}

impl Default for OptimizerConfig {
    /// Adam with its defaults.
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

impl From<Sgd> for OptimizerConfig {
    fn from(sgd: Sgd) -> Self {
        Self::Sgd(sgd)
    }
}

impl From<Adagrad> for OptimizerConfig {
    fn from(adagrad: Adagrad) -> Self {
        Self::Adagrad(adagrad)
    }
}

impl From<RmsProp> for OptimizerConfig {
    fn from(rmsprop: RmsProp) -> Self {
        Self::RmsProp(rmsprop)
    }
}

impl From<Adam> for OptimizerConfig {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

impl From<AdamW> for OptimizerConfig {
    fn from(adamw: AdamW) -> Self {
        Self::AdamW(adamw)
    }
}

impl fmt::Display for OptimizerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description().fill(f.alternate(), |setting| match setting {
            Setting::Real(number) => number.to_string(),
            Setting::Flag(flag) => flag.to_string(),
            Setting::Steps(n) | Setting::Epochs(n) => n.to_string(),
        }))
    }
}

impl OptimizerConfig {
    fn rule(&self) -> &dyn UpdateRule {
        match self {
            Self::Sgd(sgd) => sgd,
            Self::Adagrad(adagrad) => adagrad,
            Self::RmsProp(rmsprop) => rmsprop,
            Self::Adam(adam) => adam,
            Self::AdamW(adamw) => adamw,
        }
    }

    /// The optimizer's name in model files and programs: `sgd`, `adagrad`, `rmsprop`, `adam` or
    /// `adamw`.
    pub fn name(&self) -> &'static str {
        self.description().name
    }

    /// Describes the optimizer: its name, a phrase and its settings.
    pub fn description(&self) -> Description {
        self.rule().description()
    }

    /// A learning rate to start with, at which dense networks learn Fashion-MNIST, also with momentum or batch
    /// normalisation. It is not a setting of the optimizer: the rate of a run is that of its [`crate::Schedule`].
    pub fn default_learning_rate(&self) -> f64 {
        self.rule().default_learning_rate()
    }

    /// The moments of the optimizer, in order: the buffers that it keeps from step to step. SGD without momentum has
    /// none.
    pub fn moments(&self) -> &'static [Moment] {
        self.rule().moments()
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        self.rule().validate()
    }
}

/// The largest absolute value of a gradient's element with which moments of squares are sure to stay finite.
///
/// Its square, 1e30, is below half of the last bit of the largest `f32`; that half is 2^103 or 1.01e31. So however many
/// squares are added, a finite sum stays finite: when it becomes too large, adding a square no longer changes it. The
/// running means of Adam and RMSprop would allow 1e19.
pub const LARGEST_GRADIENT: f32 = 1e15;

/// The number of steps that `f64` counts exactly, far more than any run takes.
const MAX_STEPS: u64 = 1 << 53;

/// An optimizer: its settings, the count of steps taken, and its moments, which are as long as the parameters.
///
/// ```
/// use nn_optim::{Optimizer, Sgd};
///
/// let mut sgd = Optimizer::new(Sgd::default(), 2)?;
/// let mut params = [1.0, 2.0];
/// sgd.begin_step(0.5).apply(&mut params, &[1.0, -1.0]);
/// assert_eq!((params, sgd.step()), ([0.5, 2.5], 1));
/// # Ok::<(), nn_optim::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Optimizer {
    config: OptimizerConfig,
    step: u64,
    moments: Vec<Buffer>,
}

impl Optimizer {
    /// Creates an optimizer for `n_params` parameters, before its first step. Its moments are 0.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range.
    pub fn new(config: impl Into<OptimizerConfig>, n_params: usize) -> Result<Self, Error> {
        let config = config.into();
        config.validate()?;
        let zeros = |_: &Moment| {
            let mut zeros = Buffer::new(0);
            zeros.resize(n_params, 0.0);
            zeros
        };
        Ok(Self { config, step: 0, moments: config.moments().iter().map(zeros).collect() })
    }

    /// Restores an optimizer from a saved state. `moments` are those of [`OptimizerConfig::moments`], in that order.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, there were more than 2^53 steps, there are more or fewer moments than the
    /// optimizer has, their lengths differ, a moment has a number that is not finite, or a moment of squares has a
    /// negative number.
    pub fn from_parts(
        config: OptimizerConfig,
        step: u64,
        moments: Vec<Buffer>,
    ) -> Result<Self, Error> {
        config.validate()?;
        check(step <= MAX_STEPS, "the optimizer's step", "at most 2^53", step as f64)?;
        let (names, found) = (config.moments(), moments.len());
        if found != names.len() {
            let (optimizer, expected) = (config.name(), names.len());
            return Err(Error::MomentCount { optimizer, expected, found });
        }
        let n_params = moments.first().map_or(0, |moment| moment.len());
        for (name, values) in names.iter().zip(&moments) {
            check_moment(name, values, n_params)?;
        }
        Ok(Self { config, step, moments })
    }

    /// The kind of optimizer and its settings.
    pub fn config(&self) -> OptimizerConfig {
        self.config
    }

    /// The number of steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The moments, in the order of [`OptimizerConfig::moments`].
    pub fn moments(&self) -> &[Buffer] {
        &self.moments
    }

    /// Begins a step: counts it, and returns its update of all parameters. The update is applied as a whole or in runs.
    ///
    /// # Panics
    ///
    /// If the learning rate is not finite.
    #[track_caller]
    pub fn begin_step(&mut self, learning_rate: f64) -> Update<'_> {
        assert!(
            learning_rate.is_finite(),
            "learning rate: expected a finite number, found {learning_rate}"
        );
        self.step += 1;
        let step = Step { learning_rate, number: self.step };
        let mut moments = self.moments.iter_mut().map(|moment| moment.as_mut_slice());
        let moments = std::array::from_fn(|_| moments.next().unwrap_or_default());
        Update { config: self.config, step, moments }
    }
}

/// The update of one step, for a contiguous run of parameters. Threads can split it and apply the runs.
#[derive(Debug)]
pub struct Update<'a> {
    config: OptimizerConfig,
    step: Step,
    /// Moments that the optimizer does not have are empty.
    moments: Moments<'a>,
}

impl<'a> Update<'a> {
    /// Splits the update into those of the first `mid` parameters and of the rest.
    ///
    /// # Panics
    ///
    /// If the optimizer has moments, and fewer than `mid` elements are left of them.
    #[track_caller]
    pub fn split_at(self, mid: usize) -> (Self, Self) {
        let Self { config, step, moments } = self;
        let [(a, rest_of_a), (b, rest_of_b), (c, rest_of_c)] =
            moments.map(|moment| split(moment, mid));
        let rest = Self { config, step, moments: [rest_of_a, rest_of_b, rest_of_c] };
        (Self { config, step, moments: [a, b, c] }, rest)
    }

    /// Updates parameters and moments, given the gradient.
    ///
    /// The arithmetic is bit-for-bit identical on every processor: no operation is reordered or fused. Moments
    /// below 1e-30 become 0. While gradients are within [`LARGEST_GRADIENT`], moments of squares stay
    /// finite.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[track_caller]
    pub fn apply(&mut self, params: &mut [f32], gradient: &[f32]) {
        let rule = self.config.rule();
        check_len(params.len(), gradient.len());
        for moment in &self.moments[..rule.moments().len()] {
            check_len(params.len(), moment.len());
        }
        let moments = self.moments.each_mut().map(|moment| &mut **moment);
        rule.update(self.step, params, gradient, moments);
    }
}

/// Splits a moment into its first `mid` elements and the rest. Both are empty for a moment that the optimizer does not
/// have.
#[track_caller]
fn split(moment: &mut [f32], mid: usize) -> (&mut [f32], &mut [f32]) {
    if moment.is_empty() {
        return Default::default();
    }
    let n = moment.len();
    assert!(mid <= n, "parameters: expected a split at {n} or before, found {mid}");
    moment.split_at_mut(mid)
}
