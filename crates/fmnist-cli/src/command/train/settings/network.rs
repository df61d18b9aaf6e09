//! The options of the network: its hidden layers and initial weights. The data give its inputs and outputs.

use std::num::NonZeroUsize;

use clap::ValueEnum;
use nn_core::{Activation, Architecture, Dense, Dropout, Error, Init, Layer, SettingError};
use serde::Serialize;

use super::list::List;
use crate::exit::Usage;

/// The default sizes of the hidden layers, as in the book.
const HIDDEN: [usize; 2] = [128, 128];

/// The options of the network.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Network")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct NetworkOptions {
    /// Sizes of the hidden layers, or `none` [default: 128,128]
    #[arg(long, value_name = "N,N,...", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<List<NonZeroUsize>>,

    /// Normalisation before the activation of each hidden layer [default: none]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    norm: Option<NormName>,

    /// The activation of the hidden layers [default: relu]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<ActivationName>,

    /// Dropout rate after each hidden layer [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,

    /// Initialisation of the weights [default: he]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    init: Option<InitName>,
}

impl NetworkOptions {
    /// The network between the data's inputs and outputs.
    pub(in crate::command) fn architecture(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> anyhow::Result<Architecture> {
        let hidden = match &self.hidden {
            None => HIDDEN.to_vec(),
            Some(List(sizes)) => sizes.iter().copied().map(usize::from).collect(),
        };
        // No file can hold a wider layer, and no buffer the widest together.
        if let Some(size) = hidden.iter().find(|&&size| size > nn_io::limits::WIDTH) {
            let most = nn_io::limits::WIDTH;
            return Err(Usage::error(format!(
                "--hidden: units of a layer: expected at most {most}, found {size}"
            )));
        }
        let activation = self.activation.unwrap_or(ActivationName::Relu);
        let mut layers = Vec::new();
        for size in hidden {
            layers.push(Layer::dense(size));
            layers.extend(self.norm.and_then(NormName::layer));
            layers.push(Layer::Activation(activation.activation()));
            layers.extend(self.dropout.filter(|&rate| rate != 0.0).map(Layer::dropout));
        }
        layers.extend([Layer::dense(outputs), Layer::SOFTMAX]);
        Architecture::new(inputs, &layers).map_err(|error| match error {
            // The only setting of a layer that an option gives.
            Error::LayerSetting { setting: SettingError { expected, found, .. }, .. } => {
                Usage::error(format!("--dropout: expected {expected}, found {found}"))
            }
            other => Usage::error(format!("--hidden: {other}")),
        })
    }

    /// The initialisation of the weights.
    pub(in crate::command) fn init(&self) -> Init {
        self.init.unwrap_or(InitName::He).init()
    }

    /// The options that give these layers, complete. If no options give them, only the initialisation.
    pub(super) fn of(architecture: &Architecture, init: Init) -> Self {
        let init = InitName::value_variants().iter().find(|name| name.init() == init).copied();
        let initial = Self { init, ..Self::default() };
        let layers = architecture.specs();
        let sizes = layers.iter().filter_map(|layer| match *layer {
            Layer::Dense(Dense { outputs }) => NonZeroUsize::new(outputs),
            _ => None,
        });
        let mut hidden: Vec<_> = sizes.collect();
        hidden.pop();
        let rate = layers.iter().find_map(|layer| match *layer {
            Layer::Dropout(Dropout { rate }) => Some(rate),
            _ => None,
        });
        let found = Self {
            hidden: Some(List(hidden)),
            norm: Some(layers.iter().find_map(NormName::of).unwrap_or(NormName::None)),
            activation: Some(
                layers.iter().find_map(ActivationName::of).unwrap_or(ActivationName::Relu),
            ),
            dropout: Some(rate.unwrap_or(0.0)),
            init,
        };
        match found.architecture(architecture.input().len(), architecture.output().len()) {
            Ok(given) if given.specs() == layers => found,
            _ => initial,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum NormName {
    None,
    /// Over the batch
    Batch,
    /// Over each sample's features
    Layer,
}

impl NormName {
    fn layer(self) -> Option<Layer> {
        match self {
            Self::None => None,
            Self::Batch => Some(Layer::BATCH_NORM),
            Self::Layer => Some(Layer::LAYER_NORM),
        }
    }

    fn of(layer: &Layer) -> Option<Self> {
        match layer {
            Layer::BatchNorm(_) => Some(Self::Batch),
            Layer::LayerNorm(_) => Some(Self::Layer),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ActivationName {
    Relu,
    /// With a slope of 0.01 below 0
    LeakyRelu,
    /// With an alpha of 1
    Elu,
    Sigmoid,
    Tanh,
    Gelu,
    Silu,
    Linear,
}

impl ActivationName {
    fn activation(self) -> Activation {
        match self {
            Self::Relu => Activation::Relu,
            Self::LeakyRelu => Activation::LeakyRelu { slope: 0.01 },
            Self::Elu => Activation::Elu { alpha: 1.0 },
            Self::Sigmoid => Activation::Sigmoid,
            Self::Tanh => Activation::Tanh,
            Self::Gelu => Activation::Gelu,
            Self::Silu => Activation::Silu,
            Self::Linear => Activation::Linear,
        }
    }

    fn of(layer: &Layer) -> Option<Self> {
        let Layer::Activation(activation) = *layer else { return None };
        Self::value_variants().iter().find(|name| name.activation() == activation).copied()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum InitName {
    He,
    HeUniform,
    Glorot,
    GlorotNormal,
    Orthogonal,
    /// 0.01 times a standard normal number
    Book,
}

impl InitName {
    fn init(self) -> Init {
        match self {
            Self::He => Init::He,
            Self::HeUniform => Init::HeUniform,
            Self::Glorot => Init::Glorot,
            Self::GlorotNormal => Init::GlorotNormal,
            Self::Orthogonal => Init::Orthogonal,
            Self::Book => Init::Book,
        }
    }
}
