use nn_core::{
    Activation, Architecture, Arithmetic, BatchNorm, Init, Layer, Loss, Model, Penalty, Shape,
};
use nn_io::{Checkpoint, ModelInfo};
use nn_train::{Augment, Best, Clip, EarlyStop, HeldOut, Monitor, RunConfig, Shuffle};

use crate::fixture::{self, buffer};

/// Every kind of layer, batch normalisation twice.
pub(crate) fn every_layer() -> Vec<Layer> {
    let activation = Layer::Activation;
    vec![
        Layer::dense(4),
        Layer::LAYER_NORM,
        activation(Activation::LeakyRelu { slope: 0.01 }),
        Layer::dropout(0.25),
        Layer::dense(5),
        Layer::BATCH_NORM,
        activation(Activation::Elu { alpha: 1.5 }),
        Layer::dense(4),
        Layer::BatchNorm(BatchNorm { momentum: 0.25, epsilon: 1e-3 }),
        activation(Activation::Gelu),
        Layer::dense(4),
        activation(Activation::Silu),
        Layer::dense(3),
        activation(Activation::Tanh),
        Layer::dense(4),
        Layer::RELU,
        Layer::dense(3),
        activation(Activation::Sigmoid),
        Layer::dense(2),
        activation(Activation::Linear),
        Layer::SOFTMAX,
    ]
}

/// The fixture's run with a network of this architecture.
pub(crate) fn of(architecture: Architecture) -> Checkpoint {
    let mut checkpoint = fixture::checkpoint();
    let n = architecture.n_params();
    let params = buffer(n, |i| (i * 17.0 % 41.0 - 20.0) / 20.0);
    let statistics = buffer(architecture.n_statistics(), |i| (i + 1.0) / 8.0);
    checkpoint.model = Model::from_parts(architecture, params, statistics).unwrap();
    let training = checkpoint.training.as_mut().unwrap();
    training.optimizer = fixture::optimizer(training.optimizer.config(), n);
    checkpoint
}

/// A network of every kind of layer, whose predictions are averaged with mirror images.
pub(crate) fn layers() -> Checkpoint {
    let mut checkpoint = of(Architecture::new(4, &every_layer()).unwrap());
    checkpoint.info.input.mirror = true;
    checkpoint.training.as_mut().unwrap().config.tta_flip = true;
    checkpoint
}

/// The fixture's run with colour images of 2 x 2 pixels.
pub(crate) fn coloured() -> Checkpoint {
    let mut checkpoint = of(Architecture::mlp(&[12, 3, 2]).unwrap());
    checkpoint.info.input.image = Some(Shape { height: 2, width: 2, channels: 3 });
    checkpoint
}

/// A regression model for tables of floats, in the middle of its training. It has nothing that only image classifiers
/// have.
pub(crate) fn table() -> Checkpoint {
    let mut checkpoint = fixture::checkpoint();
    let architecture = Architecture::new(4, &Layer::mlp(&[3, 2])[..3]).unwrap();
    let params = buffer(checkpoint.model.params().len(), |i| (i - 10.0) / 3.0);
    checkpoint.model = Model::from_parts(architecture, params, nn_core::zeros(0)).unwrap();
    let ModelInfo { producer, instruction_set, n_validation, .. } = checkpoint.info;
    checkpoint.info = ModelInfo { producer, instruction_set, n_validation, ..ModelInfo::default() };
    let training = checkpoint.training.as_mut().unwrap();
    training.config.loss = Loss::MeanSquaredError;
    training.progress.sums.n_predictions = 48;
    checkpoint
}

/// A run's settings, all with another value than the default, except for `tta_flip`.
pub(crate) fn config() -> RunConfig {
    RunConfig {
        seed: 300,
        batch_size: 8,
        accumulation: 2,
        shuffle: Shuffle::Once,
        loss: Loss::Focal { gamma: 2.0 },
        class_weights: vec![0.5, 1.5],
        penalties: vec![
            Penalty { weights_l2: 5e-4, biases_l1: 1e-5, ..Penalty::default() },
            Penalty::default(),
        ],
        frozen: vec![false, true],
        clip: Some(Clip::Norm(1.5)),
        augment: Augment {
            flip: true,
            shift: 1,
            rotate: 10.0,
            zoom: 0.125,
            tone: 0.25,
            noise: 5.5,
            cutout: 2,
        },
        averaging: Some(0.99),
        monitor: Monitor::Accuracy,
        keep_best: true,
        early_stop: Some(EarlyStop { patience: 3, min_delta: 0.001 }),
        tta_flip: false,
        init: Init::Orthogonal,
        validates_on_test: true,
        arithmetic: Arithmetic::Plain,
        held_out: HeldOut::Stratified,
    }
}

/// A run with every setting and the copies that it keeps, of a network with a batch normalisation.
pub(crate) fn run() -> Checkpoint {
    let mut layers = Layer::mlp(&[3, 2]);
    layers.insert(1, Layer::BATCH_NORM);
    let mut checkpoint = of(Architecture::new(4, &layers).unwrap());
    let (n, n_statistics) = (checkpoint.model.params().len(), checkpoint.model.statistics().len());
    let training = checkpoint.training.as_mut().unwrap();
    training.config = config();
    training.history[0].penalty = 0.25;
    training.average = Some(buffer(n, |i| (i - 9.0) / 30.0));
    training.best = Some(Best {
        params: buffer(n, |i| (i - 8.0) / 30.0),
        statistics: buffer(n_statistics, |i| (i + 2.0) / 8.0),
    });
    checkpoint
}
