//! The options that make a run the run it is, and what they mean where they are left out.

use std::{fmt, num::NonZeroUsize};

use clap::ValueEnum;
use nn_optim::{
    AdagradConfig, AdamConfig, AdamWConfig, OptimizerConfig, RmsPropConfig, Schedule, SgdConfig,
};

use crate::{exit::Usage, source::Choice};

/// What makes a run the run it is. Absent is the default, or when resuming what was saved.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Settings of a run")]
pub(super) struct Settings {
    /// The images to train on [default: auto]
    #[arg(long, value_enum)]
    pub(super) dataset: Option<Choice>,

    /// Sizes of the hidden layers, or `none` [default: 128,128]
    #[arg(long, value_name = "N,N,...")]
    pub(super) hidden: Option<Hidden>,

    /// Images of a step [default: 128, or all where there are fewer]
    #[arg(long, value_name = "N")]
    pub(super) batch_size: Option<NonZeroUsize>,

    /// The optimizer [default: adam]
    #[arg(long, value_enum)]
    pub(super) optimizer: Option<OptimizerName>,

    /// Learning rate of the first step [default: 0.001; of sgd and adagrad 1]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub(super) learning_rate: Option<f64>,

    /// How fast the learning rate falls, a step: rate / (1 + decay * step) [default: 0.001 of adam and
    /// adamw, else 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub(super) decay: Option<f64>,

    /// With sgd: how much of the last update is part of the next [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(super) momentum: Option<f64>,

    /// With sgd: make the momentum Nesterov's
    #[arg(long)]
    pub(super) nesterov: bool,

    /// With adamw: what of a weight a step at a learning rate of 1 takes away [default: 0.01]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub(super) weight_decay: Option<f64>,

    /// Training images held out, the last of the set, to measure each epoch by [default: 5000, or
    /// a twelfth of the set where that is less]
    #[arg(long, value_name = "N")]
    pub(super) validation: Option<usize>,

    /// Determines every random draw [default: 0]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

impl Settings {
    /// The optimizer of a new run.
    pub(super) fn optimizer(&self) -> anyhow::Result<OptimizerConfig> {
        let name = self.optimizer.unwrap_or(OptimizerName::Adam);
        self.check_options_of(name.name())?;
        let config = match name {
            OptimizerName::Adam => OptimizerConfig::Adam(AdamConfig::default()),
            OptimizerName::Adamw => {
                let default = AdamWConfig::default();
                let weight_decay = self.weight_decay.unwrap_or(default.weight_decay);
                OptimizerConfig::AdamW(AdamWConfig { weight_decay, ..default })
            }
            OptimizerName::Sgd => OptimizerConfig::Sgd(SgdConfig {
                momentum: self.momentum.unwrap_or_default(),
                nesterov: self.nesterov,
            }),
            OptimizerName::Adagrad => OptimizerConfig::Adagrad(AdagradConfig::default()),
            OptimizerName::Rmsprop => OptimizerConfig::RmsProp(RmsPropConfig::default()),
        };
        config.validate().map_err(Usage::error)?;
        Ok(config)
    }

    /// The learning rates of a new run: the book's, but that Adam's decay by default, as in its model for
    /// Fashion-MNIST.
    pub(super) fn schedule(&self) -> anyhow::Result<Schedule> {
        let (learning_rate, decay) = match self.optimizer.unwrap_or(OptimizerName::Adam) {
            OptimizerName::Adam | OptimizerName::Adamw => (1e-3, 1e-3),
            OptimizerName::Sgd | OptimizerName::Adagrad => (1.0, 0.0),
            OptimizerName::Rmsprop => (1e-3, 0.0),
        };
        let schedule = Schedule::InverseTime {
            learning_rate: self.learning_rate.unwrap_or(learning_rate),
            decay: self.decay.unwrap_or(decay),
        };
        schedule.validate().map_err(Usage::error)?;
        Ok(schedule)
    }

    /// The error where an option is given that the run's optimizer has not.
    pub(super) fn check_options_of(&self, optimizer: &str) -> anyhow::Result<()> {
        let options = [
            ("--momentum", "sgd", self.momentum.is_some()),
            ("--nesterov", "sgd", self.nesterov),
            ("--weight-decay", "adamw", self.weight_decay.is_some()),
        ];
        match options.iter().find(|(_, of, given)| *given && *of != optimizer) {
            None => Ok(()),
            Some((option, of, _)) => Err(Usage::error(format!(
                "{option}: expected --optimizer {of}, which alone has it, found {optimizer}"
            ))),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OptimizerName {
    Adam,
    Adamw,
    Sgd,
    Adagrad,
    Rmsprop,
}

impl OptimizerName {
    /// As [`OptimizerConfig::name`] has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Adam => "adam",
            Self::Adamw => "adamw",
            Self::Sgd => "sgd",
            Self::Adagrad => "adagrad",
            Self::Rmsprop => "rmsprop",
        }
    }
}

/// Sizes of hidden layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hidden(pub(super) Vec<usize>);

impl std::str::FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let size = |part: &str| match part.trim().parse() {
            Ok(0) | Err(_) => {
                Err(format!("expected sizes of 1 or more, as 128,128, found {part:?}"))
            }
            Ok(size) => Ok(size),
        };
        text.split(',').map(size).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let sizes: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&sizes.join(","))
    }
}
