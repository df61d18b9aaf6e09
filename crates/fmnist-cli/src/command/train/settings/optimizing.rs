//! The optimizer's options.

use clap::ValueEnum;
use nn_optim::{AdagradConfig, AdamConfig, AdamWConfig, OptimizerConfig, RmsPropConfig, SgdConfig};
use serde::Serialize;

use super::{by_option, choice::Choice, table};

/// The options that only some optimizers have.
pub(super) const OPTIMIZER: Choice = Choice {
    option: "optimizer",
    belonging: &[
        ("momentum", &["sgd"]),
        ("nesterov", &["sgd"]),
        ("amsgrad", &["adam", "adamw"]),
        ("weight-decay", &["adamw"]),
    ],
};

/// What makes steps of gradients.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Optimizer")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Optimizing {
    /// The optimizer [default: adam]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    optimizer: Option<OptimizerName>,

    /// With sgd: how much of the last update is part of the next [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,

    /// With sgd: make the momentum Nesterov's
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    nesterov: Option<bool>,

    /// With adam and adamw: make it AMSGrad, which divides by the largest second moment that there was
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    amsgrad: Option<bool>,

    /// With adamw: what of a weight a step at a learning rate of 1 takes away [default: 0.01]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
}

impl Optimizing {
    /// The optimizer of a new run.
    pub(in crate::command) fn optimizer(&self) -> anyhow::Result<OptimizerConfig> {
        self.check_options_of(self.name().name())?;
        let amsgrad = self.amsgrad.unwrap_or(false);
        let config = match self.name() {
            OptimizerName::Adam => {
                OptimizerConfig::Adam(AdamConfig { amsgrad, ..AdamConfig::default() })
            }
            OptimizerName::Adamw => {
                let default = AdamWConfig::default();
                let weight_decay = self.weight_decay.unwrap_or(default.weight_decay);
                let adam = AdamConfig { amsgrad, ..default.adam };
                OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay })
            }
            OptimizerName::Sgd => OptimizerConfig::Sgd(SgdConfig {
                momentum: self.momentum.unwrap_or_default(),
                nesterov: self.nesterov.unwrap_or(false),
            }),
            OptimizerName::Adagrad => OptimizerConfig::Adagrad(AdagradConfig::default()),
            OptimizerName::Rmsprop => OptimizerConfig::RmsProp(RmsPropConfig::default()),
        };
        config.validate().map_err(by_option)?;
        Ok(config)
    }

    /// The options that give this optimizer, all that it has said.
    pub(super) fn of(config: &OptimizerConfig) -> Self {
        let named = |optimizer| Self { optimizer: Some(optimizer), ..Self::default() };
        match *config {
            OptimizerConfig::Sgd(SgdConfig { momentum, nesterov }) => Self {
                momentum: Some(momentum),
                nesterov: Some(nesterov),
                ..named(OptimizerName::Sgd)
            },
            OptimizerConfig::Adagrad(_) => named(OptimizerName::Adagrad),
            OptimizerConfig::RmsProp(_) => named(OptimizerName::Rmsprop),
            OptimizerConfig::Adam(AdamConfig { amsgrad, .. }) => {
                Self { amsgrad: Some(amsgrad), ..named(OptimizerName::Adam) }
            }
            OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }) => Self {
                amsgrad: Some(adam.amsgrad),
                weight_decay: Some(weight_decay),
                ..named(OptimizerName::Adamw)
            },
        }
    }

    /// Learning rate and decay of a run that does not say: the book's, but that Adam's rate decays, as in its
    /// model for Fashion-MNIST.
    pub(super) fn default_rates(&self) -> (f64, f64) {
        match self.name() {
            OptimizerName::Adam | OptimizerName::Adamw => (1e-3, 1e-3),
            OptimizerName::Sgd | OptimizerName::Adagrad => (1.0, 0.0),
            OptimizerName::Rmsprop => (1e-3, 0.0),
        }
    }

    fn name(&self) -> OptimizerName {
        self.optimizer.unwrap_or(OptimizerName::Adam)
    }

    /// The error where an option is given that the optimizer has not.
    pub(super) fn check_options_of(&self, optimizer: &str) -> anyhow::Result<()> {
        OPTIMIZER.check(optimizer, table(self).keys())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum OptimizerName {
    Adam,
    Adamw,
    Sgd,
    Adagrad,
    Rmsprop,
}

impl OptimizerName {
    /// As [`OptimizerConfig::name`] has it.
    fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::Adamw => "adamw",
            Self::Sgd => "sgd",
            Self::Adagrad => "adagrad",
            Self::Rmsprop => "rmsprop",
        }
    }
}
