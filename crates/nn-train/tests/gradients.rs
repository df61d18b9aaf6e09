//! How a gradient is processed before it is applied: regularisation, accumulation, clipping and frozen layers, against
//! NumPy. The expected numbers come from `reference/gradients.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, Penalty};
use nn_optim::{OptimizerConfig, Schedule, Sgd};
use nn_train::{Clip, Features, RunConfig, Samples, Threads, Trainer, TrainingState};

const N: usize = 12;
const STEPS: u64 = 3;

fn wave(n: usize, phase: f64) -> Vec<f32> {
    (0..n).map(|i| (i as f64 * 1.7 + phase).sin() as f32).collect()
}

fn model() -> Model {
    let layers = [
        Layer::dense(5),
        Layer::Activation(Activation::Tanh),
        Layer::dense(3),
        Layer::Activation(Activation::Linear),
    ];
    let mut model = Model::new(Architecture::new(4, &layers).unwrap(), Init::Book, 0);
    let params = [wave(25, 0.3), wave(18, 25.3)].concat();
    model.params_mut().iter_mut().zip(params).for_each(|(param, x)| *param = 0.5 * x);
    model
}

fn regularised() -> RunConfig {
    let first = Penalty { weights_l1: 3e-2, weights_l2: 5e-2, biases_l1: 2e-2, biases_l2: 4e-2 };
    let second = Penalty { weights_l1: 1e-2, weights_l2: 0.0, biases_l1: 0.0, biases_l2: 3e-2 };
    RunConfig { penalties: vec![first, second], ..RunConfig::default() }
}

/// The parameters after three steps over all samples, in `accumulation` batches each.
fn params_after(config: RunConfig, accumulation: usize, threads: usize) -> Vec<f32> {
    let (x, targets) = (wave(N * 4, 1.3), wave(N * 3, 0.7));
    let targets: Vec<f32> = targets.into_iter().map(|x| 2.0 * x).collect();
    let samples = Samples::of_numbers(Features::Floats(&x), 4, &targets, 3, 0.1).unwrap();
    let batch_size = N / accumulation;
    let loss = Loss::MeanSquaredError;
    let config = RunConfig { batch_size, accumulation, loss, ..config };
    let (model, sgd) = (model(), OptimizerConfig::Sgd(Sgd::default()));
    let state = TrainingState::new(&model, sgd, Schedule::constant(0.5), config).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::new(threads).unwrap()).unwrap();
    for _ in 0..STEPS {
        trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
    }
    assert_eq!(trainer.state().optimizer.step(), STEPS);
    trainer.model().params().to_vec()
}

#[test]
fn gradients_agree_with_numpy() {
    let mut lines = include_str!("reference/gradients.txt").lines();
    let mut names = Vec::new();
    while let (Some(name), Some(numbers)) = (lines.next(), lines.next()) {
        let expected: Vec<f64> = numbers.split(' ').map(|x| x.parse().unwrap()).collect();
        let norm = Some(Clip::Norm(0.1));
        let config = match name {
            "plain" => RunConfig::default(),
            "regularised" => regularised(),
            "regularised norm" => RunConfig { clip: norm, ..regularised() },
            "regularised value" => RunConfig { clip: Some(Clip::Value(0.05)), ..regularised() },
            "regularised norm frozen" => {
                RunConfig { clip: norm, frozen: vec![true, false], ..regularised() }
            }
            "norm" => RunConfig { clip: norm, ..RunConfig::default() },
            other => panic!("no case {other}"),
        };
        // A step of one batch, and steps of several batches.
        for accumulation in [1, 2, 3, 6] {
            for threads in [1, 2] {
                let found = params_after(config.clone(), accumulation, threads);
                assert_eq!(found.len(), expected.len());
                for (i, (&found, expected)) in found.iter().zip(&expected).enumerate() {
                    let is_close = (f64::from(found) - expected).abs() < 1e-6;
                    let case = format!("{name}, {accumulation} batches, {threads} threads");
                    assert!(is_close, "{case}, parameter {i}: {found}, not {expected}");
                }
            }
        }
        names.push(name);
    }
    assert_eq!(names.len(), 6);
}
