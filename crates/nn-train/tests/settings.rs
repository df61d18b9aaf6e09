//! The effect of each setting of a run. With any of them, a resumed run is bit-for-bit identical to an uninterrupted
//! one, on any number of threads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use nn_core::{Activation, Architecture, Init, Layer, Loss, LossSum, Model, Penalty, Role, Shape};
use nn_optim::{Decay, OptimizerConfig, Schedule, Sgd};
use nn_train::{
    Augment, Clip, EarlyStop, EpochOutcome, Error, EvaluationConfig, Features, Monitor, RunConfig,
    Samples, Shuffle, Step, Threads, Trainer, TrainingState, evaluate,
};
use tally::{Failure, Tally, ensure};

const WIDTH: usize = 6;
const N_FEATURES: usize = 5 * WIDTH;
const IMAGE: Shape = Shape::image(5, WIDTH);
const N_SAMPLES: usize = 203;
const N_VALIDATION: usize = 50;
const CLASSES: usize = 4;

struct Data {
    bytes: Vec<u8>,
    labels: Vec<u32>,
}

impl Data {
    fn new() -> Self {
        let n = N_SAMPLES + N_VALIDATION;
        let bytes = (0..n * N_FEATURES).map(|i| (i * i % 251) as u8 ^ (i / 7) as u8).collect();
        Self { bytes, labels: (0..n as u32).map(|i| i * i % CLASSES as u32).collect() }
    }

    fn split(&self) -> (Samples<'_>, Samples<'_>) {
        let features = Features::Bytes { data: &self.bytes, scaling: Default::default() };
        let samples = Samples::new(features, N_FEATURES, &self.labels).unwrap();
        samples.as_images(IMAGE).unwrap().split_at(N_SAMPLES)
    }
}

fn mlp() -> Vec<Layer> {
    Layer::mlp(&[16, 12, CLASSES])
}

/// Every kind of layer that has parameters or is random.
fn all_kinds() -> Vec<Layer> {
    vec![
        Layer::dense(16),
        Layer::BATCH_NORM,
        Layer::RELU,
        Layer::dropout(0.2),
        Layer::dense(12),
        Layer::LAYER_NORM,
        Layer::Activation(Activation::Silu),
        Layer::dense(CLASSES),
        Layer::BATCH_NORM,
        Layer::SOFTMAX,
    ]
}

fn sgd(learning_rate: f64) -> (OptimizerConfig, Schedule) {
    let schedule = Schedule { learning_rate, warmup: 0, decay: Decay::Constant };
    (OptimizerConfig::Sgd(Sgd::default()), schedule)
}

fn adam() -> (OptimizerConfig, Schedule) {
    (OptimizerConfig::default(), Schedule::book())
}

fn model_of(layers: &[Layer]) -> Model {
    Model::new(Architecture::new(N_FEATURES, layers).unwrap(), Init::He, 1)
}

fn start(
    layers: &[Layer],
    (optimizer, schedule): (OptimizerConfig, Schedule),
    config: RunConfig,
) -> (Model, TrainingState) {
    let model = model_of(layers);
    let state = TrainingState::new(&model, optimizer, schedule, config).unwrap();
    (model, state)
}

/// Trains until the run has `epochs` epochs, or for `stop_after` more steps. Also returns the sums of each step.
fn train(
    run: (Model, TrainingState),
    epochs: u64,
    threads: usize,
    stop_after: usize,
) -> ((Model, TrainingState), Vec<LossSum>) {
    let data = Data::new();
    let (train, validation) = data.split();
    let mut trainer = Trainer::new(run.0, run.1, &Threads::new(threads).unwrap()).unwrap();
    let mut steps = Vec::new();
    while trainer.state().progress.epoch < epochs && !trainer.state().stops_early() {
        let observer = &mut |step: Step<'_>| {
            steps.push(step.of_step);
            if steps.len() == stop_after {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let outcome = trainer.train_epoch(&train, Some(&validation), observer).unwrap();
        if outcome == EpochOutcome::Stopped {
            break;
        }
    }
    (trainer.into_parts(), steps)
}

fn whole(run: (Model, TrainingState), epochs: u64) -> (Model, TrainingState) {
    train(run, epochs, 2, usize::MAX).0
}

/// All settings at once, except those that exclude each other.
fn everything() -> Vec<RunConfig> {
    let base = RunConfig {
        seed: 5,
        batch_size: 20,
        loss: Loss::CrossEntropy { smoothing: 0.1 },
        class_weights: vec![1.0, 0.5, 2.0, 1.5],
        penalties: vec![
            Penalty {
                weights_l1: 1e-3,
                weights_l2: 1e-3,
                biases_l1: 1e-3,
                biases_l2: 1e-3
            };
            3
        ],
        augment: Augment {
            flip: true,
            shift: 1,
            rotate: 10.0,
            zoom: 0.1,
            tone: 0.2,
            noise: 5.0,
            cutout: 2,
        },
        averaging: Some(0.9),
        monitor: Monitor::Accuracy,
        keep_best: true,
        tta_flip: true,
        ..RunConfig::default()
    };
    vec![
        RunConfig { clip: Some(Clip::Value(0.01)), ..base.clone() },
        RunConfig { clip: Some(Clip::Norm(0.5)), shuffle: Shuffle::Once, ..base.clone() },
        RunConfig { accumulation: 3, frozen: vec![false, true, false], ..base.clone() },
        RunConfig { early_stop: Some(EarlyStop { patience: 1, min_delta: 0.5 }), ..base },
    ]
}

#[test]
fn any_run_stopped_and_resumed_on_any_threads() {
    let mut tally =
        Tally::new("C1", "runs with every setting and every kind of layer, stopped and resumed");
    for config in everything() {
        for decay in [Decay::Constant, Decay::Plateau { factor: 0.5, patience: 0, min_delta: 9.0 }]
        {
            let schedule = Schedule { learning_rate: 3e-3, warmup: 3, decay };
            let new_run =
                || start(&all_kinds(), (OptimizerConfig::default(), schedule), config.clone());
            let (expected, steps) = train(new_run(), 3, 1, usize::MAX);
            for stop in 1..=steps.len() {
                tally.case(|| {
                    let (stopped, _) = train(new_run(), 3, 2, stop);
                    let (resumed, _) = train(stopped, 3, 3, usize::MAX);
                    let is_same = resumed == expected;
                    ensure(is_same, || Failure::torn(format!("{config:?}: stopped after {stop}")))
                });
            }
        }
    }
    tally.finish();
}

/// Accumulated batches are equivalent to one large batch.
#[test]
fn accumulated_batches_equal_a_large_one() {
    let run = |batch_size, accumulation| {
        let config = RunConfig { batch_size, accumulation, ..RunConfig::default() };
        whole(start(&mlp(), sgd(0.1), config), 1)
    };
    let ((large, large_state), (small, small_state)) = (run(60, 1), run(20, 3));
    assert_eq!(large_state.optimizer.step(), 4);
    assert_eq!(small_state.optimizer.step(), 4);
    let difference = large.params().iter().zip(small.params()).map(|(a, b)| (a - b).abs());
    assert!(difference.fold(0.0, f32::max) < 1e-6);
    // Without accumulation, small batches take more steps.
    assert_ne!(run(20, 1).1.optimizer.step(), 4);
}

#[test]
fn class_weights_equal_sample_weights() {
    let data = Data::new();
    let (samples, _) = data.split();
    let of_class = [0.0, 1.0, 2.0, 0.5];
    let of_sample: Vec<f32> =
        data.labels[..N_SAMPLES].iter().map(|&label| of_class[label as usize]).collect();
    let run = |class_weights: &[f32], samples: &Samples<'_>| {
        let config = RunConfig { class_weights: class_weights.to_vec(), ..RunConfig::default() };
        let (model, state) = start(&mlp(), sgd(0.1), config);
        let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
        trainer.train_epoch(samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
        (trainer.model().params().to_vec(), trainer.state().history[0].train)
    };
    let by_class = run(&of_class, &samples);
    assert_eq!(by_class, run(&[], &samples.weighted(&of_sample).unwrap()));
    assert_ne!(by_class, run(&[], &samples));
    assert!(matches!(samples.weighted(&of_sample[1..]), Err(Error::Samples { .. })));
}

/// One-hot targets give the same run as class labels, also with class weights, and the same confusion matrix.
#[test]
fn one_hot_targets_equal_class_labels() {
    let data = Data::new();
    let Data { bytes, labels } = &data;
    let one_hot: Vec<f32> = labels
        .iter()
        .flat_map(|&label| {
            (0..CLASSES as u32).map(move |class| f32::from(u8::from(class == label)))
        })
        .collect();
    let features = Features::Bytes { data: bytes, scaling: Default::default() };
    let numbers = Samples::of_numbers(features, N_FEATURES, &one_hot, CLASSES, 0.0).unwrap();
    let classes = Samples::new(features, N_FEATURES, labels).unwrap();
    let run = |samples: &Samples<'_>| {
        let class_weights = vec![1.0, 0.25, 2.0, 0.5];
        let config = RunConfig { class_weights, ..RunConfig::default() };
        let (model, state) = start(&mlp(), sgd(0.1), config);
        let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
        trainer.train_epoch(samples, None, &mut |_| ControlFlow::Continue(())).unwrap();
        let (model, _) = trainer.into_parts();
        let evaluation =
            evaluate(&model, samples, EvaluationConfig::default(), &Threads::default()).unwrap();
        (model, evaluation)
    };
    assert_eq!(run(&numbers), run(&classes));
}

#[test]
fn frozen_layers_do_not_change() {
    let config = RunConfig { frozen: vec![true, false, true], ..RunConfig::default() };
    let (before, state) = start(&all_kinds(), adam(), config);
    let (after, _) = whole((before.clone(), state), 1);
    let tensors = before.architecture().tensors().iter();
    for param in tensors.filter(|tensor| !tensor.role.is_statistic()) {
        let range = param.range.clone();
        let has_moved = before.params()[range.clone()] != after.params()[range];
        let learns =
            ["dense1.weights", "dense1.biases", "layer_norm0.scales", "layer_norm0.shifts"];
        assert_eq!(has_moved, learns.contains(&param.name.as_str()), "{}", param.name);
    }
}

/// A step of plain gradient descent is the learning rate times the gradient, so its length shows the clipping.
#[test]
fn clipped_gradients_take_short_steps() {
    let moved = |clip| {
        let config = RunConfig { clip, ..RunConfig::default() };
        let (before, state) = start(&mlp(), sgd(1.0), config);
        let ((after, _), _) = train((before.clone(), state), 1, 2, 1);
        let pairs = before.params().iter().zip(after.params());
        pairs.map(|(a, b)| f64::from(b - a)).collect::<Vec<f64>>()
    };
    let norm = |moved: &[f64]| moved.iter().map(|x| x * x).sum::<f64>().sqrt();
    let largest = |moved: &[f64]| moved.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let free = moved(None);
    assert!(norm(&free) > 0.2 && largest(&free) > 0.02);
    let by_norm = moved(Some(Clip::Norm(0.1)));
    assert!((norm(&by_norm) - 0.1).abs() < 1e-4, "{}", norm(&by_norm));
    let factor = norm(&free) / 0.1;
    assert!(
        free.iter().zip(&by_norm).all(|(a, b)| (a - b * factor).abs() < 1e-4),
        "the direction changed"
    );
    let by_value = moved(Some(Clip::Value(0.01)));
    assert!((largest(&by_value) - 0.01).abs() < 1e-6, "{}", largest(&by_value));
    assert_eq!(moved(Some(Clip::Norm(1e6))), free);
}

/// The average is over the weights after each step, and it is evaluated and used.
#[test]
fn averaged_weights() {
    let decay = 0.9;
    let config = || RunConfig { averaging: Some(decay), ..RunConfig::default() };
    let new_run = || start(&mlp(), sgd(0.1), config());
    let (first, _) = new_run();
    let mut expected: Vec<f64> = first.params().iter().map(|&x| f64::from(x)).collect();
    let n_steps = train(new_run(), 1, 1, usize::MAX).1.len();
    for step in 1..=n_steps {
        let ((model, _), _) = train(new_run(), 1, 1, step);
        let stays = f64::min(decay, step as f64 / (9 + step) as f64);
        for (mean, &param) in expected.iter_mut().zip(model.params()) {
            *mean = stays * *mean + (1.0 - stays) * f64::from(param);
        }
    }
    let (model, state) = whole(new_run(), 1);
    let average = state.average.as_ref().unwrap();
    let difference = average.iter().zip(&expected).map(|(&a, b)| (f64::from(a) - b).abs());
    assert!(difference.fold(0.0, f64::max) < 1e-6);
    let used = state.inference_model(&model).unwrap();
    assert_eq!(used.params(), average.as_slice());
    let data = Data::new();
    let evaluation =
        evaluate(&used, &data.split().1, EvaluationConfig::default(), &Threads::default()).unwrap();
    assert_eq!(state.history[0].validation.unwrap().loss, evaluation.sums.mean_loss());
    assert_eq!(state.into_inference_model(model).unwrap(), used);
}

/// The learning rate is so high that epochs get worse. So the run ends early, and the best epoch is used.
#[test]
fn the_best_epoch_is_used_and_the_run_ends_early() {
    let early_stop = Some(EarlyStop { patience: 3, min_delta: 0.0 });
    let config = RunConfig { keep_best: true, early_stop, ..RunConfig::default() };
    let (model, state) = whole(start(&mlp(), sgd(0.8), config.clone()), 50);
    let best = Monitor::Loss.best_epoch(&state.history).unwrap();
    assert!(state.stops_early() && state.history.len() == best + 4, "{:?}", state.history);
    let ((of_best, _), _) = train(start(&mlp(), sgd(0.8), config), best as u64 + 1, 1, usize::MAX);
    let used = state.inference_model(&model).unwrap();
    assert_eq!(used.params(), of_best.params());
    assert_ne!(model.params(), of_best.params());
    assert_eq!(state.into_inference_model(model).unwrap(), used);
}

/// With all layers frozen, the loss of a step depends only on its samples.
#[test]
fn the_order_of_samples() {
    let losses = |shuffle| {
        let config = RunConfig { frozen: vec![true; 3], shuffle, ..RunConfig::default() };
        let (_, steps) = train(start(&mlp(), adam(), config), 3, 1, usize::MAX);
        let per_epoch = steps.len() / 3;
        steps.chunks(per_epoch).map(|epoch| epoch[0].loss).collect::<Vec<f64>>()
    };
    let once = losses(Shuffle::Once);
    assert!(once.iter().all(|loss| *loss == once[0]), "{once:?}");
    let each = losses(Shuffle::EachEpoch);
    assert!(each[0] == once[0] && each[1] != each[0] && each[2] != each[1], "{each:?}");
}

/// With `tta_flip`, an image and its mirror image give the same result.
#[test]
fn mirror_images_are_evaluated_alike() {
    let data = Data::new();
    let mut flipped = data.bytes.clone();
    flipped.chunks_exact_mut(WIDTH).for_each(<[u8]>::reverse);
    let flipped = Data { bytes: flipped, labels: data.labels.clone() };
    let model = model_of(&mlp());
    let loss = |data: &Data, tta_flip| {
        let config = EvaluationConfig { tta_flip, ..EvaluationConfig::default() };
        evaluate(&model, &data.split().0, config, &Threads::new(2).unwrap())
            .unwrap()
            .sums
            .mean_loss()
    };
    assert!((loss(&data, true) - loss(&flipped, true)).abs() < 1e-7);
    assert!((loss(&data, false) - loss(&flipped, false)).abs() > 1e-3);
}

#[test]
fn regularisation_is_reported_separately() {
    let penalty = Penalty { weights_l2: 0.01, ..Penalty::default() };
    let config = RunConfig { penalties: vec![penalty; 3], ..RunConfig::default() };
    let (model, state) = whole(start(&mlp(), sgd(0.1), config), 2);
    let tensors = model.architecture().tensors().iter();
    let weights = tensors.filter(|tensor| tensor.role == Role::Weight);
    let squares = weights.flat_map(|tensor| &model.params()[tensor.range.clone()]);
    let expected = 0.01 * squares.map(|&x| f64::from(x).powi(2)).sum::<f64>();
    assert!((state.history[1].penalty - expected).abs() < 1e-9);
    let (_, free) = whole(start(&mlp(), sgd(0.1), RunConfig::default()), 1);
    assert_eq!(free.history[0].penalty, 0.0);
}

/// Dropout and batch statistics are only for training. In inference, a prediction does not depend on the other samples.
#[test]
fn inference_does_not_depend_on_the_batch() {
    let config = RunConfig { batch_size: 20, ..RunConfig::default() };
    let (model, _) = whole(start(&all_kinds(), adam(), config), 1);
    let x = scaled_columns(&Data::new());
    let together = model.predict(nn_core::MatrixView::from_slice(&x, N_FEATURES, 8));
    for i in 0..8 {
        let one = &x[i * N_FEATURES..(i + 1) * N_FEATURES];
        let alone = model.predict(nn_core::MatrixView::from_slice(one, N_FEATURES, 1));
        assert!((alone.column(0) - together.column(i)).abs().max() < 1e-6);
    }
    assert!(
        model.statistics().iter().any(|&x| x != 0.0 && x != 1.0),
        "the statistics never changed"
    );
}

/// The first samples, scaled.
fn scaled_columns(data: &Data) -> Vec<f32> {
    let mut x = vec![0.0; 8 * N_FEATURES];
    nn_core::Scaling::default().apply(&data.bytes[..8 * N_FEATURES], &mut x);
    x
}

#[test]
fn invalid_settings_are_refused_by_name() {
    let model = model_of(&mlp());
    let refused = |config: RunConfig| {
        let (optimizer, schedule) = adam();
        TrainingState::new(&model, optimizer, schedule, config).unwrap_err().to_string()
    };
    let base = RunConfig::default;
    let huge = Penalty { biases_l2: f64::INFINITY, ..Penalty::default() };
    for (config, expected) in [
        (RunConfig { batch_size: 0, ..base() }, "batch size"),
        (RunConfig { accumulation: 0, ..base() }, "accumulation"),
        (RunConfig { class_weights: vec![1.0; 3], ..base() }, "class weights"),
        (RunConfig { class_weights: vec![-1.0; 4], ..base() }, "class weight"),
        (RunConfig { penalties: vec![huge; 3], ..base() }, "biases_l2"),
        (RunConfig { penalties: vec![Penalty::default(); 2], ..base() }, "penalties"),
        (RunConfig { frozen: vec![true; 4], ..base() }, "frozen"),
        (RunConfig { clip: Some(Clip::Norm(0.0)), ..base() }, "norm of the gradient"),
        (RunConfig { clip: Some(Clip::Value(f64::NAN)), ..base() }, "limit of the gradient"),
        (RunConfig { averaging: Some(1.0), ..base() }, "decay of the average"),
        (
            RunConfig { early_stop: Some(EarlyStop { patience: 0, min_delta: 0.0 }), ..base() },
            "patience",
        ),
        (RunConfig { loss: Loss::CrossEntropy { smoothing: 1.0 }, ..base() }, "label smoothing"),
        (RunConfig { loss: Loss::BinaryCrossEntropy, ..base() }, "the model's last layer"),
        (
            RunConfig { loss: Loss::MeanSquaredError, class_weights: vec![1.0; 4], ..base() },
            "class weights, one per class: expected 0, found 4",
        ),
    ] {
        let error = refused(config);
        assert!(error.starts_with(expected), "{error}, not {expected}");
    }
}

/// Only images can be augmented.
#[test]
fn samples_of_floats_are_not_images() {
    let augment = Augment { flip: true, ..Augment::default() };
    let (model, state) = start(&mlp(), adam(), RunConfig { augment, ..RunConfig::default() });
    let numbers = vec![0.0; N_FEATURES];
    let samples = Samples::new(Features::Floats(&numbers), N_FEATURES, &[0]).unwrap();
    let mut trainer = Trainer::new(model, state, &Threads::default()).unwrap();
    let result = trainer.train_epoch(&samples, None, &mut |_| ControlFlow::Continue(()));
    assert_eq!(result, Err(Error::NoImages { n_features: N_FEATURES }));
    assert!(samples.as_images(IMAGE).is_err());
}
