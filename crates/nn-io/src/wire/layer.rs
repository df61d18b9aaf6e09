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
    reason = "the field's name is layer normalisation, and serde uses the variant's name"
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

    /// Converts the layer without checks: the rules concern the whole network.
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

    /// The required features of the header that this layer needs.
    pub(super) fn features(&self) -> u32 {
        match self {
            Self::Dense { .. } | Self::Relu {} | Self::Softmax {} => 0,
            _ => FEATURE,
        }
    }
}

/// Converts the layers of a network to those of a file. Checks all limits except the size of the file.
pub(crate) fn write(architecture: &Architecture) -> Result<Vec<Layer>, Error> {
    check_limit("layers", limits::LAYERS, architecture.layers().len())?;
    let layers = architecture.layers().iter().map(Layer::new).collect::<Result<Vec<_>, _>>()?;
    check(&layers)?;
    Ok(layers)
}

/// Converts the layers of a file to a network. Checks that they form one, within the limits.
pub(super) fn read(layers: &[Layer]) -> Result<Architecture, Error> {
    let kinds = layers.iter().map(Layer::read).collect::<Result<Vec<_>, _>>()?;
    // The limits are checked first, since larger sizes may overflow in the architecture.
    let inputs = check(layers)?;
    let architecture = Architecture::new(inputs, &kinds).map_err(Error::Network)?;
    for (i, (layer, at)) in layers.iter().zip(architecture.layers()).enumerate() {
        if let Layer::Dense { inputs, .. } = *layer {
            let expected = at.place.input.len() as u64;
            let words = format!("{expected}, the number of outputs of the layer before");
            check_value(inputs == expected, format!("layers[{i}].dense.inputs"), words, inputs)?;
        }
    }
    Ok(architecture)
}

/// Checks the limits on dense layers, and that the first layer is dense. Returns the inputs of the first layer, which
/// are those of the network.
fn check(layers: &[Layer]) -> Result<usize, Error> {
    let Some(Layer::Dense { inputs: first, .. }) = layers.first() else {
        let found = layers.first().map_or(Ok("none"), |it| it.read().map(|it| it.name()))?;
        return Err(Error::value(
            "layers[0]",
            "a dense layer, which gives the number of inputs",
            found,
        ));
    };
    for (i, layer) in layers.iter().enumerate() {
        if let Layer::Dense { inputs, outputs } = *layer {
            let (inputs, outputs) = (count("inputs", inputs)?, count("outputs", outputs)?);
            check_limit(&format!("inputs of layer {i}"), limits::WIDTH, inputs)?;
            check_limit(&format!("outputs of layer {i}"), limits::WIDTH, outputs)?;
        }
    }
    count("inputs", *first)
}
