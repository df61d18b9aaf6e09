//! The loop over epochs, which ends after the last epoch, by early stopping, or when an observer stops it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::Model;
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{
    EarlyStop, Event, Features, FitOutcome, RunConfig, Samples, Threads, Trainer, TrainingState,
};

const POINTS: [f32; 8] = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];

/// Exclusive or, in two batches an epoch.
fn trainer(rate: f64, config: RunConfig) -> Trainer {
    let model = Model::classifier(&[2, 16, 2]).unwrap();
    let config = RunConfig { batch_size: 2, ..config };
    let schedule = Schedule::constant(rate);
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config).unwrap();
    Trainer::new(model, state, &Threads::default()).unwrap()
}

fn samples() -> Samples<'static> {
    Samples::new(Features::Floats(&POINTS), 2, &[0_u8, 1, 1, 0][..]).unwrap()
}

#[test]
fn trains_to_the_last_epoch_and_learns() {
    let mut trainer = trainer(0.02, RunConfig::default());
    assert_eq!(trainer.fit(&samples(), None, 200).unwrap(), FitOutcome::Completed);
    let history = &trainer.state().history;
    assert_eq!((history.len(), history.last().unwrap().train.accuracy), (200, 1.0));
    // There is nothing left to do.
    assert_eq!(trainer.fit(&samples(), None, 200).unwrap(), FitOutcome::Completed);
    assert_eq!(trainer.state().history.len(), 200);
}

#[test]
fn an_observer_sees_everything_and_stops_the_run() {
    let mut run = trainer(0.02, RunConfig::default());
    let (mut steps, mut epochs) = (Vec::new(), Vec::new());
    let outcome = run.fit_with(&samples(), None, 9, &mut |event| {
        match event {
            Event::Step(step) => steps.push((step.epoch, step.batch)),
            Event::Epoch { record, trainer } => {
                assert_eq!(trainer.state().history.last(), Some(&record));
                epochs.push(trainer.state().progress.epoch);
            }
            _ => {}
        }
        if steps.len() == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(outcome.unwrap(), FitOutcome::Stopped);
    assert_eq!(steps, [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]);
    assert_eq!(epochs, [1, 2]);
    let progress = run.state().progress;
    assert_eq!((progress.epoch, progress.batch), (2, 1));

    // It resumes from there, and the result is identical to an uninterrupted run.
    let mut whole = trainer(0.02, RunConfig::default());
    for run in [&mut run, &mut whole] {
        assert_eq!(run.fit(&samples(), None, 9).unwrap(), FitOutcome::Completed);
    }
    assert_eq!((run.model(), run.state()), (whole.model(), whole.state()));

    // An observer can also stop the run after an epoch.
    let mut run = trainer(0.02, RunConfig::default());
    let outcome = run.fit_with(&samples(), None, 9, &mut |event| match event {
        Event::Epoch { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!((outcome.unwrap(), run.state().progress.epoch), (FitOutcome::Stopped, 1));
}

#[test]
fn early_stopping_ends_the_run() {
    let early_stop = Some(EarlyStop { patience: 2, min_delta: 10.0 });
    let mut run = trainer(0.02, RunConfig { early_stop, ..RunConfig::default() });
    assert_eq!(run.fit(&samples(), None, 50).unwrap(), FitOutcome::StoppedEarly);
    // No epoch is better by 10, so the third is the second in a row without improvement.
    assert_eq!(run.state().history.len(), 3);
    assert_eq!(run.fit(&samples(), None, 50).unwrap(), FitOutcome::StoppedEarly);
    assert_eq!(run.state().history.len(), 3);
}
