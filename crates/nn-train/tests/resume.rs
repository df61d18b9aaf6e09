//! A run that is stopped and resumed, or that uses another number of threads, is bit-for-bit identical to an
//! uninterrupted run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Architecture, Init, Layer, Model};
use nn_optim::{
    Adagrad, Adam, AdamW, Decay, LARGEST_GRADIENT, Optimizer, OptimizerConfig, RmsProp, Schedule,
    Sgd,
};
use nn_train::{
    EpochOutcome, EpochRecord, Error, Features, Metrics, Monitor, RunConfig, Samples, Step,
    Threads, Trainer, TrainingState,
};
use tally::{Failure, Tally, ensure};

const N_FEATURES: usize = 30;
/// An epoch has 14 batches, the last of 3 samples.
const N_SAMPLES: usize = 653;
const N_VALIDATION: usize = 77;
const EPOCHS: u64 = 3;
const STEPS: u64 = 3 * 14;

struct Data {
    bytes: Vec<u8>,
    labels: Vec<u32>,
}

impl Data {
    fn new() -> Self {
        let n = N_SAMPLES + N_VALIDATION;
        let bytes = (0..n * N_FEATURES).map(|i| (i * i % 251) as u8 ^ (i / 7) as u8).collect();
        Self { bytes, labels: (0..n as u32).map(|i| i * i % 5).collect() }
    }

    fn split(&self) -> (Samples<'_>, Samples<'_>) {
        let features = Features::Bytes { data: &self.bytes, scaling: Default::default() };
        Samples::new(features, N_FEATURES, &self.labels).unwrap().split_at(N_SAMPLES)
    }
}

/// Every optimizer with each of its variants.
fn optimizers() -> [OptimizerConfig; 9] {
    let sgd = |momentum, nesterov| OptimizerConfig::Sgd(Sgd { momentum, nesterov });
    // With this beta_2, the largest second moment is not the last one.
    let amsgrad = Adam { beta_2: 0.5, amsgrad: true, ..Adam::default() };
    [
        OptimizerConfig::default(),
        OptimizerConfig::AdamW(AdamW::default()),
        OptimizerConfig::Adam(amsgrad),
        OptimizerConfig::AdamW(AdamW { adam: amsgrad, ..AdamW::default() }),
        OptimizerConfig::RmsProp(RmsProp::default()),
        OptimizerConfig::Adagrad(Adagrad::default()),
        sgd(0.0, false),
        sgd(0.9, false),
        sgd(0.9, true),
    ]
}

fn config() -> RunConfig {
    RunConfig { seed: 3, batch_size: 50, ..RunConfig::default() }
}

/// Schedules that change the rate at every step, or at every epoch.
fn schedules() -> [Schedule; 7] {
    let decays = [
        Decay::Constant,
        Decay::InverseTime { decay: 0.1 },
        Decay::Step { every: 5, factor: 0.5 },
        Decay::Exponential { every: 3, factor: 0.9 },
        Decay::Cosine { steps: STEPS - 4, minimum: 1e-5 },
        Decay::OneCycle { steps: STEPS },
        // No epoch is better than the first by this much, so the rate drops after the second and the third.
        Decay::Plateau { factor: 0.1, patience: 0, min_delta: 100.0 },
    ];
    decays.map(|decay| {
        let warmup = if matches!(decay, Decay::OneCycle { .. }) { 0 } else { 4 };
        Schedule { warmup, decay, ..Schedule::book() }
    })
}

/// A new run with Adam.
fn start() -> (Model, TrainingState) {
    start_with(OptimizerConfig::default())
}

fn start_with(optimizer: OptimizerConfig) -> (Model, TrainingState) {
    let model = Model::new(Architecture::mlp(&[N_FEATURES, 40, 24, 5]).unwrap(), Init::He, 1);
    let state = TrainingState::new(&model, optimizer, Schedule::book(), config()).unwrap();
    (model, state)
}

/// Trains until the run has taken `last_step` steps or its epochs are complete.
fn train(run: (Model, TrainingState), threads: usize, last_step: u64) -> (Model, TrainingState) {
    let data = Data::new();
    let (train, validation) = data.split();
    let mut trainer = Trainer::new(run.0, run.1, &Threads::new(threads).unwrap()).unwrap();
    while trainer.state().progress.epoch < EPOCHS {
        let done = trainer.state().optimizer.step();
        let batch = trainer.state().progress.batch;
        let outcome = trainer
            .train_epoch(&train, Some(&validation), &mut |step: Step<'_>| match done + step.batch
                - batch
                == last_step
            {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            })
            .unwrap();
        if outcome == EpochOutcome::Stopped {
            break;
        }
    }
    trainer.into_parts()
}

#[test]
fn stopped_at_any_step_and_resumed() {
    let mut tally = Tally::new("C1", "stopped at each step of a run, and resumed");
    for optimizer in optimizers() {
        let whole = train(start_with(optimizer), 2, u64::MAX);
        assert_eq!((whole.1.optimizer.step(), whole.1.history.len()), (STEPS, 3));
        for stop in 1..=STEPS {
            tally.case(|| {
                let stopped = train(start_with(optimizer), 2, stop);
                assert_eq!(stopped.1.optimizer.step(), stop);
                let is_whole = train(stopped, 2, u64::MAX) == whole;
                ensure(is_whole, || Failure::torn(format!("{optimizer:?}: stopped after {stop}")))
            });
        }
    }
    tally.finish();
}

#[test]
fn any_number_of_threads() {
    let mut tally = Tally::new("C6", "different numbers of threads");
    for optimizer in optimizers() {
        let one = train(start_with(optimizer), 1, u64::MAX);
        for threads in [2, 3, 4, 8] {
            let same = || train(start_with(optimizer), threads, u64::MAX) == one;
            let other = || Failure::torn(format!("{optimizer:?}: {threads} threads"));
            tally.case(|| ensure(same(), other));
        }
    }
    tally.finish();
}

/// During and after the warm-up, and at the ends of epochs and schedules.
#[test]
fn under_every_schedule() {
    let mut tally = Tally::new("C1", "under each schedule: stopped, and resumed");
    let plain = train(start(), 2, u64::MAX);
    for schedule in schedules() {
        let start = || {
            let (model, state) = start();
            (model, TrainingState { schedule, ..state })
        };
        let whole = train(start(), 2, u64::MAX);
        assert_ne!(whole.0.params(), plain.0.params(), "{schedule:?} changes nothing");
        for stop in [1, 3, 4, 5, 13, 14, 15, 27, 28, 29, STEPS - 1] {
            tally.case(|| {
                let stopped = train(start(), 2, stop);
                let is_whole = train(stopped, 2, u64::MAX) == whole;
                ensure(is_whole, || Failure::torn(format!("{schedule:?}: stopped after {stop}")))
            });
        }
    }
    tally.finish();
}

/// The recorded learning rate is that of the epoch's last step, and includes the drops.
#[test]
fn a_plateau_drops_after_an_epoch() {
    let [.., schedule] = schedules();
    let (model, state) = start();
    let (_, state) = train((model, TrainingState { schedule, ..state }), 1, u64::MAX);
    let rates: Vec<f64> = state.history.iter().map(|record| record.learning_rate).collect();
    assert_eq!(rates, [1e-3, 1e-3, 1e-3 * 0.1]);
    assert_eq!((state.drops(), state.learning_rate()), (2, 1e-3 * 0.1f64.powf(2.0)));
}

/// The tests above would notice if a resumed run lost any part of the state.
#[test]
fn a_lost_part_of_the_state_shows() {
    let whole = train(start(), 2, u64::MAX);
    let resumed = |lose: &dyn Fn(&mut TrainingState)| {
        let (model, mut state) = train(start(), 2, 20);
        lose(&mut state);
        train((model, state), 2, u64::MAX)
    };
    assert_eq!(resumed(&|_| ()), whole);
    let moments_swapped = resumed(&|state| {
        let [m, v] = state.optimizer.moments() else { panic!() };
        let (mut v, m) = (m.clone(), v.clone());
        v.iter_mut().for_each(|v| *v = v.abs());
        let config = state.optimizer.config();
        state.optimizer = Optimizer::from_parts(config, 20, vec![m, v]).unwrap();
    });
    let other_order = resumed(&|state| state.config.seed += 1);
    let mut tally = Tally::new("C3", "losing a part of the state changes the result");
    for lost in [moments_swapped, other_order] {
        let shows = lost.0.params() != whole.0.params();
        tally.case(|| ensure(shows, || Failure::torn("losing it changes nothing")));
    }
    // Each moment of each optimizer.
    for optimizer in optimizers() {
        let (model, state) = train(start_with(optimizer), 2, 20);
        let whole = train((model.clone(), state.clone()), 2, u64::MAX);
        for lost in 0..state.optimizer.moments().len() {
            let (model, mut state) = (model.clone(), state.clone());
            let mut moments = state.optimizer.moments().to_vec();
            moments[lost].fill(0.0);
            state.optimizer = Optimizer::from_parts(optimizer, 20, moments).unwrap();
            let shows = train((model, state), 2, u64::MAX).0.params() != whole.0.params();
            let name = optimizer.moments()[lost].name;
            tally
                .case(|| ensure(shows, || Failure::torn(format!("losing {name} changes nothing"))));
        }
    }
    tally.finish();
}

#[test]
fn moments_of_another_model_are_refused() {
    for optimizer in optimizers() {
        let (model, mut state) = start_with(optimizer);
        let (expected, found) = (model.params().len(), 7);
        state.optimizer = Optimizer::new(optimizer, found).unwrap();
        let refused = Trainer::new(model, state, &Threads::default()).map(drop);
        match optimizer.moments() {
            [] => assert_eq!(refused, Ok(())),
            _ => assert_eq!(refused, Err(Error::Moments { expected, found })),
        }
    }
}

/// A wrong count of steps would change the results, so it is refused.
#[test]
fn steps_that_the_run_did_not_take_are_refused() {
    let refused = |lose: &dyn Fn(&mut TrainingState)| {
        let (model, mut state) = train(start(), 1, 20);
        lose(&mut state);
        let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
        let data = Data::new();
        let (samples, _) = data.split();
        let result = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Break(()));
        matches!(result, Err(Error::Steps { .. }))
    };
    assert!(!refused(&|_| ()));
    let mut tally = Tally::new("C3", "wrong numbers of steps or epochs");
    let mut check = |lose: &dyn Fn(&mut TrainingState)| {
        tally.case(|| ensure(refused(lose), || Failure::torn("a wrong number is accepted")));
    };
    for step in [0, 19, 21, 1 << 53] {
        check(&|state| {
            let (config, moments) = (state.optimizer.config(), state.optimizer.moments().to_vec());
            state.optimizer = Optimizer::from_parts(config, step, moments).unwrap();
        });
    }
    check(&|state| state.progress.epoch -= 1);
    check(&|state| state.progress.epoch = u64::MAX);
    tally.finish();
}

#[test]
fn progress_of_a_run_over_other_data_is_refused() {
    let data = Data::new();
    let (_, validation) = data.split();
    let (model, state) = train(start(), 1, 10);
    let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
    let result = trainer.train_epoch(&validation, None, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(result, Err(Error::Progress { batch: 10, batches: 2, .. })), "{result:?}");
    // As many batches, but not of as many samples.
    let (model, mut state) = train(start(), 1, 10);
    state.progress.sums.n_samples -= 1;
    let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
    let (train, _) = data.split();
    let result = trainer.train_epoch(&train, None, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(result, Err(Error::Progress { batch: 10, .. })), "{result:?}");
}

/// An epoch visits every sample once, including the last, shorter batch.
#[test]
fn an_epoch_visits_every_sample() {
    let (_, state) = train(start(), 1, 14);
    assert_eq!(state.progress.sums.n_samples, N_SAMPLES as u64);
    let (_, state) = train(start(), 1, 13);
    assert_eq!(state.progress.sums.n_samples, 650);
}

/// A run whose learning rate is far too high stops before the state is harmed. The error names the layer.
#[test]
fn divergence_stops_before_the_state_is_harmed() {
    let mut tally = Tally::new("E1", "learning rates far too high for any network");
    let rates = [1e20, 1e25, 1e30];
    let runs = optimizers().map(|optimizer| rates.map(|rate| (optimizer, rate)));
    for (optimizer, learning_rate) in runs.into_iter().flatten() {
        tally.case(|| {
            let data = Data::new();
            let (samples, _) = data.split();
            let (model, state) = start_with(optimizer);
            let schedule = Schedule { learning_rate, warmup: 0, decay: Decay::Constant };
            let mut trainer =
                Trainer::new(model, TrainingState { schedule, ..state }, &Threads::new(2).unwrap())
                    .unwrap();
            let mut step_before = 0;
            let error = loop {
                let steps = &mut |_: Step<'_>| {
                    step_before += 1;
                    ControlFlow::Continue(())
                };
                match trainer.train_epoch(&samples, None, steps) {
                    Ok(_) if trainer.state().progress.epoch < 100 => {}
                    Ok(_) => return Err(Failure::wrong(format!("{optimizer:?} never diverged"))),
                    Err(error) => break error,
                }
            };
            let Error::Diverged { step, what, .. } = &error else {
                return Err(Failure::wrong(error));
            };
            let places = step == &(step_before + 1) && what.contains("layer ");
            ensure(places, || Failure::wrong(&error))?;
            let state = trainer.state();
            let steps = state.optimizer.step();
            ensure(steps == step_before, || Failure::torn(format!("{steps} steps taken")))?;
            let moments = state.optimizer.moments().iter().flat_map(|moment| moment.iter());
            let finite = moments.chain(trainer.model().params()).all(|x| x.is_finite());
            ensure(finite, || Failure::torn(format!("{optimizer:?}: the state is harmed")))
        });
    }
    tally.finish();
}

/// Batch normalisation turns large inputs into small outputs, so its statistics can overflow although the loss is
/// finite.
#[test]
fn statistics_that_are_not_finite_end_a_run() {
    let layers = [Layer::dense(3), Layer::BATCH_NORM, Layer::dense(2), Layer::SOFTMAX];
    let run = |scale: f32| {
        let model = Model::new(Architecture::new(2, &layers).unwrap(), Init::He, 0);
        let (optimizer, schedule) = (OptimizerConfig::default(), Schedule::book());
        let state = TrainingState::new(&model, optimizer, schedule, config()).unwrap();
        let x = [1.0, 2.0, -1.0, 3.0, 0.5, -2.0, 1.0, 0.0].map(|x: f32| scale * x);
        let samples = Samples::new(Features::Floats(&x), 2, &[0, 1, 0, 1]).unwrap();
        let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
        let end = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(()));
        (end, trainer.state().history.first().map(|record| record.penalty.to_bits()))
    };
    let (end, record) = run(1e20);
    let Err(Error::Diverged { epoch: 1, step: 1, what, value, .. }) = end else {
        panic!("{end:?}")
    };
    assert_eq!((what.as_str(), value, record), ("batch_norm0.variances", f64::INFINITY, None));
    let (end, record) = run(1.0);
    // Without regularisation, not -0.0.
    assert!(matches!(end, Ok(EpochOutcome::Completed(_))) && record == Some(0), "{end:?}");
}

/// If the last step of an epoch harms the weights, only the evaluation after it shows that. The epoch gets no record.
#[test]
fn a_loss_on_held_out_samples_that_is_not_finite_ends_a_run() {
    let model = Model::new(Architecture::mlp(&[2, 3, 2]).unwrap(), Init::He, 0);
    let schedule = Schedule { learning_rate: 1e30, warmup: 0, decay: Decay::Constant };
    let state = TrainingState::new(&model, OptimizerConfig::default(), schedule, config()).unwrap();
    let x = [1.0, 2.0, -1.0, 3.0, 0.5, -2.0, 1.0, 0.0];
    let samples = Samples::new(Features::Floats(&x), 2, &[0, 1, 0, 1]).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
    let end = trainer.train_epoch(&samples, Some(&samples), &mut |_| ControlFlow::Continue(()));
    let Err(Error::Diverged { epoch: 1, step: 1, what, value, .. }) = end else {
        panic!("{end:?}")
    };
    assert_eq!(what, "the loss on held-out samples");
    assert!(!value.is_finite() && trainer.state().history.is_empty(), "{value}");
}

/// The loss can be finite although the gradient is not finite, or too large for an optimizer to square. Then the step
/// is not taken.
#[test]
fn a_gradient_that_is_not_finite_is_not_applied() {
    let check = |optimizer: OptimizerConfig, scale: f32, diverges: bool| {
        let mut model = Model::new(Architecture::mlp(&[2, 2, 2]).unwrap(), Init::He, 1);
        // The first layer multiplies by `scale` and the second divides by it: the loss is moderate, but the gradient
        // with respect to the last weights is large.
        model.params_mut().copy_from_slice(&[
            scale,
            0.0,
            0.0,
            scale,
            0.0,
            0.0,
            1.0 / scale,
            0.0,
            0.0,
            1.0 / scale,
            0.0,
            0.0,
        ]);
        let state = TrainingState::new(&model, optimizer, Schedule::book(), config()).unwrap();
        let samples = Samples::new(Features::Floats(&[0.5, 0.7]), 2, &[0]).unwrap();
        let before = (model.clone(), state.clone());
        let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
        let result = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Break(()));
        if diverges {
            let Err(Error::Diverged { epoch: 1, step: 1, what, value, .. }) = result else {
                panic!("{result:?}")
            };
            assert_eq!(what, "the gradient of layer 2 (dense)");
            assert!(value.abs() > f64::from(LARGEST_GRADIENT));
            assert_eq!(trainer.into_parts(), before);
        } else {
            assert_eq!(result, Ok(EpochOutcome::Stopped));
        }
    };
    for optimizer in optimizers() {
        check(optimizer, 1e10, false);
        check(optimizer, 1e15, false);
        check(optimizer, 1e17, true);
        check(optimizer, 1e37, true);
    }
}

/// The error names the first layer whose output is not finite, and that output.
#[test]
fn a_run_that_diverges_names_the_layer() {
    let mut model = Model::new(Architecture::mlp(&[2, 2, 2]).unwrap(), Init::He, 1);
    model.params_mut().fill(1e30);
    let optimizer = OptimizerConfig::default();
    let state = TrainingState::new(&model, optimizer, Schedule::book(), config()).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
    let samples = Samples::new(Features::Floats(&[0.5, 0.7]), 2, &[0]).unwrap();
    let end = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(()));
    assert_eq!(
        end.unwrap_err().to_string(),
        "training diverged at epoch 1, step 1: the output of layer 2 (dense) became inf; lower the learning rate, \
         which was 0.001"
    );
}

/// An epoch whose metric is NaN is never the best, wherever it is in the history.
#[test]
fn the_best_epoch() {
    let best = |losses: &[f64], held_out: bool| {
        let record = |&loss: &f64| {
            let (metrics, other) =
                (Metrics { loss, accuracy: 0.5 }, Metrics { loss: 0.1, accuracy: 0.5 });
            let (train, validation) =
                if held_out { (other, Some(metrics)) } else { (metrics, None) };
            EpochRecord { train, validation, penalty: 0.0, learning_rate: 0.1 }
        };
        Monitor::Loss.best_epoch(&losses.iter().map(record).collect::<Vec<_>>())
    };
    let mut tally = Tally::new("E2", "a metric that is NaN or infinite next to the best");
    let (nan, infinite) = (f64::NAN, f64::INFINITY);
    let orders = [
        [nan, 0.5, 0.4],
        [nan, 0.4, 0.5],
        [0.5, nan, 0.4],
        [0.4, nan, 0.5],
        [0.5, 0.4, nan],
        [0.4, 0.5, nan],
        [infinite, 0.4, -nan],
    ];
    for losses in orders {
        for held_out in [false, true] {
            tally.case(|| {
                let found = best(&losses, held_out).map(|at| losses[at]);
                ensure(found == Some(0.4), || Failure::wrong(format!("{losses:?}: {found:?}")))
            });
        }
    }
    tally.finish();
    assert_eq!(best(&[0.5, 0.4, 0.4], true), Some(1), "the first of equal epochs");
    assert_eq!((best(&[], true), best(&[nan, infinite], true)), (None, None));
}
