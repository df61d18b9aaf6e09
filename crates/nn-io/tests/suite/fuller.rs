use nn_core::{Activation, Init, LayerSpec, Loss, Model, Penalty};
use nn_io::Checkpoint;
use nn_train::{Augment, Best, Clip, EarlyStop, Monitor, RunConfig, Shuffle};

use crate::fixture::{self, buffer};

const fn dense(inputs: usize, outputs: usize) -> LayerSpec {
    LayerSpec::Dense { inputs, outputs }
}

/// Every kind of layer, batch normalisation twice.
pub(crate) fn every_layer() -> Vec<LayerSpec> {
    let activation = LayerSpec::Activation;
    vec![
        dense(4, 4),
        LayerSpec::LAYER_NORM,
        activation(Activation::LeakyRelu { slope: 0.01 }),
        LayerSpec::Dropout { rate: 0.25 },
        dense(4, 5),
        LayerSpec::BATCH_NORM,
        activation(Activation::Elu { alpha: 1.5 }),
        dense(5, 4),
        LayerSpec::BatchNorm { momentum: 0.25, epsilon: 1e-3 },
        activation(Activation::Gelu),
        dense(4, 4),
        activation(Activation::Silu),
        dense(4, 3),
        activation(Activation::Tanh),
        dense(3, 4),
        LayerSpec::RELU,
        dense(4, 3),
        activation(Activation::Sigmoid),
        dense(3, 2),
        activation(Activation::Linear),
        LayerSpec::Softmax,
    ]
}

/// The fixture's run, of a network of these layers.
pub(crate) fn of(specs: &[LayerSpec]) -> Checkpoint {
    let mut checkpoint = fixture::checkpoint();
    let n = Model::parameter_count(specs).unwrap();
    let index = Model::statistics_index(specs).unwrap();
    let n_statistics = index.last().map_or(0, |last| last.range.end);
    let statistics = buffer(n_statistics, |i| (i + 1.0) / 8.0);
    checkpoint.model =
        Model::from_parts(specs, buffer(n, |i| (i * 17.0 % 41.0 - 20.0) / 20.0), statistics)
            .unwrap();
    let training = checkpoint.training.as_mut().unwrap();
    training.optimizer = fixture::optimizer(training.optimizer.config(), n);
    checkpoint
}

/// A network of every kind of layer, judged with mirror images.
pub(crate) fn layers() -> Checkpoint {
    let mut checkpoint = of(&every_layer());
    checkpoint.info.input.mirror = true;
    checkpoint.training.as_mut().unwrap().config.mirror = true;
    checkpoint
}

/// Every setting of a run, each another than where it is left out; but for the mirror.
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
        augment: Augment { flip: true, shift: 1, cutout: 2 },
        averaging: Some(0.99),
        monitor: Monitor::Accuracy,
        keep_best: true,
        early_stop: Some(EarlyStop { patience: 3, min_delta: 0.001 }),
        mirror: false,
        init: Init::Orthogonal,
        validates_on_test: true,
    }
}

/// A run with every setting, and what it keeps, of a network with a batch normalisation.
pub(crate) fn run() -> Checkpoint {
    let mut specs = LayerSpec::mlp(&[4, 3, 2]);
    specs.insert(1, LayerSpec::BATCH_NORM);
    let mut checkpoint = of(&specs);
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
