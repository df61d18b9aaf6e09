//! The optimizers behind one type: what they have in common, and the only place that tells them apart.
//!
//! Each one's settings and arithmetic are in a file of its own; here they are chosen, counted, cut into
//! parts for threads, taken apart and put together again.

use crate::{
    AdagradConfig, AdamConfig, AdamWConfig, Buffer, Error, RmsPropConfig, SgdConfig,
    adagrad::AdagradStep,
    adam::AdamStep,
    adamw::AdamWStep,
    error::check,
    moment::{Moment, check_moment},
    rmsprop::RmsPropStep,
    sgd::{MomentumStep, SgdStep},
};

/// Which optimizer, and its settings. The learning rate is the [`crate::Schedule`]'s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent: plain, with momentum, or with Nesterov's.
    Sgd(SgdConfig),
    /// A rate for each parameter, by the sum of its squared gradients.
    Adagrad(AdagradConfig),
    /// A rate for each parameter, by the running mean of its squared gradients.
    RmsProp(RmsPropConfig),
    /// Running means of the gradient and of its square.
    Adam(AdamConfig),
    /// Adam, and weights that decay by themselves.
    AdamW(AdamWConfig),
}

impl Default for OptimizerConfig {
    /// [`AdamConfig`]'s.
    fn default() -> Self {
        Self::Adam(AdamConfig::default())
    }
}

impl OptimizerConfig {
    /// The optimizer's name, as model files and programs have it: `sgd`, `adagrad`, `rmsprop`, `adam` or
    /// `adamw`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sgd(_) => "sgd",
            Self::Adagrad(_) => "adagrad",
            Self::RmsProp(_) => "rmsprop",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adamw",
        }
    }

    /// The buffers that the optimizer keeps from step to step, in order; none without momentum in SGD.
    pub fn moments(&self) -> &'static [Moment] {
        match self {
            Self::Sgd(sgd) if sgd.momentum > 0.0 => &[Moment::SGD_MOMENTUM],
            Self::Sgd(_) => &[],
            Self::Adagrad(_) => &[Moment::ADAGRAD_CACHE],
            Self::RmsProp(_) => &[Moment::RMSPROP_CACHE],
            Self::Adam(adam) | Self::AdamW(AdamWConfig { adam, .. }) if adam.amsgrad => {
                &[Moment::ADAM_M, Moment::ADAM_V, Moment::ADAM_V_MAX]
            }
            Self::Adam(_) | Self::AdamW(_) => &[Moment::ADAM_M, Moment::ADAM_V],
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Sgd(sgd) => sgd.validate(),
            Self::Adagrad(adagrad) => adagrad.validate(),
            Self::RmsProp(rmsprop) => rmsprop.validate(),
            Self::Adam(adam) => adam.validate(),
            Self::AdamW(adamw) => adamw.validate(),
        }
    }
}

/// The furthest from 0 that an element of a gradient may be: with it, no step makes a finite moment of
/// squares infinite.
///
/// Its square, 1e30, is below half of the last bit of the largest `f32`, which is 2^103 or 1.01e31. So a
/// sum of squares that is finite stays so when one more is added, however many there have been: where it
/// has grown too large to take one in, it stays what it is. Running means, which Adam and RMSprop have,
/// would bear 1e19.
pub const LARGEST_GRADIENT: f32 = 1e15;

/// As many steps as `f64` counts exactly; nobody takes so many.
const MOST_STEPS: u64 = 1 << 53;

/// An optimizer: settings, the count of steps taken and moments as long as the parameters.
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
    pub fn new(config: OptimizerConfig, n_params: usize) -> Result<Self, Error> {
        config.validate()?;
        let zeros = |_: &Moment| {
            let mut zeros = Buffer::new(0);
            zeros.resize(n_params, 0.0);
            zeros
        };
        Ok(Self { config, step: 0, moments: config.moments().iter().map(zeros).collect() })
    }

    /// An optimizer that carries on from a state it once had; `moments` are those of
    /// [`OptimizerConfig::moments`], in that order.
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
        check(step <= MOST_STEPS, "the optimizer's step", "at most 2^53", step as f64)?;
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

    /// What it keeps from step to step: the buffers of [`OptimizerConfig::moments`], in that order.
    pub fn moments(&self) -> &[Buffer] {
        &self.moments
    }

    /// Counts a step and gives the update of all parameters, to be applied whole or in parts.
    pub fn begin_step(&mut self, learning_rate: f64) -> Update<'_> {
        self.step += 1;
        let rule = match &self.config {
            OptimizerConfig::Sgd(config) if config.momentum > 0.0 => {
                Rule::Momentum(MomentumStep::new(config, learning_rate))
            }
            OptimizerConfig::Sgd(_) => Rule::Sgd(SgdStep::new(learning_rate)),
            OptimizerConfig::Adagrad(config) => {
                Rule::Adagrad(AdagradStep::new(config, learning_rate))
            }
            OptimizerConfig::RmsProp(config) => {
                Rule::RmsProp(RmsPropStep::new(config, learning_rate))
            }
            OptimizerConfig::Adam(config) => {
                Rule::Adam(AdamStep::new(config, learning_rate, self.step))
            }
            OptimizerConfig::AdamW(config) => {
                Rule::AdamW(AdamWStep::new(config, learning_rate, self.step))
            }
        };
        let mut moments = self.moments.iter_mut().map(|moment| moment.as_mut_slice());
        let mut next = || moments.next().unwrap_or_default();
        Update { rule, moments: [next(), next(), next()] }
    }
}

/// What a step does to each parameter, with the numbers that are the same for all.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Sgd(SgdStep),
    Momentum(MomentumStep),
    Adagrad(AdagradStep),
    RmsProp(RmsPropStep),
    Adam(AdamStep),
    AdamW(AdamWStep),
}

/// One step's update of a run of parameters. Threads split it and apply the parts.
#[derive(Debug)]
pub struct Update<'a> {
    rule: Rule,
    /// Those that the optimizer has not are empty.
    moments: [&'a mut [f32]; 3],
}

impl<'a> Update<'a> {
    /// The updates of the first `mid` parameters and of the rest.
    ///
    /// # Panics
    ///
    /// If `mid` is more than there are, where the optimizer has moments to know it by.
    #[track_caller]
    pub fn split_at(self, mid: usize) -> (Self, Self) {
        let Self { rule, moments } = self;
        let [(a, rest_of_a), (b, rest_of_b), (c, rest_of_c)] =
            moments.map(|moment| split(moment, mid));
        let rest = Self { rule, moments: [rest_of_a, rest_of_b, rest_of_c] };
        (Self { rule, moments: [a, b, c] }, rest)
    }

    /// Updates moments and parameters by the gradient.
    ///
    /// The same arithmetic, to the bit, on every processor: no operation is reordered or fused. Moments
    /// below 1e-30 become 0. While gradients are within [`LARGEST_GRADIENT`], moments of squares stay
    /// finite.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    #[track_caller]
    pub fn apply(&mut self, params: &mut [f32], gradient: &[f32]) {
        let [first, second, third] = &mut self.moments;
        match &self.rule {
            Rule::Sgd(step) => step.apply(params, gradient),
            Rule::Momentum(step) => step.apply(params, gradient, first),
            Rule::Adagrad(step) => step.apply(params, gradient, first),
            Rule::RmsProp(step) => step.apply(params, gradient, first),
            Rule::Adam(step) => step.apply(params, gradient, [first, second, third]),
            Rule::AdamW(step) => step.apply(params, gradient, [first, second, third]),
        }
    }
}

/// The first `mid` elements of a moment and the rest; of one that the optimizer has not, nothing.
#[track_caller]
fn split(moment: &mut [f32], mid: usize) -> (&mut [f32], &mut [f32]) {
    if moment.is_empty() { Default::default() } else { moment.split_at_mut(mid) }
}
