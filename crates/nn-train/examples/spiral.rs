//! The book's spiral, three arms that no line separates, and its network with regularisation and dropout. Trains it,
//! shows that a stopped and resumed run is bit-for-bit identical to an uninterrupted one, and draws the predictions:
//!
//!     cargo run -p nn-train --example spiral [PICTURE.svg]

use std::{error::Error, ops::ControlFlow};

use nn_core::{Architecture, Init, Layer, Model, Penalty, metric::argmax};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{
    EvaluationConfig, Event, Features, RunConfig, Samples, Threads, Trainer, TrainingState,
    evaluate,
};

mod plot;
mod spiral_data;

const ARMS: u32 = 3;
const POINTS: u32 = 300;
const HELD_OUT: u32 = 100;
const EPOCHS: u64 = 1000;

/// A new run.
fn start(threads: usize) -> Result<Trainer, Box<dyn Error>> {
    let layers = [
        Layer::dense(512),
        Layer::RELU,
        Layer::dropout(0.1),
        Layer::dense(ARMS as usize),
        Layer::SOFTMAX,
    ];
    let model = Model::new(Architecture::new(2, &layers)?, Init::Book, 0);
    let schedule =
        Schedule { learning_rate: 0.05, warmup: 0, decay: Decay::InverseTime { decay: 5e-5 } };
    let l2 = Penalty { weights_l2: 5e-4, biases_l2: 5e-4, ..Penalty::default() };
    let config = RunConfig {
        batch_size: (ARMS * POINTS) as usize,
        penalties: vec![l2, Penalty::default()],
        ..RunConfig::default()
    };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config)?;
    Ok(Trainer::new(model, state, &Threads::new(threads)?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (points, labels) = spiral_data::spiral(ARMS, POINTS, 0);
    let samples = Samples::new(Features::Floats(&points), 2, &labels)?;
    let (held_out_points, held_out_labels) = spiral_data::spiral(ARMS, HELD_OUT, 1);
    let held_out = Samples::new(Features::Floats(&held_out_points), 2, &held_out_labels)?;

    let mut whole = start(1)?;
    println!("{}\n", whole.model());
    let mut after_100 = None;
    whole.fit_with(&samples, Some(&held_out), EPOCHS, &mut |event| {
        if let Event::Epoch { trainer, .. } = event {
            let epoch = trainer.state().progress.epoch;
            if epoch == 100 {
                after_100 = Some((trainer.model().clone(), trainer.state().clone()));
            }
            if epoch.is_multiple_of(100) {
                plot::print_epoch(trainer.state());
            }
        }
        ControlFlow::Continue(())
    })?;

    // The same run, stopped by its observer after a step of epoch 40.
    let mut stopped = start(1)?;
    stopped.fit_with(&samples, Some(&held_out), EPOCHS, &mut |event| match event {
        Event::Step(step) if step.epoch == 40 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })?;
    let (model, state) = stopped.into_parts();
    println!("\nstopped after {} steps and {} epochs", state.optimizer.step(), state.history.len());
    let mut resumed = Trainer::new(model, state, &Threads::new(2)?)?;
    resumed.fit(&samples, Some(&held_out), 100)?;
    assert_eq!(Some(resumed.into_parts()), after_100);
    println!(
        "resumed on two threads to epoch 100: bit-for-bit identical to the uninterrupted run\n"
    );

    let sums =
        evaluate(whole.model(), &held_out, EvaluationConfig::default(), &Threads::default())?.sums;
    println!("held out: accuracy {:.3}, loss {:.4}", sums.accuracy(), sums.mean_loss());
    plot::decision_regions(
        "spiral",
        &format!("Spiral: predicted classes, and {} held-out points", held_out.len()),
        whole.model(),
        argmax,
        (&held_out_points, &held_out_labels),
    )
}
