//! The options of the network: its hidden layers and initial weights. The data give its inputs and outputs.

use std::num::NonZeroUsize;

use nn_core::{Activation, Architecture, Dense, Dropout, Init, Layer, SettingError};

use super::{
    Error,
    group::{Group as _, names, options},
    list::{List, check_len},
};

options! {
    /// The options of the network.
    pub struct NetworkOptions ["Network"] {
        /// Sizes of the hidden layers, or `none` [default: 128,128]
        hidden: List<NonZeroUsize> [value_name = "N,N,...", allow_negative_numbers = true],

        /// Normalisation before each activation [default: none]
        norm: NormName [value_enum, value_name = "NAME"],

        /// Activation of the hidden layers [default: relu]
        activation: ActivationName [value_enum, value_name = "NAME"],

        /// Dropout rate after each hidden layer [default: 0]
        dropout: f64 [value_name = "SHARE", allow_negative_numbers = true],

        /// Initialisation of the weights [default: he]
        init: InitName [value_enum, value_name = "NAME"],
    }
}

names! {
    /// Normalisation of the hidden layers.
    pub enum NormName: Option<Layer> {
        None = None,
        /// Over the batch
        Batch = Some(Layer::BATCH_NORM),
        /// Over each sample's features
        Layer = Some(Layer::LAYER_NORM),
    }
}

names! {
    /// The activation of the hidden layers.
    pub enum ActivationName: Activation {
        Relu = Activation::Relu,
        /// With a slope of 0.01 below 0
        LeakyRelu = Activation::LeakyRelu { slope: 0.01 },
        /// With an alpha of 1
        Elu = Activation::Elu { alpha: 1.0 },
        Sigmoid = Activation::Sigmoid,
        Tanh = Activation::Tanh,
        Gelu = Activation::Gelu,
        Silu = Activation::Silu,
        Linear = Activation::Linear,
    }
}

names! {
    /// The initialisation of the weights.
    pub enum InitName: Init {
        He = Init::He,
        HeUniform = Init::HeUniform,
        Glorot = Init::Glorot,
        GlorotNormal = Init::GlorotNormal,
        Orthogonal = Init::Orthogonal,
        /// 0.01 times a standard normal number
        Book = Init::Book,
    }
}

impl NetworkOptions {
    /// Every option at its default.
    pub(super) fn defaults() -> Self {
        let hidden = [128, 128].into_iter().filter_map(NonZeroUsize::new).collect();
        Self {
            hidden: Some(List(hidden)),
            norm: Some(NormName::None),
            activation: Some(ActivationName::Relu),
            dropout: Some(0.0),
            init: Some(InitName::He),
        }
    }

    /// Fails if there are more layers, or wider ones, than any file can have.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_len("hidden", &self.hidden, nn_io::limits::LAYERS, "layers")?;
        let most = nn_io::limits::WIDTH;
        match self.hidden.iter().flat_map(|List(sizes)| sizes).find(|size| size.get() > most) {
            Some(size) => {
                Err(Error::range("hidden", format!("at most {most} units in a layer"), size))
            }
            None => Ok(()),
        }
    }

    /// Builds the network for the data's inputs and outputs.
    pub(super) fn architecture(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> Result<Architecture, Error> {
        let all = self.clone().or(Self::defaults());
        let rate = all.dropout.filter(|&rate| rate != 0.0);
        let mut layers = Vec::new();
        for size in all.hidden.iter().flat_map(|List(sizes)| sizes) {
            layers.push(Layer::dense(size.get()));
            layers.extend(all.norm.and_then(NormName::value));
            layers.extend(all.activation.map(|it| Layer::Activation(it.value())));
            layers.extend(rate.map(Layer::dropout));
        }
        layers.extend([Layer::dense(outputs), Layer::SOFTMAX]);
        Architecture::new(inputs, &layers).map_err(|error| match error {
            nn_core::Error::LayerSetting {
                setting: SettingError { expected, found, .. }, ..
            } => Error::range("dropout", expected, found),
            other => Error::option("hidden", other),
        })
    }

    pub(super) fn init(&self) -> Init {
        self.init.map_or(Init::He, InitName::value)
    }

    /// The options that would make this network, with every one filled in. If none would, only the initialisation.
    pub(super) fn of(architecture: &Architecture, init: Init) -> Self {
        let init = InitName::of(&init);
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
        let norm = layers.iter().find_map(|layer| NormName::of(&Some(*layer)));
        let activation = layers.iter().find_map(|layer| match layer {
            Layer::Activation(activation) => ActivationName::of(activation),
            _ => None,
        });
        let found = Self { hidden: Some(List(hidden)), norm, activation, dropout: rate, init }
            .or(Self { init: None, ..Self::defaults() });
        match found.architecture(architecture.input().len(), architecture.output().len()) {
            Ok(given) if given.specs() == layers => found,
            _ => Self { init, ..Self::default() },
        }
    }
}
