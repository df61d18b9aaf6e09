//! A short training run on one thread, for the test that training works in WebAssembly.

use nn_core::{Architecture, Init, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{Features, RunConfig, Samples, Threads, Trainer, TrainingState};
use wasm_bindgen::prelude::*;

/// The number of points in the training set.
const POINTS: usize = 300;

/// Trains a small network on the quadrants of a square. Returns the mean loss of each epoch.
///
/// # Errors
///
/// A JavaScript `Error` if training diverges, which it does not.
#[wasm_bindgen(js_name = trainLosses)]
pub fn train_losses(epochs: u32) -> Result<Vec<f64>, JsError> {
    // Irrational steps spread the points evenly, without random numbers, so they are the same everywhere.
    let coordinate = |i: usize, step: f64| ((i as f64 * step).fract() - 0.5) as f32;
    let points: Vec<f32> =
        (0..POINTS).flat_map(|i| [0.618_034, 0.754_878].map(|step| coordinate(i, step))).collect();
    let quadrant = |point: &[f32]| u32::from(point[0] > 0.0) + 2 * u32::from(point[1] > 0.0);
    let labels: Vec<u32> = points.chunks(2).map(quadrant).collect();
    let samples = Samples::new(Features::Floats(&points), 2, &labels)?;

    let model = Model::new(Architecture::mlp(&[2, 24, 24, 4])?, Init::He, 0);
    let schedule = Schedule::constant(0.01);
    let config = RunConfig { batch_size: 50, ..RunConfig::default() };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config)?;
    let mut trainer = Trainer::new(model, state, &Threads::default())?;
    trainer.fit(&samples, None, epochs.into())?;
    Ok(trainer.state().history.iter().map(|record| record.train.loss).collect())
}
