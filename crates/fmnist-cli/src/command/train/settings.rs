//! The options that make a run the run it is, and what they mean where they are left out.

use std::{
    fmt::{self, Display},
    num::NonZeroUsize,
};

use clap::ValueEnum;
use nn_optim::{
    AdagradConfig, AdamConfig, AdamWConfig, OptimizerConfig, RmsPropConfig, Schedule, SgdConfig,
};
use nn_train::TrainingState;

use super::schedule::{EPOCHS, Rates};
use crate::{data::Choice, exit::Usage};

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

    /// Images of a step [default: 128]
    #[arg(long, value_name = "N")]
    pub(super) batch_size: Option<NonZeroUsize>,

    /// The optimizer [default: adam]
    #[arg(long, value_enum)]
    pub(super) optimizer: Option<OptimizerName>,

    /// With sgd: how much of the last update is part of the next [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(super) momentum: Option<f64>,

    /// With sgd: make the momentum Nesterov's
    #[arg(long)]
    pub(super) nesterov: bool,

    /// With adam and adamw: make it AMSGrad, which divides by the largest second moment that there was
    #[arg(long)]
    pub(super) amsgrad: bool,

    /// With adamw: what of a weight a step at a learning rate of 1 takes away [default: 0.01]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub(super) weight_decay: Option<f64>,

    /// Training images held out, the last of the set, to measure each epoch by [default: 5000]
    #[arg(long, value_name = "N")]
    pub(super) validation: Option<usize>,

    /// Determines every random draw [default: 0]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,

    #[command(flatten)]
    pub(super) rates: Rates,
}

impl Settings {
    /// The optimizer of a new run.
    pub(super) fn optimizer(&self) -> anyhow::Result<OptimizerConfig> {
        let name = self.optimizer.unwrap_or(OptimizerName::Adam);
        self.check_options_of(name.name())?;
        let amsgrad = self.amsgrad;
        let config = match name {
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
                nesterov: self.nesterov,
            }),
            OptimizerName::Adagrad => OptimizerConfig::Adagrad(AdagradConfig::default()),
            OptimizerName::Rmsprop => OptimizerConfig::RmsProp(RmsPropConfig::default()),
        };
        config.validate().map_err(Usage::error)?;
        Ok(config)
    }

    /// The learning rates of a new run of `epochs`, each of `n_batches`: by default the book's, but that
    /// Adam's decay, as in its model for Fashion-MNIST.
    pub(super) fn new_schedule(
        &self,
        epochs: Option<u64>,
        n_batches: u64,
    ) -> anyhow::Result<Schedule> {
        let defaults = match self.optimizer.unwrap_or(OptimizerName::Adam) {
            OptimizerName::Adam | OptimizerName::Adamw => (1e-3, 1e-3),
            OptimizerName::Sgd | OptimizerName::Adagrad => (1.0, 0.0),
            OptimizerName::Rmsprop => (1e-3, 0.0),
        };
        self.rates.new_schedule(defaults, epochs, n_batches)
    }

    /// Gives a new run its schedule, now that it is known how many steps an epoch has; returns how many epochs
    /// it has.
    pub(super) fn begin(
        &self,
        state: &mut TrainingState,
        epochs: Option<u64>,
        n_batches: u64,
    ) -> anyhow::Result<u64> {
        state.schedule = self.new_schedule(epochs, n_batches)?;
        Ok(epochs.unwrap_or(EPOCHS))
    }

    /// The error where an option is given that the run's optimizer has not.
    pub(super) fn check_options_of(&self, optimizer: &str) -> anyhow::Result<()> {
        let options: [(&str, &[&str], bool); 4] = [
            ("--momentum", &["sgd"], self.momentum.is_some()),
            ("--nesterov", &["sgd"], self.nesterov),
            ("--amsgrad", &["adam", "adamw"], self.amsgrad),
            ("--weight-decay", &["adamw"], self.weight_decay.is_some()),
        ];
        check_options("--optimizer", optimizer, &options)
    }
}

/// The error where an option is given that a choice, as `--optimizer`, has not for what was `chosen`. Each of
/// `options` says for which it is, and whether it is given.
pub(super) fn check_options(
    choice: &str,
    chosen: &str,
    options: &[(&str, &[&str], bool)],
) -> anyhow::Result<()> {
    let wrong = options.iter().find(|(_, of, given)| *given && !of.contains(&chosen));
    let Some((option, of, _)) = wrong else { return Ok(()) };
    let (names, have) = match of {
        [name] => ((*name).to_owned(), "has"),
        [names @ .., last] => (format!("{} or {last}", names.join(", ")), "have"),
        [] => return Ok(()),
    };
    Err(Usage::error(format!(
        "{option}: expected {choice} {names}, which alone {have} it, found {chosen}"
    )))
}

/// The error where a setting was given and is not the saved one.
pub(super) fn agree<T: PartialEq + Display>(
    option: &str,
    given: Option<&T>,
    saved: &T,
) -> anyhow::Result<()> {
    match given {
        Some(given) if given != saved => Err(Usage::error(format!(
            "{option}: the saved run has {saved}, not {given}; \
             leave the option out to carry the run on, or begin a new run without --resume"
        ))),
        _ => Ok(()),
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
