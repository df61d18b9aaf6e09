//! The options of training: batches, augmentation, gradient clipping, held-out images, and the choice of the best epoch.

use std::num::NonZeroUsize;

use nn_core::Arithmetic;
use nn_train::{Augment, Clip, EarlyStop, Monitor, RunConfig, Shuffle};

use super::{
    Error,
    group::{names, options},
    list::List,
};

/// The heading of the options that decide when a run ends and with which weights.
#[cfg(feature = "clap")]
const CHOOSING: &str = "Stopping and choosing";

options! {
    /// The options of training.
    pub struct TrainingOptions ["Training"] {
        /// Images in a batch [default: 128, or all of a smaller set]
        batch_size: NonZeroUsize [value_name = "N"],

        /// Batches whose gradients are accumulated for a step [default: 1]
        accumulate: NonZeroUsize [value_name = "N"],

        /// When to shuffle the images [default: each-epoch]
        shuffle: ShuffleName [value_enum, value_name = "WHEN"],

        /// Augmentation: mirror images with probability 1/2 [default: false]
        flip: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true, help_heading = "Data"],

        /// Augmentation: shift at random, up to this far [default: 0]
        shift: usize [value_name = "PIXELS", help_heading = "Data"],

        /// Augmentation: rotate at random, by up to this angle [default: 0]
        rotate: f64 [value_name = "DEGREES", allow_negative_numbers = true, help_heading = "Data"],

        /// Augmentation: scale at random, by up to this much [default: 0]
        zoom: f64 [value_name = "FRACTION", allow_negative_numbers = true, help_heading = "Data"],

        /// Augmentation: brightness and contrast, by up to this [default: 0]
        tone: f64 [value_name = "FRACTION", allow_negative_numbers = true, help_heading = "Data"],

        /// Augmentation: add noise, up to this deviation [default: 0]
        noise: f64 [value_name = "SIGMA", allow_negative_numbers = true, help_heading = "Data"],

        /// Augmentation: black out a random square of this side [default: 0]
        cutout: usize [value_name = "PIXELS", help_heading = "Data"],

        /// Average predictions for an image and its mirror [default: false]
        test_flips: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true, help_heading = "Data"],

        /// Dense layers to freeze, counted from 0, or `none` [default: none]
        freeze: List<usize> [value_name = "N,N,...", help_heading = "Network"],

        /// Clip the gradient to this norm [default: 0, off]
        clip_norm: f64 [value_name = "NORM", allow_negative_numbers = true],

        /// Clip each element of the gradient to this size [default: 0, off]
        clip_value: f64 [value_name = "LIMIT", allow_negative_numbers = true],

        /// Decay of the weights' moving average, such as 0.999 [default: 0, off]
        average: f64 [value_name = "DECAY", allow_negative_numbers = true, help_heading = CHOOSING],

        /// Metric that determines the best epoch [default: loss]
        monitor: MonitorName [value_enum, value_name = "NAME", help_heading = CHOOSING],

        /// Use the weights of the best epoch at the end [default: false]
        keep_best: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true, help_heading = CHOOSING],

        /// Stop after this many epochs without a better one [default: 0, never]
        early_stop: u64 [value_name = "N", help_heading = CHOOSING],

        /// With --early-stop: how much better an epoch must be [default: 0]
        early_stop_delta: f64 [value_name = "N", allow_negative_numbers = true, help_heading = CHOOSING],

        /// Training images to hold out [default: 5000, at most a twelfth]
        validation: usize [value_name = "N", help_heading = "Data"],

        /// Validate on the test set, as the book does [default: false]
        validate_on_test: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true, help_heading = "Data"],

        /// Seed of all random draws [default: 0]
        seed: u64 [value_name = "N"],

        /// Rounding of multiply-adds in matrix products [default: fused, or plain if the processor has no fused multiply-add]
        arithmetic: ArithmeticName [value_enum, value_name = "NAME"],
    }
}

names! {
    /// The order of the images.
    pub enum ShuffleName: Shuffle {
        EachEpoch = Shuffle::EachEpoch,
        Once = Shuffle::Once,
    }
}

names! {
    /// The metric that determines the best epoch.
    pub enum MonitorName: Monitor {
        /// The lowest
        Loss = Monitor::Loss,
        /// The highest
        Accuracy = Monitor::Accuracy,
    }
}

names! {
    /// The rounding of multiply-adds in matrix products.
    pub enum ArithmeticName: Arithmetic {
        /// Once, after the addition
        Fused = Arithmetic::Fused,
        /// Twice, after the multiplication and after the addition
        Plain = Arithmetic::Plain,
    }
}

impl TrainingOptions {
    /// Applies these options to the configuration of a run with `n_dense` dense layers.
    pub(super) fn configure(&self, n_dense: usize, config: &mut RunConfig) -> Result<(), Error> {
        let on = |flag: Option<bool>| flag.unwrap_or_default();
        config.seed = self.seed.unwrap_or_default();
        config.accumulation = self.accumulate.map_or(1, usize::from);
        config.shuffle = self.shuffle.map_or(config.shuffle, ShuffleName::value);
        config.augment = Augment {
            flip: on(self.flip),
            shift: self.shift.unwrap_or_default(),
            rotate: self.rotate.unwrap_or_default(),
            zoom: self.zoom.unwrap_or_default(),
            tone: self.tone.unwrap_or_default(),
            noise: self.noise.unwrap_or_default(),
            cutout: self.cutout.unwrap_or_default(),
        };
        config.tta_flip = on(self.test_flips);
        config.validates_on_test = on(self.validate_on_test);
        config.arithmetic = self.arithmetic.map_or(config.arithmetic, ArithmeticName::value);
        config.frozen = self.frozen(n_dense)?;
        config.clip =
            match (self.clip_norm.unwrap_or_default(), self.clip_value.unwrap_or_default()) {
                (0.0, 0.0) => None,
                (norm, 0.0) => Some(Clip::Norm(norm)),
                (0.0, value) => Some(Clip::Value(value)),
                (norm, value) => {
                    let expected = format!("0 together with a --clip-value of {value}");
                    return Err(Error::range("clip-norm", expected, norm));
                }
            };
        config.averaging = self.average.filter(|&decay| decay != 0.0);
        config.monitor = self.monitor.map_or(config.monitor, MonitorName::value);
        config.keep_best = on(self.keep_best);
        let min_delta = self.early_stop_delta.unwrap_or_default();
        config.early_stop = match self.early_stop.unwrap_or_default() {
            0 if min_delta != 0.0 => {
                return Err(Error::option("early-stop-delta", "needs --early-stop"));
            }
            0 => None,
            patience => Some(EarlyStop { patience, min_delta }),
        };
        Ok(())
    }

    /// Which of the dense layers are frozen; empty for none.
    fn frozen(&self, n_dense: usize) -> Result<Vec<bool>, Error> {
        let layers: &[usize] = self.freeze.as_ref().map_or(&[], |List(layers)| layers);
        if let Some(layer) = layers.iter().find(|&&layer| layer >= n_dense) {
            let expected = format!("dense layers from 0 to {}", n_dense.saturating_sub(1));
            return Err(Error::range("freeze", expected, layer));
        }
        let frozen = (0..n_dense).map(|layer| layers.contains(&layer));
        Ok(if layers.is_empty() { Vec::new() } else { frozen.collect() })
    }

    /// The options that would make this configuration, with every one filled in except the number of held-out images.
    pub(super) fn of(config: &RunConfig) -> Self {
        let frozen = config.frozen.iter().enumerate().filter(|(_, is_frozen)| **is_frozen);
        let frozen: Vec<usize> = frozen.map(|(layer, _)| layer).collect();
        let (clip_norm, clip_value) = match config.clip {
            Some(Clip::Norm(norm)) => (norm, 0.0),
            Some(Clip::Value(value)) => (0.0, value),
            _ => (0.0, 0.0),
        };
        Self {
            batch_size: NonZeroUsize::new(config.batch_size),
            accumulate: NonZeroUsize::new(config.accumulation),
            shuffle: ShuffleName::of(&config.shuffle),
            flip: Some(config.augment.flip),
            shift: Some(config.augment.shift),
            rotate: Some(config.augment.rotate),
            zoom: Some(config.augment.zoom),
            tone: Some(config.augment.tone),
            noise: Some(config.augment.noise),
            cutout: Some(config.augment.cutout),
            test_flips: Some(config.tta_flip),
            freeze: Some(List(frozen)),
            clip_norm: Some(clip_norm),
            clip_value: Some(clip_value),
            average: Some(config.averaging.unwrap_or_default()),
            monitor: MonitorName::of(&config.monitor),
            keep_best: Some(config.keep_best),
            early_stop: Some(config.early_stop.map_or(0, |stop| stop.patience)),
            early_stop_delta: Some(config.early_stop.map_or(0.0, |stop| stop.min_delta)),
            validation: None,
            validate_on_test: Some(config.validates_on_test),
            seed: Some(config.seed),
            arithmetic: ArithmeticName::of(&config.arithmetic),
        }
    }
}
