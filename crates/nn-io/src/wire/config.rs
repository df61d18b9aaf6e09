//! The settings of a run: `training.config` in section 3 of FORMAT.md. The rules are those of [`RunConfig`], and the
//! settings must fit the network.
//!
//! All keys except the first two are left out if their value is the default. So a new key does not change the files of
//! runs that do not use it, and nothing can be written in two ways.

use nn_core::{Architecture, Loss as CoreLoss, Penalty as CorePenalty};
use nn_train::RunConfig;
use serde::{Deserialize, Serialize};

use super::form::{count, is_default, is_one, list, one, real32, unknown};
use crate::error::{check_limit, check_value};
use crate::{Error, limits};

/// The feature bit of a run with settings other than the seed and the batch size.
pub(super) const FEATURE: u32 = 1 << 4;

/// The feature bit of a run in plain arithmetic. A reader that does not know it would go on in the other.
pub(super) const ARITHMETIC_FEATURE: u32 = 1 << 10;

/// The feature bit of a run that rotates or scales images, or changes their tone or noise. A reader that does not know it
/// would train on other images.
pub(super) const AUGMENT_FEATURE: u32 = 1 << 14;

/// The feature bit of a run that does not hold out the last samples. A reader that does not know it would evaluate on
/// samples of the training.
pub(super) const HELD_OUT_FEATURE: u32 = 1 << 9;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Config {
    seed: u64,
    batch_size: u64,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    accumulation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shuffle: Option<Shuffle>,
    #[serde(default, skip_serializing_if = "is_default")]
    loss: Loss,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "list::<_, _, { limits::CLASSES }>")]
    class_weights: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "list::<_, _, { limits::LAYERS }>")]
    penalties: Vec<Penalty>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "list::<_, _, { limits::LAYERS }>")]
    frozen: Vec<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clip: Option<Clip>,
    #[serde(default, skip_serializing_if = "is_default")]
    augmentation: Augment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    averaging: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    monitor: Option<Monitor>,
    #[serde(default, skip_serializing_if = "is_default")]
    keep_best: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    early_stop: Option<EarlyStop>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    init: Option<Init>,
    #[serde(default, skip_serializing_if = "is_default")]
    validates_on_test: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arithmetic: Option<Arithmetic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_out: Option<HeldOut>,
}

impl Config {
    pub(super) fn new(config: &RunConfig) -> Result<Self, Error> {
        check_limit("class weights", limits::CLASSES, config.class_weights.len())?;
        Ok(Self {
            seed: config.seed,
            batch_size: config.batch_size as u64,
            accumulation: config.accumulation as u64,
            shuffle: match config.shuffle {
                nn_train::Shuffle::EachEpoch => None,
                nn_train::Shuffle::Once => Some(Shuffle::Once),
            },
            loss: Loss::new(config.loss)?,
            class_weights: config.class_weights.iter().copied().map(f64::from).collect(),
            penalties: config.penalties.iter().map(Penalty::new).collect(),
            frozen: config.frozen.clone(),
            clip: config.clip.map(|clip| match clip {
                nn_train::Clip::Value(limit) => Clip::Value(limit),
                nn_train::Clip::Norm(limit) => Clip::Norm(limit),
            }),
            augmentation: Augment::new(config.augment),
            averaging: config.averaging,
            monitor: match config.monitor {
                nn_train::Monitor::Loss => None,
                nn_train::Monitor::Accuracy => Some(Monitor::Accuracy),
            },
            keep_best: config.keep_best,
            early_stop: config.early_stop.map(|nn_train::EarlyStop { patience, min_delta }| {
                EarlyStop { patience, min_delta }
            }),
            init: Init::new(config.init)?,
            validates_on_test: config.validates_on_test,
            arithmetic: match config.arithmetic {
                nn_core::Arithmetic::Fused => None,
                nn_core::Arithmetic::Plain => Some(Arithmetic::Plain),
            },
            held_out: match config.held_out {
                nn_train::HeldOut::Last => None,
                nn_train::HeldOut::Stratified => Some(HeldOut::Stratified),
            },
        })
    }

    /// Converts and checks the settings, for this network. `mirror` is that of the file's `input`.
    pub(super) fn read(
        self,
        architecture: &Architecture,
        mirror: bool,
    ) -> Result<RunConfig, Error> {
        let batch_size = self.batch_size;
        check_value(batch_size > 0, "training.config.batch_size", "1 or more", batch_size)?;
        let class_weights = self.class_weights.iter().enumerate();
        let class_weights = class_weights
            .map(|(i, &weight)| real32(&format!("training.config.class_weights[{i}]"), weight));
        let config = RunConfig {
            seed: self.seed,
            batch_size: count("training.config.batch_size", batch_size)?,
            accumulation: count("training.config.accumulation", self.accumulation)?,
            shuffle: match self.shuffle {
                None => nn_train::Shuffle::EachEpoch,
                Some(Shuffle::Once) => nn_train::Shuffle::Once,
            },
            loss: self.loss.read(),
            class_weights: class_weights.collect::<Result<_, _>>()?,
            penalties: self.penalties.iter().map(Penalty::read).collect(),
            frozen: self.frozen,
            clip: self.clip.map(|clip| match clip {
                Clip::Value(limit) => nn_train::Clip::Value(limit),
                Clip::Norm(limit) => nn_train::Clip::Norm(limit),
            }),
            augment: self.augmentation.read()?,
            averaging: self.averaging,
            monitor: match self.monitor {
                None => nn_train::Monitor::Loss,
                Some(Monitor::Accuracy) => nn_train::Monitor::Accuracy,
            },
            keep_best: self.keep_best,
            early_stop: self.early_stop.map(|EarlyStop { patience, min_delta }| {
                nn_train::EarlyStop { patience, min_delta }
            }),
            tta_flip: mirror,
            init: self.init.map_or(nn_core::Init::He, Init::read),
            validates_on_test: self.validates_on_test,
            arithmetic: match self.arithmetic {
                None => nn_core::Arithmetic::Fused,
                Some(Arithmetic::Plain) => nn_core::Arithmetic::Plain,
            },
            held_out: match self.held_out {
                None => nn_train::HeldOut::Last,
                Some(HeldOut::Stratified) => nn_train::HeldOut::Stratified,
            },
        };
        config.validate().map_err(Error::Run)?;
        check_network(&config, architecture)?;
        Ok(config)
    }

    /// The required features of the header that the settings need.
    pub(super) fn features(&self) -> u32 {
        let arithmetic = nn_core::Arithmetic::Fused;
        let default = Self::new(&RunConfig { arithmetic, ..RunConfig::default() });
        let plain = default.map(|it| Self { seed: self.seed, batch_size: self.batch_size, ..it });
        let of_keys = if plain.is_ok_and(|plain| plain == *self) { 0 } else { FEATURE };
        let of_arithmetic = self.arithmetic.map_or(0, |_| ARITHMETIC_FEATURE);
        let of_augment = if self.augmentation.has_reals() { AUGMENT_FEATURE } else { 0 };
        let of_held_out = self.held_out.map_or(0, |_| HELD_OUT_FEATURE);
        of_keys | of_arithmetic | of_augment | of_held_out
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shuffle {
    Once,
}

/// Each variant is a map of one key.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Loss {
    CrossEntropy { smoothing: f64 },
    Focal { gamma: f64 },
    BinaryCrossEntropy {},
    MeanSquaredError {},
    MeanAbsoluteError {},
    Huber { delta: f64 },
}

impl Loss {
    fn new(loss: CoreLoss) -> Result<Self, Error> {
        Ok(match loss {
            CoreLoss::CrossEntropy { smoothing } => Self::CrossEntropy { smoothing },
            CoreLoss::Focal { gamma } => Self::Focal { gamma },
            CoreLoss::BinaryCrossEntropy => Self::BinaryCrossEntropy {},
            CoreLoss::MeanSquaredError => Self::MeanSquaredError {},
            CoreLoss::MeanAbsoluteError => Self::MeanAbsoluteError {},
            CoreLoss::Huber { delta } => Self::Huber { delta },
            other => return Err(unknown("training.config.loss", other.name())),
        })
    }

    fn read(self) -> CoreLoss {
        match self {
            Self::CrossEntropy { smoothing } => CoreLoss::CrossEntropy { smoothing },
            Self::Focal { gamma } => CoreLoss::Focal { gamma },
            Self::BinaryCrossEntropy {} => CoreLoss::BinaryCrossEntropy,
            Self::MeanSquaredError {} => CoreLoss::MeanSquaredError,
            Self::MeanAbsoluteError {} => CoreLoss::MeanAbsoluteError,
            Self::Huber { delta } => CoreLoss::Huber { delta },
        }
    }
}

impl Default for Loss {
    fn default() -> Self {
        Self::CrossEntropy { smoothing: 0.0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Penalty {
    weights_l1: f64,
    weights_l2: f64,
    biases_l1: f64,
    biases_l2: f64,
}

impl Penalty {
    fn new(penalty: &CorePenalty) -> Self {
        let &CorePenalty { weights_l1, weights_l2, biases_l1, biases_l2 } = penalty;
        Self { weights_l1, weights_l2, biases_l1, biases_l2 }
    }

    fn read(&self) -> CorePenalty {
        let &Self { weights_l1, weights_l2, biases_l1, biases_l2 } = self;
        CorePenalty { weights_l1, weights_l2, biases_l1, biases_l2 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Clip {
    Value(f64),
    Norm(f64),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Augment {
    flip: bool,
    shift: u64,
    cutout: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    rotate: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    zoom: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    tone: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    noise: f64,
}

impl Augment {
    fn new(augment: nn_train::Augment) -> Self {
        let nn_train::Augment { flip, shift, rotate, zoom, tone, noise, cutout } = augment;
        let (shift, cutout) = (shift as u64, cutout as u64);
        Self { flip, shift, cutout, rotate, zoom, tone, noise }
    }

    /// Limits pixels to the width of a layer, so that their sums never overflow.
    fn read(self) -> Result<nn_train::Augment, Error> {
        let Self { flip, shift, cutout, rotate, zoom, tone, noise } = self;
        let pixels = |name: &str, found: u64| {
            let field = format!("training.config.augmentation.{name}");
            let expected = format!("at most {} pixels", limits::WIDTH);
            check_value(found <= limits::WIDTH as u64, &field, expected, found)?;
            count(&field, found)
        };
        let (shift, cutout) = (pixels("shift", shift)?, pixels("cutout", cutout)?);
        Ok(nn_train::Augment { flip, shift, rotate, zoom, tone, noise, cutout })
    }

    /// Whether a reader needs to know more than flips, shifts and cutouts.
    fn has_reals(self) -> bool {
        let Self { flip, shift, cutout, .. } = self;
        self != Self { flip, shift, cutout, ..Self::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Monitor {
    Accuracy,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct EarlyStop {
    patience: u64,
    min_delta: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Arithmetic {
    Plain,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HeldOut {
    Stratified,
}

/// All initialisations except He's, which is the default and left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Init {
    HeUniform,
    Glorot,
    GlorotNormal,
    Orthogonal,
    Book,
}

impl Init {
    fn new(init: nn_core::Init) -> Result<Option<Self>, Error> {
        Ok(match init {
            nn_core::Init::He => None,
            nn_core::Init::HeUniform => Some(Self::HeUniform),
            nn_core::Init::Glorot => Some(Self::Glorot),
            nn_core::Init::GlorotNormal => Some(Self::GlorotNormal),
            nn_core::Init::Orthogonal => Some(Self::Orthogonal),
            nn_core::Init::Book => Some(Self::Book),
            other => return Err(unknown("training.config.init", other.name())),
        })
    }

    fn read(self) -> nn_core::Init {
        match self {
            Self::HeUniform => nn_core::Init::HeUniform,
            Self::Glorot => nn_core::Init::Glorot,
            Self::GlorotNormal => nn_core::Init::GlorotNormal,
            Self::Orthogonal => nn_core::Init::Orthogonal,
            Self::Book => nn_core::Init::Book,
        }
    }
}

/// Checks that the settings fit the network, as [`RunConfig::check`] does for a model.
fn check_network(config: &RunConfig, architecture: &Architecture) -> Result<(), Error> {
    // The default loss is only checked when training starts: older files have it with any network.
    if config.loss != CoreLoss::default() {
        let last = architecture.last().layer;
        config.loss.check(last).map_err(nn_train::Error::Objective).map_err(Error::Run)?;
    }
    let (outputs, n_dense) = (architecture.output().len(), architecture.weighted_layers().count());
    for (key, found, expected, of) in [
        ("class_weights", config.class_weights.len(), outputs, "class"),
        ("penalties", config.penalties.len(), n_dense, "dense layer"),
        ("frozen", config.frozen.len(), n_dense, "dense layer"),
    ] {
        let field = format!("training.config.{key}");
        let valid = found == 0 || found == expected;
        check_value(valid, field, format!("{expected} elements, one per {of}"), found)?;
    }
    Ok(())
}
