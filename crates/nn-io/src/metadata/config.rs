//! What a run is, as it stands in the file: the keys of `training.config`.
//!
//! All but the first two are left out where they are what a run has without them, so that such a run's file is the one
//! that it was before there were others. What is left out is told by its value: nothing is written in two ways.

use serde::{Deserialize, Serialize};

use super::{is_false, list};
use crate::limits;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Config {
    pub(crate) seed: u64,
    pub(crate) batch_size: u64,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) accumulation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shuffle: Option<Shuffle>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) loss: Loss,
    #[serde(
        default,
        deserialize_with = "list::<_, _, { limits::CLASSES }>",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) class_weights: Vec<f64>,
    #[serde(
        default,
        deserialize_with = "list::<_, _, { limits::LAYERS }>",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) penalties: Vec<Penalty>,
    #[serde(
        default,
        deserialize_with = "list::<_, _, { limits::LAYERS }>",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(crate) frozen: Vec<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clip: Option<Clip>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) augmentation: Augment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) averaging: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) monitor: Option<Monitor>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) keep_best: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) early_stop: Option<EarlyStop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) init: Option<Init>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) validates_on_test: bool,
}

impl Config {
    /// A run that has no more than a seed and a size of its batches.
    pub(crate) fn plain(seed: u64, batch_size: u64) -> Self {
        Self {
            seed,
            batch_size,
            accumulation: one(),
            shuffle: None,
            loss: Loss::default(),
            class_weights: Vec::new(),
            penalties: Vec::new(),
            frozen: Vec::new(),
            clip: None,
            augmentation: Augment::default(),
            averaging: None,
            monitor: None,
            keep_best: false,
            early_stop: None,
            init: None,
            validates_on_test: false,
        }
    }

    /// Whether a key is there that may be left out.
    pub(crate) fn has_options(&self) -> bool {
        *self != Self::plain(self.seed, self.batch_size)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shuffle {
    Once,
}

/// Each variant is a map of one key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loss {
    CrossEntropy { smoothing: f64 },
    Focal { gamma: f64 },
    BinaryCrossEntropy {},
    MeanSquaredError {},
    MeanAbsoluteError {},
    Huber { delta: f64 },
}

impl Default for Loss {
    fn default() -> Self {
        Self::CrossEntropy { smoothing: 0.0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Penalty {
    pub(crate) weights_l1: f64,
    pub(crate) weights_l2: f64,
    pub(crate) biases_l1: f64,
    pub(crate) biases_l2: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clip {
    Value(f64),
    Norm(f64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Augment {
    pub(crate) flip: bool,
    pub(crate) shift: u64,
    pub(crate) cutout: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Monitor {
    Accuracy,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlyStop {
    pub(crate) patience: u64,
    pub(crate) min_delta: f64,
}

/// Each but the one that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Init {
    HeUniform,
    Glorot,
    GlorotNormal,
    Orthogonal,
    Book,
}

/// How many batches make a step, where that is left out.
fn one() -> u64 {
    1
}

/// Whether a count that is 1 without saying so is left out.
fn is_one(count: &u64) -> bool {
    *count == 1
}

/// Whether a setting is what a run has without it.
fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}
