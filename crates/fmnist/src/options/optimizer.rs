//! The optimizer's options.

use nn_optim::{Adagrad, Adam, AdamW, OptimizerConfig, RmsProp, Sgd};

use super::{
    Error,
    form::{Form, one_of},
    group::options,
    kind::{self, Choice},
};

options! {
    /// The options of the optimizer.
    pub struct OptimizerOptions ["Optimizer"] {
        /// Optimizer [default: adam]
        optimizer: OptimizerName [value_enum, value_name = "NAME"],

        /// With sgd: share of the last update to add to the next [default: 0]
        momentum: f64 [value_name = "SHARE", allow_negative_numbers = true],

        /// With sgd: use Nesterov momentum [default: false]
        nesterov: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true],

        /// With adam, adamw: the AMSGrad variant [default: false]
        amsgrad: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true],

        /// With adamw: decoupled weight decay coefficient [default: 0.01]
        weight_decay: f64 [value_name = "DECAY", allow_negative_numbers = true],
    }
}

/// The names of the optimizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "clap", value(rename_all = "lower"))]
#[allow(missing_docs, reason = "the names speak for themselves; help would print a doc comment")]
pub enum OptimizerName {
    #[default]
    Adam,
    AdamW,
    Sgd,
    Adagrad,
    RmsProp,
}

impl Choice for OptimizerOptions {
    type Name = OptimizerName;
    const OPTION: &str = "optimizer";
    const NAMES: &[OptimizerName] = &[
        OptimizerName::Adam,
        OptimizerName::AdamW,
        OptimizerName::Sgd,
        OptimizerName::Adagrad,
        OptimizerName::RmsProp,
    ];

    fn chosen(&self) -> OptimizerName {
        self.optimizer.unwrap_or_default()
    }

    fn defaults(name: OptimizerName) -> Self {
        Self::of(&name.default_config())
    }
}

impl Form for OptimizerName {
    fn form() -> String {
        one_of(OptimizerOptions::NAMES)
    }
}

impl OptimizerName {
    fn default_config(self) -> OptimizerConfig {
        match self {
            Self::Adam => Adam::default().into(),
            Self::AdamW => AdamW::default().into(),
            Self::Sgd => Sgd::default().into(),
            Self::Adagrad => Adagrad::default().into(),
            Self::RmsProp => RmsProp::default().into(),
        }
    }
}

impl OptimizerOptions {
    /// The optimizer of a new run.
    pub(super) fn config(&self) -> Result<OptimizerConfig, Error> {
        kind::check(self)?;
        let Self { momentum, nesterov, amsgrad, weight_decay, .. } = *self;
        let mut config = self.chosen().default_config();
        match &mut config {
            OptimizerConfig::Adam(adam) => adam.amsgrad = amsgrad.unwrap_or(adam.amsgrad),
            OptimizerConfig::AdamW(adamw) => {
                adamw.adam.amsgrad = amsgrad.unwrap_or(adamw.adam.amsgrad);
                adamw.weight_decay = weight_decay.unwrap_or(adamw.weight_decay);
            }
            OptimizerConfig::Sgd(sgd) => {
                sgd.momentum = momentum.unwrap_or(sgd.momentum);
                sgd.nesterov = nesterov.unwrap_or(sgd.nesterov);
            }
            OptimizerConfig::Adagrad(_) | OptimizerConfig::RmsProp(_) => {}
        }
        config.validate()?;
        Ok(config)
    }

    /// The options that would make this optimizer, with every one filled in.
    pub(super) fn of(config: &OptimizerConfig) -> Self {
        let none = Self::default();
        match *config {
            OptimizerConfig::Adam(Adam { amsgrad, .. }) => {
                Self { optimizer: Some(OptimizerName::Adam), amsgrad: Some(amsgrad), ..none }
            }
            OptimizerConfig::AdamW(AdamW { adam, weight_decay }) => Self {
                optimizer: Some(OptimizerName::AdamW),
                amsgrad: Some(adam.amsgrad),
                weight_decay: Some(weight_decay),
                ..none
            },
            OptimizerConfig::Sgd(Sgd { momentum, nesterov }) => Self {
                optimizer: Some(OptimizerName::Sgd),
                momentum: Some(momentum),
                nesterov: Some(nesterov),
                ..none
            },
            OptimizerConfig::Adagrad(_) => Self { optimizer: Some(OptimizerName::Adagrad), ..none },
            OptimizerConfig::RmsProp(_) => Self { optimizer: Some(OptimizerName::RmsProp), ..none },
        }
    }

    /// The default learning rate and decay with this optimizer. Only Adam's rate decays, as in the book's model for
    /// Fashion-MNIST.
    pub(super) fn default_rates(&self) -> (f64, f64) {
        let name = self.chosen();
        let decay = match name {
            OptimizerName::Adam | OptimizerName::AdamW => 1e-3,
            OptimizerName::Sgd | OptimizerName::Adagrad | OptimizerName::RmsProp => 0.0,
        };
        (name.default_config().default_learning_rate(), decay)
    }
}
