use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use nn_core::{
    Activation, Architecture, BatchNorm, Init, Layer, Loss, Model, Penalty, Scaling, Shape,
};
use nn_io::{Checkpoint, CheckpointRef, InputSpec, ModelInfo};
use nn_optim::{Decay, OptimizerConfig, Schedule};
use nn_train::{
    Augment, Clip, EarlyStop, Features, Monitor, RunConfig, Samples, Shuffle, Step, Threads,
    Trainer, TrainingState,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use tally::{Failure, Tally, ensure, size};

use crate::fixture;
use crate::random::try_all;

const WIDTH: usize = 4;
const PIXELS: usize = 4 * 3;
const CLASSES: usize = 3;
const N_SAMPLES: usize = 32;
const N_VALIDATION: usize = 8;
const EPOCHS: u64 = 3;

/// A run, and when it is stopped.
#[derive(Clone, Debug)]
struct Run {
    architecture: Architecture,
    optimizer: OptimizerConfig,
    schedule: Schedule,
    config: RunConfig,
    validates: bool,
    /// The step, in 64ths of all steps; `None` for the end of the first epoch.
    stop: Option<u64>,
    /// The numbers of threads before and after the stop.
    threads: (usize, usize),
}

/// Layers that can be trained with the learning rates below.
fn layer() -> impl Strategy<Value = Layer> {
    let activation = Layer::Activation;
    prop_oneof![
        1 => Just(Layer::RELU),
        1 => Just(activation(Activation::LeakyRelu { slope: 0.1 })),
        1 => Just(activation(Activation::Elu { alpha: 0.7 })),
        1 => Just(activation(Activation::Sigmoid)),
        1 => Just(activation(Activation::Tanh)),
        1 => Just(activation(Activation::Gelu)),
        1 => Just(activation(Activation::Silu)),
        1 => Just(activation(Activation::Linear)),
        1 => Just(Layer::SOFTMAX),
        1 => Just(Layer::LAYER_NORM),
        // Layers with random draws or a state of their own.
        2 => (0.1..0.6).prop_map(Layer::dropout),
        4 => (0.1..1.0)
            .prop_map(|momentum| Layer::BatchNorm(BatchNorm { momentum, epsilon: 1e-3 })),
    ]
}

/// One to three dense layers, with up to three layers after each except the last, and a last layer that some loss
/// needs.
fn architecture() -> impl Strategy<Value = Architecture> {
    let end = [
        Layer::SOFTMAX,
        Layer::Activation(Activation::Sigmoid),
        Layer::Activation(Activation::Linear),
    ];
    (vec((2..9usize, vec(layer(), 0..4)), 0..3), select(end.to_vec())).prop_map(|(groups, end)| {
        let mut layers = Vec::new();
        for (outputs, others) in groups {
            layers.push(Layer::dense(outputs));
            layers.extend(others);
        }
        layers.extend([Layer::dense(CLASSES), end]);
        Architecture::new(PIXELS, &layers).unwrap()
    })
}

/// Every kind of schedule. The run reaches the end of some of them.
fn schedule() -> impl Strategy<Value = Schedule> {
    let factor = || 0.5..0.99;
    let decay = prop_oneof![
        Just(Decay::Constant),
        Just(Decay::InverseTime { decay: 0.1 }),
        (1..4u64, factor()).prop_map(|(every, factor)| Decay::Step { every, factor }),
        (1..4u64, factor()).prop_map(|(every, factor)| Decay::Exponential { every, factor }),
        (1..20u64).prop_map(|steps| Decay::Cosine { steps, minimum: 1e-5 }),
        (1..20u64).prop_map(|steps| Decay::OneCycle { steps }),
        // With 1, no epoch is better.
        select(vec![0.0, 1.0])
            .prop_map(|min_delta| { Decay::Plateau { factor: 0.5, patience: 0, min_delta } }),
    ];
    (1e-3..2e-2, 0..4u64, decay).prop_map(|(learning_rate, warmup, decay)| {
        let warmup = if matches!(decay, Decay::OneCycle { .. }) { 0 } else { warmup };
        Schedule { learning_rate, warmup, decay }
    })
}

fn config(architecture: &Architecture) -> impl Strategy<Value = RunConfig> + use<> {
    let n_dense = architecture.weighted_layers().count();
    let last = architecture.last().layer;
    let losses = [
        Loss::default(),
        Loss::CrossEntropy { smoothing: 0.1 },
        Loss::Focal { gamma: 2.0 },
        Loss::BinaryCrossEntropy,
        Loss::MeanSquaredError,
        Loss::MeanAbsoluteError,
        Loss::Huber { delta: 0.5 },
    ];
    let losses: Vec<Loss> = losses.into_iter().filter(|loss| loss.check(last).is_ok()).collect();
    let clip = prop_oneof![(1e-3..1.0).prop_map(Clip::Value), (1e-3..1.0).prop_map(Clip::Norm)];
    let up_to = |most: f64| prop_oneof![Just(0.0), 0.0..most];
    let reals = (up_to(180.0), up_to(0.9), up_to(0.9), up_to(50.0));
    let augment = (any::<bool>(), 0..3usize, 0..3usize, reals).prop_map(
        |(flip, shift, cutout, (rotate, zoom, tone, noise))| Augment {
            flip,
            shift,
            rotate,
            zoom,
            tone,
            noise,
            cutout,
        },
    );
    let penalty = (0.0..1e-3, 0.0..1e-3).prop_map(|(weights_l2, biases_l1)| Penalty {
        weights_l2,
        biases_l1,
        ..Penalty::default()
    });
    let lists = (
        prop_oneof![Just(Vec::new()), vec(0.2f32..2.0, CLASSES)],
        prop_oneof![Just(Vec::new()), vec(penalty, n_dense)],
        prop_oneof![Just(Vec::new()), vec(any::<bool>(), n_dense)],
    );
    // With 1, no epoch is better.
    let early_stop =
        select(vec![0.0, 1.0]).prop_map(|min_delta| EarlyStop { patience: 1, min_delta });
    let counts = (any::<u64>(), 3..20usize, 1..4usize);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (counts, flags, select(losses), lists, (of(clip), augment, of(0.5..0.99), of(early_stop)))
        .prop_map(|(counts, flags, loss, lists, (clip, augment, averaging, early_stop))| {
            let (seed, batch_size, accumulation) = counts;
            let (once, accuracy, keep_best, mirror) = flags;
            let (class_weights, penalties, frozen) = lists;
            // Other losses have no classes.
            let class_weights = if loss.is_categorical() { class_weights } else { Vec::new() };
            RunConfig {
                seed,
                batch_size,
                accumulation,
                shuffle: if once { Shuffle::Once } else { Shuffle::EachEpoch },
                loss,
                class_weights,
                penalties,
                frozen,
                clip,
                augment,
                averaging,
                monitor: if accuracy { Monitor::Accuracy } else { Monitor::Loss },
                keep_best,
                early_stop,
                tta_flip: mirror,
                ..RunConfig::default()
            }
        })
}

fn runs() -> impl Strategy<Value = Run> {
    let optimizers = select(fixture::optimizers().to_vec());
    let threads = (1..4usize, 1..4usize);
    architecture().prop_flat_map(move |architecture| {
        let stop = prop_oneof![9 => (0..64u64).prop_map(Some), 1 => Just(None)];
        let config = config(&architecture);
        (optimizers.clone(), schedule(), config, any::<bool>(), stop, threads.clone()).prop_map(
            move |(optimizer, schedule, config, validates, stop, threads)| {
                let architecture = architecture.clone();
                Run { architecture, optimizer, schedule, config, validates, stop, threads }
            },
        )
    })
}

/// Images with many black pixels, and their targets.
struct Data {
    bytes: Vec<u8>,
    labels: Vec<u32>,
    numbers: Vec<f32>,
}

impl Data {
    fn new() -> Self {
        let n = N_SAMPLES + N_VALIDATION;
        let byte = |i: usize| if i % 5 < 2 { 0 } else { (i * i % 251) as u8 };
        let labels: Vec<u32> = (0..n as u32).map(|i| i * i % 7 % CLASSES as u32).collect();
        let one_hot = |label: u32| (0..CLASSES as u32).map(move |it| f32::from(it == label));
        let numbers = labels.iter().copied().flat_map(one_hot).collect();
        Self { bytes: (0..n * PIXELS).map(byte).collect(), labels, numbers }
    }

    fn samples(&self, loss: Loss) -> (Samples<'_>, Samples<'_>) {
        let features = Features::Bytes { data: &self.bytes, scaling: Scaling::default() };
        let samples = match loss.predictions(CLASSES) {
            1 => Samples::new(features, PIXELS, &self.labels),
            _ => Samples::of_numbers(features, PIXELS, &self.numbers, CLASSES, 0.5),
        };
        let image = Shape::image(PIXELS / WIDTH, WIDTH);
        samples.unwrap().as_images(image).unwrap().split_at(N_SAMPLES)
    }
}

/// When training ends: after all epochs or early, after a step, or after the first epoch.
#[derive(Clone, Copy)]
enum End {
    OfAll,
    Step(u64),
    FirstEpoch,
}

impl Run {
    fn info(&self) -> ModelInfo {
        let images = fixture::images(WIDTH, PIXELS / WIDTH, Scaling::default());
        ModelInfo {
            input: InputSpec { mirror: self.config.tta_flip, ..images },
            class_names: (0..CLASSES).map(|class| format!("class {class}")).collect(),
            ..fixture::checkpoint().info
        }
    }

    fn start(&self) -> (Model, TrainingState) {
        let model = Model::new(self.architecture.clone(), Init::He, self.config.seed);
        let Run { optimizer, schedule, config, .. } = self.clone();
        let state = TrainingState::new(&model, optimizer, schedule, config).unwrap();
        (model, state)
    }

    /// The number of steps in all epochs.
    fn n_steps(&self) -> u64 {
        EPOCHS * N_SAMPLES.div_ceil(self.config.step_len()) as u64
    }

    /// Trains until `end`. Returns the bytes of the file at the end, or the error that ended the run.
    fn train(
        &self,
        (model, state): (Model, TrainingState),
        threads: usize,
        end: End,
    ) -> Result<Vec<u8>, nn_train::Error> {
        let data = Data::new();
        let (train, validation) = data.samples(self.config.loss);
        let mut trainer = Trainer::new(model, state, &Threads::new(threads)?)?;
        let mut step = trainer.state().optimizer.step();
        let is_over = |state: &TrainingState| match end {
            End::OfAll => state.progress.epoch == EPOCHS || state.stops_early(),
            End::Step(last) => state.optimizer.step() >= last || state.stops_early(),
            End::FirstEpoch => state.progress.epoch == 1,
        };
        while !is_over(trainer.state()) {
            let mut observer = |_: Step<'_>| {
                step += 1;
                match end {
                    End::Step(last) if step == last => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            };
            let validation = self.validates.then_some(&validation);
            trainer.train_epoch(&train, validation, &mut observer)?;
        }
        let (model, info, state) = (trainer.model(), self.info(), trainer.state());
        let view = CheckpointRef { model, info: &info, training: Some(state) };
        Ok(view.to_bytes().unwrap_or_else(|error| panic!("{error}")))
    }

    /// Checks that a run that is stopped, saved, loaded and resumed ends with the same bytes as an uninterrupted run.
    fn check(&self) -> Result<(), Failure> {
        let (before, after) = self.threads;
        let whole = self.train(self.start(), before, End::OfAll);
        let end = match self.stop {
            Some(share) => End::Step(share * self.n_steps() / 64),
            None => End::FirstEpoch,
        };
        let resumed = self.train(self.start(), before, end).and_then(|bytes| {
            let Checkpoint { model, training, .. } = Checkpoint::from_bytes(&bytes).unwrap();
            self.train((model, training.unwrap()), after, End::OfAll)
        });
        ensure(whole == resumed, || Failure::torn(format!("other bytes: {self:?}")))
    }

    /// The names of all layers and settings of the run.
    fn parts(&self) -> Vec<&'static str> {
        let Run { architecture, optimizer, schedule, config, .. } = self;
        let mut parts: Vec<_> = architecture.layers().iter().map(|at| at.layer.name()).collect();
        parts.extend([optimizer.name(), schedule.decay.name(), config.loss.name()]);
        for (name, has) in [
            ("accumulation", config.accumulation > 1),
            ("shuffle", config.shuffle == Shuffle::Once),
            ("class weights", !config.class_weights.is_empty()),
            ("penalties", !config.penalties.is_empty()),
            ("frozen", config.frozen.contains(&true)),
            ("clip by value", matches!(config.clip, Some(Clip::Value(_)))),
            ("clip by norm", matches!(config.clip, Some(Clip::Norm(_)))),
            ("flips", config.augment.flip),
            ("shifts", config.augment.shift > 0),
            ("rotations", config.augment.rotate > 0.0),
            ("zooms", config.augment.zoom > 0.0),
            ("tones", config.augment.tone > 0.0),
            ("noise", config.augment.noise > 0.0),
            ("cutouts", config.augment.cutout > 0),
            ("averaging", config.averaging.is_some()),
            ("monitor", config.monitor == Monitor::Accuracy),
            ("best", config.keep_best),
            ("early stop", config.early_stop.is_some()),
            ("mirror", config.tta_flip),
        ] {
            parts.extend(has.then_some(name));
        }
        parts
    }
}

/// Runs are stopped, saved to a file, and resumed with another number of threads.
#[test]
fn any_run() {
    let tally = Tally::new("C9", "random runs of all layers and settings, stopped anywhere");
    let seen = RefCell::new(BTreeSet::new());
    try_all(tally, size(128, 5_000), &runs(), |run| {
        seen.borrow_mut().extend(run.parts());
        run.check()
    });
    // 13 kinds of layers, 5 optimizers, 7 schedules, 6 losses, 19 settings.
    let seen = seen.into_inner();
    assert_eq!(seen.len(), 13 + 5 + 7 + 6 + 19, "{seen:?}");
}
