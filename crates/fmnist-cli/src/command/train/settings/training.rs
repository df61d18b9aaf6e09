//! The options of training: batches, augmentation, gradient clipping, held-out images, and the choice of the best epoch.

use std::num::NonZeroUsize;

use clap::ValueEnum;
use nn_train::{Augment, Clip, EarlyStop, Monitor, RunConfig, Shuffle};
use serde::Serialize;

use super::list::List;
use crate::exit::Usage;

/// The total number of epochs of a run, if no option gives it.
pub(in crate::command) const EPOCHS: u64 = 10;

/// The number of held-out images, if no option gives it and the set is large enough.
pub(in crate::command) const N_VALIDATION: usize = 5000;

/// The options of training.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Steps and epochs")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct TrainingOptions {
    /// Images in a batch [default: 128]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch_size: Option<NonZeroUsize>,

    /// Accumulate the gradients of this many batches for each step [default: 1]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    accumulate: Option<NonZeroUsize>,

    /// Shuffle the images for each epoch, or only once as in the book [default: each-epoch]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    shuffle: Option<ShuffleName>,

    /// Augmentation: mirror each image with probability 1/2
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    flip: Option<bool>,

    /// Augmentation: shift images at random by up to this many pixels each way [default: 0]
    #[arg(long, value_name = "PIXELS", value_parser = pixels())]
    #[serde(skip_serializing_if = "Option::is_none")]
    shift: Option<u64>,

    /// Augmentation: black out a random square with this side in each image [default: 0]
    #[arg(long, value_name = "PIXELS", value_parser = pixels())]
    #[serde(skip_serializing_if = "Option::is_none")]
    cutout: Option<u64>,

    /// Average the predictions for an image and its mirror image (saved with the model)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    test_flips: Option<bool>,

    /// Freeze these dense layers, counted from 0 [default: none]
    #[arg(long, value_name = "N,N,...")]
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze: Option<List<usize>>,

    /// Clip the gradient to this norm [default: 0, off]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,

    /// Clip each element of the gradient to this absolute value [default: 0, off]
    #[arg(long, value_name = "LIMIT", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_value: Option<f64>,

    /// Evaluate and save an exponential moving average of the weights with this decay, e.g. 0.999 [default: 0, off]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    average: Option<f64>,

    /// The metric that determines the best epoch, on the held-out images or, without any, on the training images
    /// [default: loss]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<MonitorName>,

    /// Use the weights of the best epoch in the end
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_best: Option<bool>,

    /// Stop after this many epochs without a better one [default: 0, never]
    #[arg(long, value_name = "EPOCHS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stop: Option<u64>,

    /// With --early-stop: how much better an epoch must be to count [default: 0]
    #[arg(long, value_name = "DELTA", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stop_delta: Option<f64>,

    /// Hold out this many training images, the last of the set, to evaluate each epoch [default: 5000, or a
    /// twelfth of a smaller set]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) validation: Option<usize>,

    /// Evaluate each epoch on the test set, as the book does; the final test result is then no longer independent
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[serde(skip_serializing_if = "Option::is_none")]
    validate_on_test: Option<bool>,

    /// Seed of all random draws [default: 0]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// A number of pixels, up to the longest side of an image.
fn pixels() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=nn_io::limits::WIDTH as u64)
}

impl TrainingOptions {
    /// Applies these options to the configuration of a run with `n_dense` dense layers.
    pub(super) fn configure(&self, n_dense: usize, config: &mut RunConfig) -> anyhow::Result<()> {
        config.seed = self.seed.unwrap_or(0);
        config.accumulation = self.accumulate.map_or(1, usize::from);
        config.shuffle = self.shuffle.map_or(Shuffle::EachEpoch, ShuffleName::shuffle);
        config.augment = Augment {
            flip: self.flip.unwrap_or(false),
            shift: self.shift.unwrap_or(0) as usize,
            cutout: self.cutout.unwrap_or(0) as usize,
        };
        config.tta_flip = self.test_flips.unwrap_or(false);
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
                    "--clip-norm: expected 0 together with a --clip-value of {value}, found {norm}"
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

    /// The options that give this configuration, complete except for the number of held-out images.
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
            test_flips: Some(config.tta_flip),
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
