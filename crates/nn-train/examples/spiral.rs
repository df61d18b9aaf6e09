//! The book's spiral: three intertwined arms that no line separates. Trains, stops in the middle
//! of an epoch, carries on from the state alone, and shows that the bits are those of a run that
//! never stopped: `cargo run -p nn-train --example spiral`.

use std::{error::Error, f32::consts::PI, ops::ControlFlow};

use nn_core::{
    Init, LayerSpec, Model,
    rng::{Purpose, Stream},
};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{Features, RunConfig, Samples, Step, Trainer, TrainingState};

const ARMS: u32 = 3;
const POINTS: u32 = 300;
const EPOCHS: u64 = 100;

/// Points of each arm in turn, with their arm.
fn spiral() -> (Vec<f32>, Vec<u32>) {
    let mut noise = Stream::new(0, Purpose::Init, 99);
    let (mut points, mut labels) = (Vec::new(), Vec::new());
    for arm in 0..ARMS {
        for i in 0..POINTS {
            let radius = i as f32 / POINTS as f32;
            let angle = 4.0 * (arm as f32 + radius) + 0.2 * noise.normal() as f32;
            points.extend([radius * (angle * PI / 2.5).sin(), radius * (angle * PI / 2.5).cos()]);
            labels.push(arm);
        }
    }
    (points, labels)
}

/// A run that has not begun.
fn start() -> Result<Trainer, Box<dyn Error>> {
    let model = Model::new(&LayerSpec::mlp(&[2, 64, 64, ARMS as usize]), Init::He, 0)?;
    let schedule =
        Schedule { learning_rate: 0.01, warmup: 0, decay: Decay::InverseTime { decay: 1e-4 } };
    let config = RunConfig { batch_size: 50, ..RunConfig::default() };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config)?;
    Ok(Trainer::new(model, state, 2)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (points, labels) = spiral();
    let samples = Samples::new(Features::Floats(&points), 2, &labels)?;
    let never = &mut |_: Step| ControlFlow::Continue(());

    let mut whole = start()?;
    while whole.state().progress.epoch < EPOCHS {
        whole.train_epoch(&samples, None, never)?;
        if whole.state().progress.epoch.is_multiple_of(20) {
            let metrics = whole.state().history[whole.state().history.len() - 1].train;
            let epoch = whole.state().progress.epoch;
            println!(
                "epoch {epoch:>3}: loss {:.4}, accuracy {:.3}",
                metrics.loss, metrics.accuracy
            );
        }
    }

    let mut stopped = start()?;
    stopped.train_epoch(&samples, None, &mut |step: Step| match step.batch {
        7 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })?;
    println!("stopped after {} steps", stopped.state().optimizer.step());
    let (model, state) = stopped.into_parts();
    let mut resumed = Trainer::new(model, state, 1)?;
    while resumed.state().progress.epoch < EPOCHS {
        resumed.train_epoch(&samples, None, never)?;
    }
    assert_eq!(resumed.into_parts(), whole.into_parts());
    println!("resumed on one thread: the very bits of the run that never stopped");
    Ok(())
}
