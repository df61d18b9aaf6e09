//! The learning-rate finder suggests a rate that learns.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::{ControlFlow, Range};

use nn_core::{Architecture, Init, Model};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{
    Error, Features, RunConfig, Samples, Threads, Trainer, TrainingState, find_rate, suggested_rate,
};

/// Points in a square, and the quadrant of each.
fn points() -> (Vec<f32>, Vec<u32>) {
    let at = |i: usize, factor: f32| (i as f32 * factor).fract() * 2.0 - 1.0;
    let points: Vec<f32> = (0..600).flat_map(|i| [at(i, 0.618_034), at(i, 0.754_877)]).collect();
    let labels = points.chunks(2).map(|p| u32::from(p[0] > 0.0) * 2 + u32::from(p[1] > 0.0));
    let labels = labels.collect();
    (points, labels)
}

fn start(learning_rate: f64) -> (Model, TrainingState) {
    let model = Model::new(Architecture::mlp(&[2, 16, 4]).unwrap(), Init::He, 0);
    let config = RunConfig { batch_size: 20, ..RunConfig::default() };
    let schedule = Schedule { learning_rate, warmup: 0, decay: Decay::Constant };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config).unwrap();
    (model, state)
}

#[test]
fn the_suggested_rate_learns() {
    let (points, labels) = points();
    let samples = Samples::new(Features::Floats(&points), 2, &labels).unwrap();
    let find = |threads| {
        let runs = vec![start(0.001)];
        find_rate(runs, &samples, 1e-6..100.0, 100, &Threads::new(threads).unwrap()).unwrap()
    };
    let found = find(1);
    assert_eq!(found, find(2), "the result depends on the number of threads");
    // There are more steps than in an epoch. The rates rise by the same factor at each step.
    assert!(found.len() > 30 && found.len() <= 100, "{}", found.len());
    assert!((found[0].learning_rate - 1e-6).abs() < 1e-12);
    let factor = found[1].learning_rate / found[0].learning_rate;
    let same = |pair: &[nn_train::RateLoss]| {
        (pair[1].learning_rate / pair[0].learning_rate / factor - 1.0).abs() < 1e-9
    };
    assert!(found.windows(2).all(same) && (factor - 1e8f64.powf(1.0 / 99.0)).abs() < 1e-9);

    let loss_after = |learning_rate| {
        let (model, state) = start(learning_rate);
        let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
        let _ = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(()));
        let history = &trainer.state().history;
        history.last().map_or(f64::INFINITY, |record| record.train.loss)
    };
    let suggested = suggested_rate(&found).unwrap();
    assert!((1e-3..1.0).contains(&suggested), "{suggested}");
    let loss = loss_after(suggested);
    assert!(loss < loss_after(suggested / 100.0), "too low: {suggested}");
    assert!(loss < loss_after(suggested * 1000.0), "too high: {suggested}");
}

/// Batches and initial weights differ with the seed, and the suggestion hardly does.
#[test]
fn the_suggestion_hardly_depends_on_the_seed() {
    let (points, labels) = points();
    let samples = Samples::new(Features::Floats(&points), 2, &labels).unwrap();
    let run = |seed| {
        let (model, mut state) = start(0.001);
        state.config.seed = seed;
        (Model::new(model.architecture().clone(), Init::He, seed), state)
    };
    let suggest = |seeds: Range<u64>| {
        let runs = seeds.map(run).collect();
        let found = find_rate(runs, &samples, 1e-6..100.0, 300, &Threads::default()).unwrap();
        suggested_rate(&found).unwrap()
    };
    let spread = |n_runs: u64| {
        let mut rates: Vec<f64> = (0..10).map(|i| suggest(n_runs * i..n_runs * (i + 1))).collect();
        rates.sort_by(f64::total_cmp);
        rates[9] / rates[0]
    };
    let (one, five) = (spread(1), spread(5));
    assert!(five < 1.25 && five < one, "{five} with five runs, {one} with one");
}

#[test]
fn rates_that_do_not_rise_are_refused() {
    let (points, labels) = points();
    let samples = Samples::new(Features::Floats(&points), 2, &labels).unwrap();
    for (expected, rates) in [
        ("highest rate", 1.0..0.1),
        ("highest rate", 0.1..f64::INFINITY),
        ("highest rate", 0.1..f64::NAN),
        ("lowest rate", 0.0..1.0),
        ("lowest rate", -1.0..1.0),
        ("lowest rate", f64::NAN..1.0),
    ] {
        let runs = vec![start(0.001)];
        match find_rate(runs, &samples, rates.clone(), 10, &Threads::default()) {
            Err(Error::Config(setting)) => assert_eq!(setting.name, expected, "{rates:?}"),
            other => panic!("{rates:?}: {other:?}"),
        }
    }
}

/// The rates begin with the first step of a run.
#[test]
fn a_run_that_is_not_new_is_refused() {
    let (points, labels) = points();
    let samples = Samples::new(Features::Floats(&points), 2, &labels).unwrap();
    let (model, state) = start(0.001);
    let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
    trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Break(())).unwrap();
    let refused = |runs, n_steps| {
        find_rate(runs, &samples, 1e-5..1.0, n_steps, &Threads::default()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(vec![start(0.001), trainer.into_parts()], 10),
        "steps that the run has taken: expected 0, a new run, found 1"
    );
    assert_eq!(refused(vec![start(0.001)], 0), "steps: expected 1 or more, found 0");
    assert_eq!(refused(vec![], 10), "runs: expected 1 or more, found 0");
}

#[test]
fn the_rate_that_is_suggested() {
    let found = |losses: &[f64]| -> Vec<nn_train::RateLoss> {
        let rate = |i| 10f64.powi(i);
        (-3..)
            .zip(losses)
            .map(|(i, &loss)| nn_train::RateLoss { learning_rate: rate(i), loss })
            .collect()
    };
    assert_eq!(suggested_rate(&found(&[])), None);
    assert_eq!(suggested_rate(&found(&[1.0, 2.0, 3.0])), None);
    // The first that is within a tenth of the fall, not the lowest.
    assert_eq!(suggested_rate(&found(&[1.0, 0.5, 3.0])), Some(1e-2));
    assert_eq!(suggested_rate(&found(&[1.0, 0.7, 0.54, 0.5, 3.0])), Some(1e-1));
    assert_eq!(suggested_rate(&found(&[1.0, 0.7, 0.56, 0.5, 3.0])), Some(1.0));
}
