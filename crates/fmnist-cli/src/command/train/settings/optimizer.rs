//! The optimizer's options. To add an optimizer, add an entry to [`OPTIMIZERS`], and a field for each new option.

use nn_optim::{Adagrad, Adam, AdamW, OptimizerConfig, RmsProp, Sgd};
use serde::Serialize;

use super::{
    kind::{Kind, Kinds},
    option::table,
};

/// The optimizer of a run that does not choose one.
const DEFAULT: &str = "adam";

/// What makes an optimizer of options, and options of an optimizer.
pub(super) struct Rules {
    /// The default learning rate and decay: the book's, except that Adam's rate decays as in the book's model for
    /// Fashion-MNIST.
    rates: (f64, f64),
    config: fn(&OptimizerOptions) -> OptimizerConfig,
    /// All but the name.
    options: fn(&OptimizerConfig) -> OptimizerOptions,
}

/// All optimizers.
pub(super) const OPTIMIZERS: Kinds<Rules> = Kinds {
    option: "optimizer",
    kinds: &[
        Kind {
            name: "adam",
            options: &["amsgrad"],
            rules: Rules {
                rates: (1e-3, 1e-3),
                config: |given| {
                    let amsgrad = given.amsgrad.unwrap_or(false);
                    OptimizerConfig::Adam(Adam { amsgrad, ..Adam::default() })
                },
                options: |config| match *config {
                    OptimizerConfig::Adam(Adam { amsgrad, .. }) => {
                        OptimizerOptions { amsgrad: Some(amsgrad), ..Default::default() }
                    }
                    _ => Default::default(),
                },
            },
        },
        Kind {
            name: "adamw",
            options: &["amsgrad", "weight-decay"],
            rules: Rules {
                rates: (1e-3, 1e-3),
                config: |given| {
                    let default = AdamW::default();
                    let amsgrad = given.amsgrad.unwrap_or(false);
                    OptimizerConfig::AdamW(AdamW {
                        adam: Adam { amsgrad, ..default.adam },
                        weight_decay: given.weight_decay.unwrap_or(default.weight_decay),
                    })
                },
                options: |config| match *config {
                    OptimizerConfig::AdamW(AdamW { adam, weight_decay }) => {
                        let amsgrad = Some(adam.amsgrad);
                        OptimizerOptions {
                            amsgrad,
                            weight_decay: Some(weight_decay),
                            ..Default::default()
                        }
                    }
                    _ => Default::default(),
                },
            },
        },
        Kind {
            name: "sgd",
            options: &["momentum", "nesterov"],
            rules: Rules {
                rates: (1.0, 0.0),
                config: |given| {
                    OptimizerConfig::Sgd(Sgd {
                        momentum: given.momentum.unwrap_or_default(),
                        nesterov: given.nesterov.unwrap_or(false),
                    })
                },
                options: |config| match *config {
                    OptimizerConfig::Sgd(Sgd { momentum, nesterov }) => {
                        let momentum = Some(momentum);
                        OptimizerOptions {
                            momentum,
                            nesterov: Some(nesterov),
                            ..Default::default()
                        }
                    }
                    _ => Default::default(),
                },
            },
        },
        Kind {
            name: "adagrad",
            options: &[],
            rules: Rules {
                rates: (1.0, 0.0),
                config: |_| OptimizerConfig::Adagrad(Adagrad::default()),
                options: |_| Default::default(),
            },
        },
        Kind {
            name: "rmsprop",
            options: &[],
            rules: Rules {
                rates: (1e-3, 0.0),
                config: |_| OptimizerConfig::RmsProp(RmsProp::default()),
                options: |_| Default::default(),
            },
        },
    ],
};

/// The options of the optimizer.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Optimizer")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct OptimizerOptions {
    /// The optimizer [default: adam]
    #[arg(long, value_parser = OPTIMIZERS.values())]
    #[serde(skip_serializing_if = "Option::is_none")]
    optimizer: Option<String>,

    /// With sgd: the share of the last update that is added to the next [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,

    /// With sgd: use Nesterov momentum
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    nesterov: Option<bool>,

    /// With adam and adamw: use AMSGrad, which divides by the largest second moment so far
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    amsgrad: Option<bool>,

    /// With adamw: decoupled weight decay coefficient [default: 0.01]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
}

impl OptimizerOptions {
    /// The optimizer of a new run.
    pub(super) fn config(&self) -> anyhow::Result<OptimizerConfig> {
        let kind = self.kind()?;
        self.check_options_of(kind.name)?;
        let config = (kind.rules.config)(self);
        config.validate().map_err(|error| kind.by_option(error))?;
        Ok(config)
    }

    /// The options that give this optimizer, complete.
    pub(super) fn of(config: &OptimizerConfig) -> Self {
        let optimizer = Some(config.name().into());
        let kind = OPTIMIZERS.get(config.name());
        let options = kind.map(|kind| (kind.rules.options)(config)).unwrap_or_default();
        Self { optimizer, ..options }
    }

    /// The default learning rate and decay with this optimizer.
    pub(super) fn default_rates(&self) -> anyhow::Result<(f64, f64)> {
        Ok(self.kind()?.rules.rates)
    }

    /// Fails if an option is given that this optimizer does not have.
    pub(super) fn check_options_of(&self, optimizer: &str) -> anyhow::Result<()> {
        OPTIMIZERS.check(optimizer, table(self).keys())
    }

    fn kind(&self) -> anyhow::Result<&'static Kind<Rules>> {
        OPTIMIZERS.chosen(self.optimizer.as_deref().unwrap_or(DEFAULT))
    }
}
