//! Three steps of the book's network against PyTorch in float64: equal parameters, batches and settings
//! give equal losses and parameters. The expected numbers come from `reference/three_steps.py`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Architecture, Init, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{Features, RunConfig, Samples, Threads, Trainer, TrainingState};

const BATCH: usize = 128;

/// How far three steps of Adam at this rate can move a parameter.
const MOVED: f64 = 3.0 * 1e-3;

/// The relative error. For a parameter close to 0, it is relative to the distance that three steps can move it.
fn error(found: f64, expected: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(MOVED)
}

/// Relative errors are at most 1e-5, except for one number. PyTorch's own float32 exceeds it for one, too: Adam divides
/// a gradient by its size, so where the gradient is nearly 0, its rounding moves the parameter.

#[test]
fn three_steps_agree_with_pytorch() {
    let mut expected = include_str!("reference/three_steps.txt")
        .lines()
        .map(|line| line.parse::<f64>().expect("a number a line"));

    let mut model = Model::new(Architecture::mlp(&[784, 128, 128, 10]).unwrap(), Init::He, 0);
    for at in model.architecture().clone().layers() {
        for i in at.place.params.clone() {
            let scale = (2.0 / at.place.input.len() as f64).sqrt();
            model.params_mut()[i] = ((i as f64 * 0.7).sin() * scale) as f32;
        }
    }

    let (adam, schedule) = (OptimizerConfig::default(), Schedule::book());
    let config = RunConfig { batch_size: BATCH, ..RunConfig::default() };
    let state = TrainingState::new(&model, adam, schedule, config).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::new(2).unwrap()).unwrap();
    for step in 0..3 {
        // An epoch of one batch. It is shuffled, but that does not change a mean over the batch.
        let x: Vec<f32> = (step * BATCH * 784..(step + 1) * BATCH * 784)
            .map(|i| (i as f64 * 0.3 + (i / 784) as f64).sin() as f32)
            .collect();
        let labels: Vec<u32> = (0..BATCH).map(|i| (i * (step + 3) % 10) as u32).collect();
        let samples = Samples::new(Features::Floats(&x), 784, &labels).unwrap();
        trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
        let loss = trainer.state().history[step].train.loss;
        assert!(error(loss, expected.next().unwrap()) <= 1e-5, "loss {loss} of step {step}");
    }
    let params = trainer.model().params().iter().step_by(97);
    let mut errors: Vec<f64> =
        params.map(|&param| error(param.into(), expected.next().unwrap())).collect();
    errors.sort_by(f64::total_cmp);
    let [.., second, largest] = errors[..] else { panic!("{errors:?}") };
    assert!(second <= 1e-5 && largest <= 1e-4, "{second} and {largest}");
    assert_eq!(expected.next(), None);
}
