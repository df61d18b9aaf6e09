//! The options of the network between the data's pixels and classes.

use std::num::NonZeroUsize;

use clap::ValueEnum;
use nn_core::{Activation, Error, Init, LayerSpec, Model};
use serde::Serialize;

use super::list::List;
use crate::exit::Usage;

/// Sizes of the hidden layers of a network that does not say: the book's.
const HIDDEN: [usize; 2] = [128, 128];

/// What stands between the pixels and the classes.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Network")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Network {
    /// Sizes of the hidden layers, each 1 or more, or `none` [default: 128,128]
    #[arg(long, value_name = "N,N,...", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden: Option<List<NonZeroUsize>>,

    /// What normalises each hidden layer before its activation [default: none]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    norm: Option<NormName>,

    /// The activation of the hidden layers [default: relu]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<ActivationName>,

    /// The share of each hidden layer's outputs that a training step leaves out [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f64>,

    /// How the weights begin [default: he]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    init: Option<InitName>,
}

impl Network {
    /// The layers between so many inputs and outputs.
    pub(in crate::command) fn layers(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> anyhow::Result<Vec<LayerSpec>> {
        let hidden = match &self.hidden {
            None => HIDDEN.to_vec(),
            Some(List(sizes)) => sizes.iter().copied().map(usize::from).collect(),
        };
        let activation = self.activation.unwrap_or(ActivationName::Relu);
        let mut layers = Vec::new();
        let mut width = inputs;
        for size in hidden {
            layers.push(LayerSpec::Dense { inputs: width, outputs: size });
            layers.extend(self.norm.and_then(NormName::layer));
            layers.push(LayerSpec::Activation(activation.activation()));
            layers.extend(
                self.dropout.filter(|&rate| rate != 0.0).map(|rate| LayerSpec::Dropout { rate }),
            );
            width = size;
        }
        layers.extend([LayerSpec::Dense { inputs: width, outputs }, LayerSpec::Softmax]);
        match Model::parameter_count(&layers) {
            // Of all settings of a layer, the options have this one.
            Err(Error::LayerSetting { expected, found, .. }) => {
                Err(Usage::error(format!("--dropout: expected {expected}, found {found}")))
            }
            _ => Ok(layers),
        }
    }

    /// How the weights begin.
    pub(in crate::command) fn init(&self) -> Init {
        self.init.unwrap_or(InitName::He).init()
    }

    /// The options that give these layers, all of them said; of layers that no options give, how they began alone.
    pub(super) fn of(layers: &[LayerSpec], init: Init) -> Self {
        let init = InitName::value_variants().iter().find(|name| name.init() == init).copied();
        let beginning = Self { init, ..Self::default() };
        let dense: Vec<_> = layers.iter().filter_map(|layer| layer.dense()).collect();
        let Some((&(inputs, _), &(_, outputs))) = dense.first().zip(dense.last()) else {
            return beginning;
        };
        let hidden = dense[..dense.len() - 1].iter();
        let hidden = hidden.filter_map(|&(_, outputs)| NonZeroUsize::new(outputs)).collect();
        let rate = layers.iter().find_map(|layer| match layer {
            LayerSpec::Dropout { rate } => Some(*rate),
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
        match found.layers(inputs, outputs) {
            Ok(given) if given == layers => found,
            _ => beginning,
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
    fn layer(self) -> Option<LayerSpec> {
        match self {
            Self::None => None,
            Self::Batch => Some(LayerSpec::BATCH_NORM),
            Self::Layer => Some(LayerSpec::LAYER_NORM),
        }
    }

    fn of(layer: &LayerSpec) -> Option<Self> {
        match layer {
            LayerSpec::BatchNorm { .. } => Some(Self::Batch),
            LayerSpec::LayerNorm { .. } => Some(Self::Layer),
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

    fn of(layer: &LayerSpec) -> Option<Self> {
        let LayerSpec::Activation(activation) = *layer else { return None };
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
    /// 0.01 times a normal number
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
