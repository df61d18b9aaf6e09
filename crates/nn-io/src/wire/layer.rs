//! The network: `layers` in section 3 of FORMAT.md.

use nn_core::{
    Activation, Architecture, BatchNorm, Dense, Dropout, LayerNorm, PlacedLayer, Softmax,
};
use serde::{Deserialize, Serialize};

use super::form::{count, unknown};
use crate::error::{check_limit, check_value};
use crate::{Error, limits};

/// The feature bit of layers other than dense ones, ReLU and softmax.
pub(super) const FEATURE: u32 = 1 << 2;

/// Each variant is a map of one key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    clippy::enum_variant_names,
    reason = "layer normalisation is called so, and serde takes its name"
)]
pub(super) enum Layer {
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
    pub(super) fn new(at: &PlacedLayer) -> Result<Self, Error> {
        Ok(match at.layer {
            nn_core::Layer::Dense(Dense { outputs }) => {
                Self::Dense { inputs: at.place.input.len() as u64, outputs: outputs as u64 }
            }
            nn_core::Layer::Activation(activation) => match activation {
                Activation::Relu => Self::Relu {},
                Activation::LeakyRelu { slope } => Self::LeakyRelu { slope },
                Activation::Elu { alpha } => Self::Elu { alpha },
                Activation::Sigmoid => Self::Sigmoid {},
                Activation::Tanh => Self::Tanh {},
                Activation::Gelu => Self::Gelu {},
                Activation::Silu => Self::Silu {},
                Activation::Linear => Self::Linear {},
                other => return Err(unknown("layers", other.name())),
            },
            nn_core::Layer::Softmax(Softmax) => Self::Softmax {},
            nn_core::Layer::Dropout(Dropout { rate }) => Self::Dropout { rate },
            nn_core::Layer::LayerNorm(LayerNorm { epsilon }) => Self::LayerNorm { epsilon },
            nn_core::Layer::BatchNorm(BatchNorm { momentum, epsilon }) => {
                Self::BatchNorm { momentum, epsilon }
            }
            other => return Err(unknown("layers", other.name())),
        })
    }

    /// Unchecked: only the whole network has rules.
    fn read(&self) -> Result<nn_core::Layer, Error> {
        let activation = |activation| Ok(nn_core::Layer::Activation(activation));
        match *self {
            Self::Dense { outputs, .. } => Ok(nn_core::Layer::dense(count("outputs", outputs)?)),
            Self::Relu {} => activation(Activation::Relu),
            Self::LeakyRelu { slope } => activation(Activation::LeakyRelu { slope }),
            Self::Elu { alpha } => activation(Activation::Elu { alpha }),
            Self::Sigmoid {} => activation(Activation::Sigmoid),
            Self::Tanh {} => activation(Activation::Tanh),
            Self::Gelu {} => activation(Activation::Gelu),
            Self::Silu {} => activation(Activation::Silu),
            Self::Linear {} => activation(Activation::Linear),
            Self::Softmax {} => Ok(nn_core::Layer::SOFTMAX),
            Self::Dropout { rate } => Ok(nn_core::Layer::dropout(rate)),
            Self::LayerNorm { epsilon } => Ok(nn_core::Layer::LayerNorm(LayerNorm { epsilon })),
            Self::BatchNorm { momentum, epsilon } => {
                Ok(nn_core::Layer::BatchNorm(BatchNorm { momentum, epsilon }))
            }
        }
    }

    /// What a reader must understand to read this layer, as the header says it.
    pub(super) fn features(&self) -> u32 {
        match self {
            Self::Dense { .. } | Self::Relu {} | Self::Softmax {} => 0,
            _ => FEATURE,
        }
    }
}

/// The layers of a file, which make a network within the limits.
pub(super) fn read(layers: &[Layer]) -> Result<Architecture, Error> {
    let kinds = layers.iter().map(Layer::read).collect::<Result<Vec<_>, _>>()?;
    // Every dense layer has its number of inputs in the file; that of the first is the network's.
    let Some(Layer::Dense { inputs, .. }) = layers.first() else {
        return Err(first_layer(kinds.first().map_or("none", nn_core::Layer::name)));
    };
    // The limits come first: sizes beyond them may make no architecture at all.
    for (i, layer) in layers.iter().enumerate() {
        if let Layer::Dense { inputs, outputs } = *layer {
            check_widths(i, count("inputs", inputs)?, count("outputs", outputs)?)?;
        }
    }
    let inputs = count("inputs", *inputs)?;
    let architecture = Architecture::new(inputs, &kinds).map_err(Error::Network)?;
    for (i, (layer, at)) in layers.iter().zip(architecture.layers()).enumerate() {
        if let Layer::Dense { inputs, .. } = *layer {
            let expected = at.place.input.len() as u64;
            let words = format!("{expected}, as the layer before has outputs");
            check_value(inputs == expected, format!("layers[{i}].dense.inputs"), words, inputs)?;
        }
    }
    Ok(architecture)
}

/// Checks the limits on layers, except for the size of the file that they add up to.
pub(crate) fn check_limits(architecture: &Architecture) -> Result<(), Error> {
    check_limit("layers", limits::LAYERS, architecture.layers().len())?;
    let first = architecture.layers().first();
    if let Some(other) = first.filter(|at| !matches!(at.layer, nn_core::Layer::Dense(_))) {
        return Err(first_layer(other.layer.name()));
    }
    for index in architecture.weighted_layers() {
        let Some(PlacedLayer { place, .. }) = architecture.layers().get(index) else { continue };
        check_widths(index, place.input.len(), place.output.len())?;
    }
    Ok(())
}

/// Checks the limits on the sizes of a dense layer.
fn check_widths(index: usize, inputs: usize, outputs: usize) -> Result<(), Error> {
    check_limit(&format!("inputs of layer {index}"), limits::WIDTH, inputs)?;
    check_limit(&format!("outputs of layer {index}"), limits::WIDTH, outputs)
}

/// The error of a network that does not begin with a dense layer.
fn first_layer(found: &str) -> Error {
    let (field, expected) = ("layers[0]".into(), "a dense layer, which has the inputs".into());
    Error::Value { field, expected, found: found.into() }
}
