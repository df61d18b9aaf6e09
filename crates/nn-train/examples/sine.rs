//! The book's regression: a network with a linear output learns a sine with the mean squared error.
//!
//!     cargo run -p nn-train --example sine [PICTURE.svg]

use std::{error::Error, f32::consts::TAU, ops::ControlFlow};

use nn_core::{Activation, Architecture, Init, Layer, Loss, MatrixView, Model, loss::precision_of};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{Event, Features, RunConfig, Samples, Threads, Trainer, TrainingState};

mod plot;

const POINTS: usize = 1000;
const EPOCHS: u64 = 2000;

fn main() -> Result<(), Box<dyn Error>> {
    let x: Vec<f32> = (0..POINTS).map(|i| i as f32 / POINTS as f32).collect();
    let y: Vec<f32> = x.iter().map(|x| (TAU * x).sin()).collect();
    // A prediction is correct within a 250th of the targets' standard deviation.
    let samples = Samples::of_numbers(Features::Floats(&x), 1, &y, 1, precision_of(&y))?;

    let layers = [
        Layer::dense(64),
        Layer::RELU,
        Layer::dense(64),
        Layer::RELU,
        Layer::dense(1),
        Layer::Activation(Activation::Linear),
    ];
    let model = Model::new(Architecture::new(1, &layers)?, Init::Glorot, 0);
    let schedule =
        Schedule { learning_rate: 0.005, warmup: 0, decay: Decay::InverseTime { decay: 1e-3 } };
    let loss = Loss::MeanSquaredError;
    let config = RunConfig { batch_size: POINTS, loss, ..RunConfig::default() };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config)?;
    let mut trainer = Trainer::new(model, state, &Threads::default())?;
    trainer.fit_with(&samples, None, EPOCHS, &mut |event| {
        if let Event::Epoch { trainer, .. } = event
            && trainer.state().progress.epoch.is_multiple_of(EPOCHS / 10)
        {
            plot::print_epoch(trainer.state());
        }
        ControlFlow::Continue(())
    })?;

    let outputs = trainer.model().predict(MatrixView::from_slice(&x, 1, POINTS));
    let errors = outputs.iter().zip(&y).map(|(output, target)| (output - target).abs());
    println!("\nlargest error: {:.4}", errors.fold(0.0, f32::max));
    let curve =
        |y: &[f32]| x.iter().copied().zip(y.iter().copied()).step_by(10).collect::<Vec<_>>();
    plot::curves("sine", "Sine: target and prediction", &curve(&y), &curve(outputs.as_slice()))
}
