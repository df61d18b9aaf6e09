//! Which units dropout drops in a run: different ones in every layer, step, batch of a step and sample.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Architecture, Init, Layer, Loss, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{Features, RunConfig, Samples, Step, Threads, Trainer, TrainingState};

const UNITS: usize = 1000;

/// The loss of each step of an epoch: the mean squared distance from `target` of the mean of `UNITS` units, each 1
/// before `n_dropouts` dropout layers of rate 0.5. All layers are frozen.
fn losses(
    n_dropouts: usize,
    target: f32,
    n_samples: usize,
    batch_size: usize,
    accumulation: usize,
) -> Vec<f64> {
    let dropouts = vec![Layer::dropout(0.5); n_dropouts];
    let first = [Layer::dense(UNITS)];
    let last = [Layer::dense(1), Layer::Activation(Activation::Linear)];
    let layers = [&first[..], &dropouts, &last].concat();
    let mut model = Model::new(Architecture::new(1, &layers).unwrap(), Init::Book, 0);
    let mut params = model.params_mut();
    params.fill(0.0);
    params[..UNITS].fill(1.0);
    params[2 * UNITS..3 * UNITS].fill(1.0 / UNITS as f32);
    drop(params);
    let config = RunConfig {
        batch_size,
        accumulation,
        loss: Loss::MeanSquaredError,
        frozen: vec![true; 2],
        ..RunConfig::default()
    };
    let (optimizer, schedule) = (OptimizerConfig::default(), Schedule::book());
    let state = TrainingState::new(&model, optimizer, schedule, config).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::new(2).unwrap()).unwrap();
    let (x, targets) = (vec![1.0; n_samples], vec![target; n_samples]);
    let samples = Samples::of_numbers(Features::Floats(&x), 1, &targets, 1, 0.1).unwrap();
    let mut losses = Vec::new();
    let observer = &mut |step: Step<'_>| {
        losses.push(step.of_step.mean_loss());
        ControlFlow::Continue(())
    };
    trainer.train_epoch(&samples, None, observer).unwrap();
    losses
}

/// Two dropout layers leave a quarter of the units, times 4. If their masks were the same, half of the units would be
/// left, and the mean would be 2.
#[test]
fn every_layer_has_its_own_mask() {
    for (n_dropouts, deviation) in [(1, 1.0), (2, 3.0), (3, 7.0)] {
        let [loss] = losses(n_dropouts, 1.0, 100, 100, 1)[..] else { panic!() };
        // The variance of a unit is 2^n - 1, and the variance of their mean is a 1000th of that.
        let expected = deviation / UNITS as f64;
        assert!((loss / expected - 1.0).abs() < 0.5, "{n_dropouts}: {loss}, not {expected}");
    }
}

/// With the same mask, two steps, or two batches of a step, would have the same loss.
#[test]
fn every_step_and_batch_has_its_own_mask() {
    let steps = losses(1, 0.0, 8, 1, 1);
    let mut distinct: Vec<u64> = steps.iter().map(|loss| loss.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 5, "{steps:?}");

    // A step of two batches of one sample each. With equal masks, their mean loss would be the loss of the first.
    let first_of_step = losses(1, 0.0, 1, 1, 1);
    let both = losses(1, 0.0, 2, 1, 2);
    assert_ne!(both, first_of_step);
}

/// A batch of 1000 samples in several shards. If shards or samples had the same mask, losses would be far from their
/// expected value.
#[test]
fn every_sample_has_its_own_mask() {
    let losses = losses(1, 1.0, 5000, 1000, 1);
    // Each loss is a mean of squares of normal numbers, with a relative standard deviation of sqrt(2 / 1000).
    for loss in &losses {
        assert!((loss * UNITS as f64 - 1.0).abs() < 0.25, "{losses:?}");
    }
}
