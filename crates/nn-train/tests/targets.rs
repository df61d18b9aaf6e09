//! What samples cannot be, and what an evaluation cannot say.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Init, LayerSpec, Loss, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{
    Error, EvaluationConfig, Features, RunConfig, Samples, Trainer, TrainingState, evaluate,
};

const FEATURES: [f32; 4] = [0.1, 0.2, 0.3, 0.4];

fn model(last: LayerSpec) -> Model {
    Model::new(&[LayerSpec::Dense { inputs: 2, outputs: 3 }, last], Init::He, 1).unwrap()
}

fn run(last: LayerSpec, config: RunConfig) -> Result<Trainer, Error> {
    let model = model(last);
    let (optimizer, schedule) = (OptimizerConfig::default(), Schedule::default());
    let state = TrainingState::new(&model, optimizer, schedule, config)?;
    Trainer::new(model, state, 1)
}

/// What training and evaluation say of a second sample with these targets.
fn said(last: LayerSpec, loss: Loss, targets: [f32; 3]) -> Option<String> {
    let numbers = [[0.0, 1.0, 0.0], targets].concat();
    let samples = Samples::of_numbers(Features::Floats(&FEATURES), 2, &numbers, 3, 0.1).unwrap();
    let mut trainer = run(last, RunConfig { loss, ..RunConfig::default() }).unwrap();
    let trained = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(()));
    let config = EvaluationConfig { loss, ..EvaluationConfig::default() };
    let evaluated = evaluate(&model(last), &samples, config, 1);
    let [trained, evaluated] = [trained.err(), evaluated.err()].map(|it| Some(it?.to_string()));
    assert_eq!(trained, evaluated);
    trained
}

#[test]
fn targets_that_a_loss_has_no_meaning_for_are_refused() {
    let sigmoid = LayerSpec::Activation(Activation::Sigmoid);
    let (cross_entropy, focal) = (Loss::default(), Loss::Focal { gamma: 2.0 });
    let (binary, squared) = (Loss::BinaryCrossEntropy, Loss::MeanSquaredError);
    let softmax = LayerSpec::Softmax;
    for (last, loss, targets, expected) in [
        (softmax, cross_entropy, [5.0; 3], "numbers whose sum is 1, found 15"),
        (softmax, cross_entropy, [0.0; 3], "numbers whose sum is 1, found 0"),
        (softmax, cross_entropy, [-1.0, 1.0, 1.0], "numbers of 0 or above, found -1"),
        (softmax, focal, [f32::NAN, 0.0, 1.0], "numbers of 0 or above, found NaN"),
        (softmax, focal, [f32::INFINITY, 0.0, 0.0], "numbers of 0 or above, found inf"),
        (sigmoid, binary, [0.0, -1.0, 1.0], "expected numbers of 0 to 1, found -1"),
        (sigmoid, binary, [0.0, 7.0, 1.0], "expected numbers of 0 to 1, found 7"),
        (sigmoid, squared, [0.0, 7.0, f32::NAN], "expected finite numbers, found NaN"),
    ] {
        let said = said(last, loss, targets).expect(expected);
        assert!(said.starts_with("targets of sample 1: expected") && said.ends_with(expected));
    }
    for (last, loss, targets) in [
        (softmax, cross_entropy, [0.1, 0.2, 0.7]),
        (softmax, focal, [0.0, 0.0, 1.0]),
        (softmax, squared, [5.0, -3.0, 1e9]),
        (sigmoid, binary, [0.0, 0.5, 1.0]),
    ] {
        assert_eq!(said(last, loss, targets), None, "{targets:?}");
    }
}

#[test]
fn a_precision_is_a_length() {
    for precision in [f32::NAN, f32::INFINITY, -1.0] {
        let numbers = [1.0; 6];
        let samples = Samples::of_numbers(Features::Floats(&FEATURES), 2, &numbers, 3, precision);
        assert!(matches!(samples, Err(Error::Config { name: "precision", .. })), "{samples:?}");
    }
}

/// Nothing is right about outputs that are no numbers.
#[test]
fn features_that_are_no_numbers_are_not_evaluated() {
    for wrong in [f32::NAN, f32::INFINITY] {
        let features = [wrong, 0.2, 0.3, 0.4];
        let samples = Samples::new(Features::Floats(&features), 2, &[0, 1]).unwrap();
        let found = evaluate(&model(LayerSpec::Softmax), &samples, EvaluationConfig::default(), 1);
        assert!(matches!(found, Err(Error::NotFinite { .. })), "{found:?}");
    }
}

#[test]
fn a_batch_of_more_than_there_can_be_is_refused() {
    for batch_size in [usize::MAX, u32::MAX as usize + 1] {
        let config = RunConfig { batch_size, ..RunConfig::default() };
        let error = run(LayerSpec::Softmax, config).err().unwrap();
        assert!(matches!(error, Error::Config { name: "batch size", .. }), "{error}");
    }
}
