//! Each of the book's kinds of problem against the book's formulas, step by step: losses, regularisation, accuracy and
//! parameters. The expected numbers come from `reference/book.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, Penalty, loss};
use nn_optim::{Decay, OptimizerConfig, Schedule, Sgd};
use nn_train::{Features, RunConfig, Samples, Threads, Trainer, TrainingState};

const N: usize = 13;
const PENALTY: Penalty =
    Penalty { weights_l1: 3e-3, weights_l2: 5e-3, biases_l1: 2e-3, biases_l2: 4e-3 };

fn wave(n: usize, phase: f64) -> Vec<f32> {
    (0..n).map(|i| (i as f64 * 1.7 + phase).sin() as f32).collect()
}

/// A network of dense layers of these sizes, with ReLU between them and `end` at the end.
fn model(sizes: &[usize], end: Layer) -> Model {
    let mut layers = Layer::mlp(&sizes[1..]);
    *layers.last_mut().unwrap() = end;
    let mut model = Model::new(Architecture::new(sizes[0], &layers).unwrap(), Init::Book, 0);
    let mut offset = 0;
    for pair in sizes.windows(2) {
        let n = (pair[0] + 1) * pair[1];
        let values = wave(n, 0.3 + offset as f64).into_iter().map(|x| 0.5 * x);
        let mut params = model.params_mut();
        params[offset..offset + n].iter_mut().zip(values).for_each(|(param, x)| *param = x);
        offset += n;
    }
    model
}

#[derive(Clone)]
enum Targets {
    Classes(Vec<u32>),
    Numbers(Vec<f32>, usize),
}

#[track_caller]
fn assert_close(found: f64, expected: f64, what: &str) {
    let tolerance = 1e-6 * expected.abs().max(1.0);
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, not {expected}");
}

fn check(name: &str, model: Model, loss: Loss, targets: Targets, penalty: Option<Penalty>) {
    let mut lines = include_str!("reference/book.txt").lines().skip_while(|&line| line != name);
    assert_eq!(lines.next(), Some(name));
    let mut numbers = move || -> Vec<f64> {
        lines.next().unwrap().split(' ').map(|x| x.parse().unwrap()).collect()
    };

    let inputs = model.inputs();
    let n_dense = model.architecture().weighted_layers().count();
    let mut penalties = vec![Penalty::default(); n_dense];
    penalties[0] = penalty.unwrap_or_default();
    let config = RunConfig { batch_size: N, loss, penalties, ..RunConfig::default() };
    let decay = Decay::InverseTime { decay: 0.1 };
    let schedule = Schedule { learning_rate: 0.5, warmup: 0, decay };
    let x = wave(N * inputs, 1.3);
    let features = Features::Floats(&x);
    let samples = match &targets {
        Targets::Classes(classes) => Samples::new(features, inputs, classes),
        Targets::Numbers(numbers, outputs) => {
            let precision = loss::precision_of(numbers);
            Samples::of_numbers(features, inputs, numbers, *outputs, precision)
        }
    };
    let samples = samples.unwrap();
    let state =
        TrainingState::new(&model, OptimizerConfig::Sgd(Sgd::default()), schedule, config).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::new(2).unwrap()).unwrap();
    for step in 0..3 {
        let expected = numbers();
        let penalty = trainer.model().penalty(&trainer.state().config.penalties);
        trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
        let found = trainer.state().history[step].train;
        for (what, found, expected) in [
            ("data loss", found.loss, expected[0]),
            ("regularisation", penalty, expected[1]),
            ("accuracy", found.accuracy, expected[2]),
        ] {
            assert_close(found, expected, &format!("{name}, {what} of step {step}"));
        }
    }
    let expected = numbers();
    assert_eq!(trainer.model().params().len(), expected.len());
    for (i, (&found, expected)) in trainer.model().params().iter().zip(expected).enumerate() {
        assert_close(f64::from(found), expected, &format!("{name}, parameter {i}"));
    }
}

#[test]
fn classification_problems() {
    let classes: Vec<u32> = (0..N as u32).map(|i| i * 5 % 3).collect();
    let one_hot = (0..N * 3).map(|i| f32::from(u8::from(classes[i / 3] as usize == i % 3)));
    let one_hot = Targets::Numbers(one_hot.collect(), 3);
    let net = || model(&[4, 6, 3], Layer::SOFTMAX);
    check("classes", net(), Loss::default(), Targets::Classes(classes), Some(PENALTY));
    check("one_hot", net(), Loss::default(), one_hot, None);
}

#[test]
fn binary_problems() {
    let sides = wave(2 * N, 0.7).iter().map(|&x| f32::from(u8::from(x > 0.0))).collect();
    let net = model(&[4, 6, 2], Layer::Activation(Activation::Sigmoid));
    check("binary", net, Loss::BinaryCrossEntropy, Targets::Numbers(sides, 2), Some(PENALTY));
}

#[test]
fn regression_problems() {
    let numbers = wave(2 * N, 0.7).iter().map(|&x| 2.0 * x).collect();
    let targets = Targets::Numbers(numbers, 2);
    let net = |sizes: &[usize]| model(sizes, Layer::Activation(Activation::Linear));
    let [squared, absolute] = [Loss::MeanSquaredError, Loss::MeanAbsoluteError];
    check("squared", net(&[4, 6, 2]), squared, targets.clone(), Some(PENALTY));
    check("absolute", net(&[4, 6, 2]), absolute, targets.clone(), None);
    check("one_layer", net(&[4, 2]), squared, targets, None);
}
