//! The book's binary logistic regression: two arms of a spiral, one output with a sigmoid, binary cross-entropy.
//!
//!     cargo run -p nn-train --example binary_spiral [PICTURE.svg]

use std::{error::Error, ops::ControlFlow};

use nn_core::{Activation, Architecture, Init, Layer, Loss, Model, Penalty};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{
    EvaluationConfig, Event, Features, RunConfig, Samples, Threads, Trainer, TrainingState,
    evaluate,
};

mod plot;
mod spiral_data;

const ARMS: u32 = 2;
const POINTS: u32 = 100;
const EPOCHS: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    // The target of the one output is the arm, 0 or 1. A prediction is correct on the right side of 0.5, so there is no
    // precision.
    let numbers = |labels: &[u32]| labels.iter().map(|&label| label as f32).collect::<Vec<f32>>();
    let (points, labels) = spiral_data::spiral(ARMS, POINTS, 0);
    let targets = numbers(&labels);
    let samples = Samples::of_numbers(Features::Floats(&points), 2, &targets, 1, 0.0)?;
    let (held_out_points, held_out_labels) = spiral_data::spiral(ARMS, POINTS, 1);
    let held_out_targets = numbers(&held_out_labels);
    let features = Features::Floats(&held_out_points);
    let held_out = Samples::of_numbers(features, 2, &held_out_targets, 1, 0.0)?;

    let layers =
        [Layer::dense(64), Layer::RELU, Layer::dense(1), Layer::Activation(Activation::Sigmoid)];
    let model = Model::new(Architecture::new(2, &layers)?, Init::Book, 0);
    let schedule =
        Schedule { learning_rate: 0.001, warmup: 0, decay: Decay::InverseTime { decay: 5e-7 } };
    let l2 = Penalty { weights_l2: 5e-4, biases_l2: 5e-4, ..Penalty::default() };
    let config = RunConfig {
        batch_size: samples.len(),
        loss: Loss::BinaryCrossEntropy,
        penalties: vec![l2, Penalty::default()],
        ..RunConfig::default()
    };
    let evaluation = EvaluationConfig { loss: config.loss, tta_flip: false };
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

    let sums = evaluate(trainer.model(), &held_out, evaluation, &Threads::default())?.sums;
    println!("\nheld out: accuracy {:.3}, loss {:.4}", sums.accuracy(), sums.mean_loss());
    plot::decision_regions(
        "binary_spiral",
        &format!("Two arms: predicted classes, and {} held-out points", held_out.len()),
        trainer.model(),
        |output| usize::from(output[0] > 0.5),
        (&held_out_points, &held_out_labels),
    )
}
