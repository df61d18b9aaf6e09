//! The accuracy of regression against NumPy, where some predictions are correct and others are not. The expected
//! numbers come from `reference/regression.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, loss::precision_of};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{
    EvaluationConfig, Features, RunConfig, Samples, Threads, Trainer, TrainingState, evaluate,
};

const N: usize = 240;

/// A network whose outputs equal its inputs.
fn identity(n: usize) -> Model {
    let layers = [Layer::dense(n), Layer::Activation(Activation::Linear)];
    let mut model = Model::new(Architecture::new(n, &layers).unwrap(), Init::Book, 0);
    let mut params = model.params_mut();
    params.fill(0.0);
    (0..n).for_each(|i| params[i * n + i] = 1.0);
    drop(params);
    model
}

#[test]
fn accuracy_agrees_with_numpy() {
    for line in include_str!("reference/regression.txt").lines() {
        let numbers: Vec<f64> = line.split(' ').map(|x| x.parse().unwrap()).collect();
        let [n_outputs, precision, accuracy] = numbers[..] else { panic!("{line}") };
        let target = |i: usize| (3.0 * (i as f64 * 1.7 + n_outputs).sin()) as f32;
        let targets: Vec<f32> = (0..N).map(target).collect();
        let sign = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let error = |i: usize| sign(i) * (i as f64 / N as f64) * 0.035;
        let predictions: Vec<f32> =
            (0..N).map(|i| (f64::from(targets[i]) + error(i)) as f32).collect();

        let n_outputs = n_outputs as usize;
        let found = precision_of(&targets);
        assert!((f64::from(found) / precision - 1.0).abs() < 1e-6, "{found}, not {precision}");
        let features = Features::Floats(&predictions);
        let samples = Samples::of_numbers(features, n_outputs, &targets, n_outputs, found).unwrap();
        for loss in [Loss::MeanSquaredError, Loss::MeanAbsoluteError, Loss::Huber { delta: 1.0 }] {
            let config = EvaluationConfig { loss, ..EvaluationConfig::default() };
            let model = identity(n_outputs);
            let evaluation = evaluate(&model, &samples, config, &Threads::new(2).unwrap()).unwrap();
            assert_eq!(evaluation.sums.accuracy(), accuracy, "{loss:?}");
            // In an epoch of one step, the training accuracy is that of the same parameters.
            let config = RunConfig { loss, batch_size: N, ..RunConfig::default() };
            let (optimizer, schedule) = (OptimizerConfig::default(), Schedule::book());
            let state = TrainingState::new(&model, optimizer, schedule, config).unwrap();
            let mut trainer = Trainer::new(model, state, &Threads::new(2).unwrap()).unwrap();
            trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
            assert_eq!(trainer.state().history[0].train.accuracy, accuracy, "{loss:?}");
        }
    }
}
