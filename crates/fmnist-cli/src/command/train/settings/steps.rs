//! The options of how a run goes: its batches, what becomes of images and gradients, which epochs count.

use std::num::NonZeroUsize;

use clap::ValueEnum;
use nn_train::{Augment, Clip, EarlyStop, Monitor, RunConfig, Shuffle};
use serde::Serialize;

use super::list::List;
use crate::exit::Usage;

/// How a run goes.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Steps and epochs")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Steps {
    /// Images that go through the network together [default: 128]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch_size: Option<NonZeroUsize>,

    /// Batches of a step, whose gradients are added up [default: 1]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    accumulate: Option<NonZeroUsize>,

    /// Whether images come in another order each epoch, or as in the book in one drawn once [default: each-epoch]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    shuffle: Option<ShuffleName>,

    /// Mirror every other image, at random
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    flip: Option<bool>,

    /// Shift images by up to so many pixels each way, at random [default: 0]
    #[arg(long, value_name = "PIXELS", value_parser = pixels())]
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<u64>,

    /// Put a black square of this side at random over each image [default: 0]
    #[arg(long, value_name = "PIXELS", value_parser = pixels())]
    #[serde(skip_serializing_if = "Option::is_none")]
    cutout: Option<u64>,

    /// Judge each image together with its mirror image, in training and ever after
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    test_flips: Option<bool>,

    /// Dense layers that stay as they are, the first being 0 [default: none]
    #[arg(long, value_name = "N,N,...")]
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze: Option<List<usize>>,

    /// Scale gradients down to this norm where theirs is larger [default: 0, not so]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,

    /// Keep each element of the gradient within this distance of 0 [default: 0, not so]
    #[arg(long, value_name = "LIMIT", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_value: Option<f64>,

    /// Judge and use a moving average of the weights, of which a step keeps this much, as 0.999 [default: 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    average: Option<f64>,

    /// What says which epoch is the best: of the images held out, or without any, of the others [default: loss]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<MonitorName>,

    /// Use the weights of the best epoch in the end
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_best: Option<bool>,

    /// Stop after so many epochs without a better one [default: 0, never]
    #[arg(long, value_name = "EPOCHS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stop: Option<u64>,

    /// With --early-stop: by how much an epoch must be better to count [default: 0]
    #[arg(long, value_name = "DELTA", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stop_delta: Option<f64>,

    /// Training images held out, the last of the set, to measure each epoch by [default: 5000, or a
    /// twelfth of a smaller set]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) validation: Option<usize>,

    /// Measure each epoch by the test set, as the book does; it then says nothing new in the end
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_on_test: Option<bool>,

    /// Determines every random draw [default: 0]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// So many pixels as a side of an image may have.
fn pixels() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=nn_io::limits::WIDTH as u64)
}

impl Steps {
    /// Gives the settings of a run with so many dense layers what was asked for.
    pub(super) fn configure(&self, n_dense: usize, config: &mut RunConfig) -> anyhow::Result<()> {
        config.seed = self.seed.unwrap_or(0);
        config.accumulation = self.accumulate.map_or(1, usize::from);
        config.shuffle = self.shuffle.map_or(Shuffle::EachEpoch, ShuffleName::shuffle);
        config.augment = Augment {
            flip: self.flip.unwrap_or(false),
            shift: self.shift.unwrap_or(0) as usize,
            cutout: self.cutout.unwrap_or(0) as usize,
        };
        config.mirror = self.test_flips.unwrap_or(false);
        config.validates_on_test = self.validate_on_test.unwrap_or(false);
        config.frozen = match self.freeze.as_ref().map_or(&[][..], |it| &it.0) {
            [] => Vec::new(),
            layers => {
                if let Some(layer) = layers.iter().find(|&&layer| layer >= n_dense) {
                    let expected =
                        format!("--freeze: expected dense layers from 0 to {}", n_dense - 1);
                    return Err(Usage::error(format!("{expected}, found {layer}")));
                }
                (0..n_dense).map(|layer| layers.contains(&layer)).collect()
            }
        };
        config.clip = match (self.clip_norm.unwrap_or(0.0), self.clip_value.unwrap_or(0.0)) {
            (0.0, 0.0) => None,
            (norm, 0.0) => Some(Clip::Norm(norm)),
            (0.0, value) => Some(Clip::Value(value)),
            (norm, value) => {
                return Err(Usage::error(format!(
                    "--clip-norm: expected 0 beside a --clip-value of {value}, found {norm}"
                )));
            }
        };
        config.averaging = self.average.filter(|&decay| decay != 0.0);
        config.monitor = self.monitor.map_or(Monitor::Loss, MonitorName::monitor);
        config.keep_best = self.keep_best.unwrap_or(false);
        let min_delta = self.early_stop_delta.unwrap_or(0.0);
        config.early_stop = match self.early_stop.unwrap_or(0) {
            0 if min_delta != 0.0 => {
                return Err(Usage::error("--early-stop-delta: needs --early-stop"));
            }
            0 => None,
            patience => Some(EarlyStop { patience, min_delta }),
        };
        Ok(())
    }

    /// The options that give these settings, all of them said that have a value.
    pub(super) fn of(config: &RunConfig) -> Self {
        let frozen = config.frozen.iter().enumerate().filter(|(_, is_frozen)| **is_frozen);
        let frozen: Vec<usize> = frozen.map(|(layer, _)| layer).collect();
        let (clip_norm, clip_value) = match config.clip {
            None => (0.0, 0.0),
            Some(Clip::Norm(norm)) => (norm, 0.0),
            Some(Clip::Value(value)) => (0.0, value),
        };
        Self {
            batch_size: NonZeroUsize::new(config.batch_size),
            accumulate: NonZeroUsize::new(config.accumulation),
            shuffle: Some(ShuffleName::of(config.shuffle)),
            flip: Some(config.augment.flip),
            shift: Some(config.augment.shift as u64),
            cutout: Some(config.augment.cutout as u64),
            test_flips: Some(config.mirror),
            freeze: Some(List(frozen)),
            clip_norm: Some(clip_norm),
            clip_value: Some(clip_value),
            average: Some(config.averaging.unwrap_or(0.0)),
            monitor: Some(MonitorName::of(config.monitor)),
            keep_best: Some(config.keep_best),
            early_stop: Some(config.early_stop.map_or(0, |stop| stop.patience)),
            early_stop_delta: Some(config.early_stop.map_or(0.0, |stop| stop.min_delta)),
            validation: None,
            validate_on_test: Some(config.validates_on_test),
            seed: Some(config.seed),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ShuffleName {
    EachEpoch,
    Once,
}

impl ShuffleName {
    fn shuffle(self) -> Shuffle {
        match self {
            Self::EachEpoch => Shuffle::EachEpoch,
            Self::Once => Shuffle::Once,
        }
    }

    fn of(shuffle: Shuffle) -> Self {
        match shuffle {
            Shuffle::EachEpoch => Self::EachEpoch,
            Shuffle::Once => Self::Once,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum MonitorName {
    /// The lowest
    Loss,
    /// The highest
    Accuracy,
}

impl MonitorName {
    fn monitor(self) -> Monitor {
        match self {
            Self::Loss => Monitor::Loss,
            Self::Accuracy => Monitor::Accuracy,
        }
    }

    fn of(monitor: Monitor) -> Self {
        match monitor {
            Monitor::Loss => Self::Loss,
            Monitor::Accuracy => Self::Accuracy,
        }
    }
}
