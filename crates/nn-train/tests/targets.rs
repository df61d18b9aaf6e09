//! Samples and settings that training and evaluation refuse.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, SettingError};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{
    Error, EvaluationConfig, Features, RunConfig, Samples, Step, Threads, Trainer, TrainingState,
    evaluate,
};

const FEATURES: [f32; 4] = [0.1, 0.2, 0.3, 0.4];

fn model(last: Layer) -> Model {
    Model::new(Architecture::new(2, &[Layer::dense(3), last]).unwrap(), Init::He, 1)
}

fn run(last: Layer, config: RunConfig) -> Result<Trainer, Error> {
    let model = model(last);
    let (optimizer, schedule) = (OptimizerConfig::default(), Schedule::book());
    let state = TrainingState::new(&model, optimizer, schedule, config)?;
    Trainer::new(model, state, &Threads::default())
}

/// The error of training and of evaluation if the second sample has these targets.
fn error_of(last: Layer, loss: Loss, targets: [f32; 3]) -> Option<String> {
    let numbers = [[0.0, 1.0, 0.0], targets].concat();
    let samples = Samples::of_numbers(Features::Floats(&FEATURES), 2, &numbers, 3, 0.1).unwrap();
    let mut trainer = run(last, RunConfig { loss, ..RunConfig::default() }).unwrap();
    let trained = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(()));
    let config = EvaluationConfig { loss, ..EvaluationConfig::default() };
    let evaluated = evaluate(&model(last), &samples, config, &Threads::default());
    let [trained, evaluated] = [trained.err(), evaluated.err()].map(|it| Some(it?.to_string()));
    assert_eq!(trained, evaluated);
    trained
}

#[test]
fn targets_for_which_the_loss_is_undefined_are_refused() {
    let sigmoid = Layer::Activation(Activation::Sigmoid);
    let (cross_entropy, focal) = (Loss::default(), Loss::Focal { gamma: 2.0 });
    let (binary, squared) = (Loss::BinaryCrossEntropy, Loss::MeanSquaredError);
    let softmax = Layer::SOFTMAX;
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
        let error = error_of(last, loss, targets).expect(expected);
        assert!(error.starts_with("targets of sample 1: expected") && error.ends_with(expected));
    }
    for (last, loss, targets) in [
        (softmax, cross_entropy, [0.1, 0.2, 0.7]),
        (softmax, focal, [0.0, 0.0, 1.0]),
        (softmax, squared, [5.0, -3.0, 1e9]),
        (sigmoid, binary, [0.0, 0.5, 1.0]),
    ] {
        assert_eq!(error_of(last, loss, targets), None, "{targets:?}");
    }
}

#[test]
fn invalid_precisions_are_refused() {
    for precision in [f32::NAN, f32::INFINITY, -1.0] {
        let numbers = [1.0; 6];
        let samples = Samples::of_numbers(Features::Floats(&FEATURES), 2, &numbers, 3, precision);
        assert!(
            matches!(samples, Err(Error::Config(SettingError { name: "precision", .. }))),
            "{samples:?}"
        );
    }
}

/// No prediction counts as correct if the outputs are NaN.
#[test]
fn an_evaluation_whose_loss_is_not_finite_is_refused() {
    let features = [f32::MAX; 4];
    let samples = Samples::new(Features::Floats(&features), 2, &[0, 1]).unwrap();
    let mut model = model(Layer::SOFTMAX);
    model.params_mut().fill(2.0);
    let found = evaluate(&model, &samples, EvaluationConfig::default(), &Threads::default());
    assert!(matches!(found, Err(Error::NotFinite { .. })), "{found:?}");
}

/// Training and evaluation refuse labels that are no class and samples of the wrong length, and name the sample.
#[test]
fn samples_for_another_model_are_refused() {
    let check = |n_features: usize, labels: &[u32], expected: &str| {
        let x = vec![0.5; n_features * labels.len()];
        let samples = Samples::new(Features::Floats(&x), n_features, labels).unwrap();
        let good = Samples::new(Features::Floats(&FEATURES), 2, &[0, 2]).unwrap();
        let train = |samples, validation| {
            let mut trainer = run(Layer::SOFTMAX, RunConfig::default()).unwrap();
            let observer = &mut |_: Step<'_>| ControlFlow::Continue(());
            trainer.train_epoch(samples, validation, observer).err().map(|it| it.to_string())
        };
        let evaluated = evaluate(
            &model(Layer::SOFTMAX),
            &samples,
            EvaluationConfig::default(),
            &Threads::default(),
        );
        assert_eq!(evaluated.unwrap_err().to_string(), expected);
        assert_eq!(train(&samples, None).as_deref(), Some(expected));
        assert_eq!(train(&good, Some(&samples)).as_deref(), Some(expected));
        assert_eq!(train(&good, Some(&good)), None);
    };
    check(2, &[0, 3], "label of sample 1: expected a class below 3, found 3");
    check(2, &[u32::MAX], "label of sample 0: expected a class below 3, found 4294967295");
    check(3, &[0, 1], "features of a sample: expected 2, found 3");
    check(1, &[0, 1], "features of a sample: expected 2, found 1");
    check(2, &[], "expected at least one sample, found none");
}

#[test]
fn rates_that_are_not_finite_are_refused() {
    for rate in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        let model = model(Layer::SOFTMAX);
        let (optimizer, schedule) = (OptimizerConfig::default(), Schedule::constant(rate));
        let new = TrainingState::new(&model, optimizer, schedule, RunConfig::default());
        let expected = format!("learning rate: expected a finite number above 0, found {rate}");
        assert_eq!(new.unwrap_err().to_string(), expected);
        let good = Schedule::constant(0.1);
        let mut state = TrainingState::new(&model, optimizer, good, RunConfig::default()).unwrap();
        state.schedule = schedule;
        assert_eq!(
            Trainer::new(model, state, &Threads::default()).err().unwrap().to_string(),
            expected
        );
    }
}

#[test]
fn a_batch_size_above_the_largest_number_of_samples_is_refused() {
    for batch_size in [usize::MAX, u32::MAX as usize + 1] {
        let config = RunConfig { batch_size, ..RunConfig::default() };
        let error = run(Layer::SOFTMAX, config).err().unwrap();
        assert!(matches!(error, Error::Config(SettingError { name: "batch size", .. })), "{error}");
    }
}
