//! The metadata as they stand in the file: section 3 of FORMAT.md.
//!
//! These types are the file's alone. Fields, variants and their order are the format, so nothing
//! here is ever renamed, and the types of the other crates stay free of serde.
//!
//! A real is `f64` and an integer `u64` whatever the program computes with, so that nothing is
//! changed silently on its way through serde.

mod config;

use std::fmt;
use std::io::Cursor;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::quotable;
use crate::header::{
    LEN as HEADER_LEN, MIRROR, OTHER_LAYERS, OTHER_OPTIMIZER, OTHER_SCHEDULE, RUN_OPTIONS, VERSION,
    Version,
};
use crate::{Error, limits};
pub(crate) use config::{Augment, Clip, Config, EarlyStop, Init, Loss, Monitor, Penalty, Shuffle};

/// Everything that is not a tensor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) producer: String,
    pub(crate) instruction_set: String,
    pub(crate) input: Input,
    #[serde(deserialize_with = "list::<_, _, { limits::LAYERS }>")]
    pub(crate) layers: Vec<Layer>,
    #[serde(deserialize_with = "list::<_, _, { limits::CLASSES }>")]
    pub(crate) class_names: Vec<String>,
    pub(crate) dataset: Dataset,
    pub(crate) n_validation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) training: Option<Training>,
    #[serde(deserialize_with = "list::<_, _, { TENSORS }>")]
    pub(crate) tensors: Vec<Tensor>,
}

/// Tensors of a file: four for each layer at most, the three moments that an optimizer has at most, the average, and
/// the two of the best epoch.
const TENSORS: usize = 4 * limits::LAYERS + 6;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Input {
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) mean: f64,
    pub(crate) std: f64,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) mirror: bool,
}

/// Each variant is a map of one key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    clippy::enum_variant_names,
    reason = "layer normalisation is called so, and serde takes its name"
)]
pub(crate) enum Layer {
    Dense { inputs: u64, outputs: u64 },
    Relu {},
    Softmax {},
    LeakyRelu { slope: f64 },
    Elu { alpha: f64 },
    Sigmoid {},
    Tanh {},
    Gelu {},
    Silu {},
    Linear {},
    Dropout { rate: f64 },
    LayerNorm { epsilon: f64 },
    BatchNorm { momentum: f64, epsilon: f64 },
}

impl Layer {
    /// Whether readers of before there were others know it.
    fn is_plain(&self) -> bool {
        matches!(self, Self::Dense { .. } | Self::Relu {} | Self::Softmax {})
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dataset {
    pub(crate) name: String,
    pub(crate) sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Training {
    pub(crate) optimizer: Optimizer,
    pub(crate) schedule: Schedule,
    pub(crate) config: Config,
    pub(crate) progress: Progress,
    #[serde(deserialize_with = "list::<_, _, { limits::HISTORY }>")]
    pub(crate) history: Vec<Record>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Optimizer {
    Sgd {
        momentum: f64,
        nesterov: bool,
        step: u64,
    },
    Adagrad {
        epsilon: f64,
        step: u64,
    },
    Rmsprop {
        rho: f64,
        epsilon: f64,
        step: u64,
    },
    Adam {
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        #[serde(default, skip_serializing_if = "is_false")]
        amsgrad: bool,
        step: u64,
    },
    Adamw {
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
        #[serde(default, skip_serializing_if = "is_false")]
        amsgrad: bool,
        step: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Schedule {
    Constant {
        learning_rate: f64,
        #[serde(default, skip_serializing_if = "is_zero")]
        warmup: u64,
    },
    InverseTime {
        learning_rate: f64,
        decay: f64,
        #[serde(default, skip_serializing_if = "is_zero")]
        warmup: u64,
    },
    Step {
        learning_rate: f64,
        every: u64,
        factor: f64,
        #[serde(default, skip_serializing_if = "is_zero")]
        warmup: u64,
    },
    Exponential {
        learning_rate: f64,
        factor: f64,
        #[serde(default, skip_serializing_if = "is_zero")]
        warmup: u64,
    },
    Cosine {
        learning_rate: f64,
        steps: u64,
        minimum: f64,
        #[serde(default, skip_serializing_if = "is_zero")]
        warmup: u64,
    },
    OneCycle {
        learning_rate: f64,
        steps: u64,
    },
    Plateau {
        learning_rate: f64,
        factor: f64,
        patience: u64,
        min_delta: f64,
        #[serde(default, skip_serializing_if = "is_zero")]
        warmup: u64,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) epoch: u64,
    pub(crate) batch: u64,
    pub(crate) loss: f64,
    pub(crate) correct: u64,
    pub(crate) n_samples: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) train: Metrics,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validation: Option<Metrics>,
    #[serde(default, skip_serializing_if = "is_zero_real")]
    pub(crate) penalty: f64,
    pub(crate) learning_rate: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Metrics {
    pub(crate) loss: f64,
    pub(crate) accuracy: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    #[serde(deserialize_with = "list::<_, _, 2>")]
    pub(crate) shape: Vec<u64>,
    pub(crate) crc32: u32,
}

impl Metadata {
    /// What a reader must know to read the file rightly, as the header says it.
    pub(crate) fn features(&self) -> u32 {
        let flag = |is_set: bool, bit: u32| if is_set { bit } else { 0 };
        let of_model = flag(!self.layers.iter().all(Layer::is_plain), OTHER_LAYERS)
            | flag(self.input.mirror, MIRROR);
        let Some(Training { optimizer, schedule, config, .. }) = &self.training else {
            return of_model;
        };
        let plain_optimizer = matches!(optimizer, Optimizer::Adam { amsgrad: false, .. });
        let plain_schedule = matches!(schedule, Schedule::InverseTime { warmup: 0, .. });
        of_model
            | flag(!plain_optimizer, OTHER_OPTIMIZER)
            | flag(!plain_schedule, OTHER_SCHEDULE)
            | flag(config.has_options(), RUN_OPTIONS)
    }

    /// The one form that given metadata have.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        rmp_serde::to_vec_named(self).map_err(|error| form(0, error.to_string()))
    }

    /// Reads the metadata of a file of the given version.
    ///
    /// What serde lets pass (keys it does not know, numbers of another type, arrays for maps,
    /// longer forms than needed) shows when the metadata are written again: in a file of a version
    /// that is known whole, the bytes must come out the same.
    pub(crate) fn parse(bytes: &[u8], version: Version) -> Result<Self, Error> {
        let mut deserializer = rmp_serde::Deserializer::new(Cursor::new(bytes));
        // It refuses the depth it is given.
        deserializer.set_max_depth(limits::DEPTH + 1);
        let parsed = Self::deserialize(&mut deserializer);
        let end = deserializer.position();
        let metadata = parsed.map_err(|error| {
            // It may quote the file.
            form(end, format!("before here: {}", quotable(&error.to_string())))
        })?;
        if end != bytes.len() as u64 {
            return Err(form(end, "expected the end of the metadata, found more".into()));
        }
        let newer = version.minor > VERSION.minor;
        if !newer {
            let canonical = metadata.to_bytes()?;
            let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            if canonical != bytes {
                let reason = "not in the one form of this version: \
                    a key that it does not know, another order or another type";
                return Err(form(same as u64, reason.into()));
            }
        }
        Ok(metadata)
    }
}

/// The error of metadata that break the form at the given place in them.
fn form(position: u64, reason: String) -> Error {
    let offset = position.saturating_add(HEADER_LEN as u64);
    Error::Form { offset, section: "metadata".into(), reason }
}

/// Whether an optional flag is left out.
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whether an optional count is left out.
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether an optional real that is 0 without saying so is left out.
fn is_zero_real(real: &f64) -> bool {
    *real == 0.0
}

/// Reads a list of at most `MAX` elements: memory is taken by what is allowed, not by what is
/// there.
fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(element) = elements.next_element()? {
                if list.len() == MAX {
                    return Err(de::Error::invalid_length(MAX.saturating_add(1), &self));
                }
                list.push(element);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(ListVisitor::<T, MAX>(PhantomData))
}
