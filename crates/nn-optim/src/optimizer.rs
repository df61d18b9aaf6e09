//! One type for all optimizers: which one it is, how many steps it has taken, and its moments.
//!
//! Each optimizer is a file of its own; [`OptimizerConfig::rule`] is the only match on them.

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

/// Which optimizer, and its settings. The learning rate is the [`crate::Schedule`]'s.
///
/// Each optimizer converts into it:
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
/// `{}` displays what matters most, as `SGD, Nesterov momentum 0.9`, and `{:#}` every setting.
// Exhaustive, so that a crate that saves optimizers does not compile without the last one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent: plain, with momentum, or with Nesterov momentum.
    Sgd(Sgd),
    /// A rate for each parameter, by the sum of its squared gradients.
    Adagrad(Adagrad),
    /// A rate for each parameter, by the running mean of its squared gradients.
    RmsProp(RmsProp),
    /// Running means of the gradient and of its square.
    Adam(Adam),
    /// Adam with decoupled weight decay.
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

    /// The optimizer in words and numbers.
    pub fn description(&self) -> Description {
        self.rule().description()
    }

    /// The buffers that carry over from step to step, in order. SGD without momentum has none.
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

/// The largest magnitude of a gradient's element at which no step makes a finite moment of squares infinite.
///
/// Its square, 1e30, is below half of the last bit of the largest `f32`, which is 2^103 or 1.01e31. So a
/// finite sum of squares stays finite when another is added, however many there have been: a sum too large
/// to take one in does not change. The running means of Adam and RMSprop would bear 1e19.
pub const LARGEST_GRADIENT: f32 = 1e15;

/// As many steps as `f64` counts exactly; nobody takes so many.
const MAX_STEPS: u64 = 1 << 53;

/// An optimizer: settings, the count of steps taken and moments as long as the parameters.
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
    /// An optimizer of `n_params` parameters that has taken no step. Its moments are 0.
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

    /// An optimizer in a saved state; `moments` are those of [`OptimizerConfig::moments`], in that order.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, there were more than 2^53 steps, there are more or fewer moments
    /// than the optimizer has, their lengths differ, one holds a number that is not finite, or one of
    /// squares a negative one.
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

    /// Which optimizer it is, and its settings.
    pub fn config(&self) -> OptimizerConfig {
        self.config
    }

    /// How many steps it has taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The buffers of [`OptimizerConfig::moments`], in that order.
    pub fn moments(&self) -> &[Buffer] {
        &self.moments
    }

    /// Counts a step and returns its update of all parameters, to be applied whole or in runs.
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

/// One step's update of a run of parameters. Threads split it and apply the runs.
#[derive(Debug)]
pub struct Update<'a> {
    config: OptimizerConfig,
    step: Step,
    /// Those that the optimizer lacks are empty.
    moments: Moments<'a>,
}

impl<'a> Update<'a> {
    /// The updates of the first `mid` parameters and of the rest.
    ///
    /// # Panics
    ///
    /// If the optimizer has moments, and fewer than `mid` elements of them are left.
    #[track_caller]
    pub fn split_at(self, mid: usize) -> (Self, Self) {
        let Self { config, step, moments } = self;
        let [(a, rest_of_a), (b, rest_of_b), (c, rest_of_c)] =
            moments.map(|moment| split(moment, mid));
        let rest = Self { config, step, moments: [rest_of_a, rest_of_b, rest_of_c] };
        (Self { config, step, moments: [a, b, c] }, rest)
    }

    /// Updates parameters and moments by the gradient.
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

/// The first `mid` elements of a moment and the rest; two empty ones for a moment that the optimizer lacks.
#[track_caller]
fn split(moment: &mut [f32], mid: usize) -> (&mut [f32], &mut [f32]) {
    if moment.is_empty() {
        return Default::default();
    }
    let n = moment.len();
    assert!(mid <= n, "parameters: expected a split at {n} or before, found {mid}");
    moment.split_at_mut(mid)
}
