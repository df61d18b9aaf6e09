use nn_core::{Architecture, Arithmetic, Buffer, Init, Layer, Loss, LossSum, Penalty};
use nn_optim::{Adagrad, Adam, AdamW, Decay, Optimizer, OptimizerConfig, RmsProp, Schedule, Sgd};
use nn_train::{
    Augment, Best, Clip, EarlyStop, EpochRecord, HeldOut, Metrics, Monitor, Progress, RunConfig,
    Shuffle, TrainingState,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::network::statistics;
use super::{finite, real};
use crate::fixture;

fn metrics() -> impl Strategy<Value = Metrics> {
    (real(), 0.0..=1.0).prop_map(|(loss, accuracy)| Metrics { loss, accuracy })
}

fn record() -> impl Strategy<Value = EpochRecord> {
    let penalty = prop_oneof![Just(0.0), real().prop_map(f64::abs)];
    (metrics(), of(metrics()), penalty, real()).prop_map(
        |(train, validation, penalty, learning_rate)| EpochRecord {
            train,
            validation,
            penalty,
            learning_rate,
        },
    )
}

/// Any optimizer with settings within their ranges.
fn optimizer_config() -> impl Strategy<Value = OptimizerConfig> {
    let (share, epsilon) = (|| 0.0..1.0, || 1e-40..1e3);
    let adam = (share(), share(), epsilon(), any::<bool>())
        .prop_map(|(beta_1, beta_2, epsilon, amsgrad)| Adam { beta_1, beta_2, epsilon, amsgrad });
    // Nesterov's variant needs a momentum.
    let sgd = (prop_oneof![Just(0.0), 1e-300..1.0], any::<bool>())
        .prop_map(|(momentum, nesterov)| Sgd { momentum, nesterov: nesterov && momentum > 0.0 });
    let weight_decay = real().prop_map(f64::abs);
    prop_oneof![
        adam.clone().prop_map(OptimizerConfig::Adam),
        (adam, weight_decay).prop_map(|(adam, weight_decay)| {
            OptimizerConfig::AdamW(AdamW { adam, weight_decay })
        }),
        (share(), epsilon())
            .prop_map(|(rho, epsilon)| OptimizerConfig::RmsProp(RmsProp { rho, epsilon })),
        epsilon().prop_map(|epsilon| OptimizerConfig::Adagrad(Adagrad { epsilon })),
        sgd.prop_map(OptimizerConfig::Sgd),
    ]
}

fn optimizer(n: usize) -> impl Strategy<Value = Optimizer> {
    let moments = vec(vec(finite(), n), 3);
    (optimizer_config(), moments, 0..=1u64 << 53).prop_map(move |(config, values, step)| {
        let moments = config.moments().iter().zip(values).map(|(moment, values)| {
            let value = |i: f32| values[i as usize];
            match moment.of_squares {
                true => fixture::buffer(n, |i| value(i).abs()),
                false => fixture::buffer(n, value),
            }
        });
        Optimizer::from_parts(config, step, moments.collect()).unwrap()
    })
}

/// Any schedule with settings within their ranges.
fn schedule() -> impl Strategy<Value = Schedule> {
    let rate = proptest::num::f64::POSITIVE | proptest::num::f64::NORMAL;
    let (not_negative, factor) = (|| real().prop_map(f64::abs), || 1e-300..1.0);
    let steps = || 1..=u64::MAX;
    let warmup = prop_oneof![Just(0), any::<u64>()];
    (rate, warmup).prop_flat_map(move |(learning_rate, warmup)| {
        let decays = prop_oneof![
            Just(Decay::Constant),
            not_negative().prop_map(|decay| Decay::InverseTime { decay }),
            (steps(), factor()).prop_map(|(every, factor)| Decay::Step { every, factor }),
            (prop_oneof![Just(1), steps()], factor())
                .prop_map(|(every, factor)| Decay::Exponential { every, factor }),
            (steps(), 0.0..=1.0).prop_map(move |(steps, share)| {
                Decay::Cosine { steps, minimum: share * learning_rate }
            }),
            steps().prop_map(|steps| Decay::OneCycle { steps }),
            (factor(), any::<u64>(), not_negative()).prop_map(|(factor, patience, min_delta)| {
                Decay::Plateau { factor, patience, min_delta }
            }),
        ];
        decays.prop_map(move |decay| {
            let warmup = if matches!(decay, Decay::OneCycle { .. }) { 0 } else { warmup };
            Schedule { learning_rate, warmup, decay }
        })
    })
}

/// Any loss with which a network that ends in this layer can be trained.
fn loss(last: Layer) -> impl Strategy<Value = Loss> {
    let losses = prop_oneof![
        Just(Loss::default()),
        (0.0..1.0).prop_map(|smoothing| Loss::CrossEntropy { smoothing }),
        real().prop_map(|gamma| Loss::Focal { gamma: gamma.abs() }),
        Just(Loss::BinaryCrossEntropy),
        Just(Loss::MeanSquaredError),
        Just(Loss::MeanAbsoluteError),
        (1e-30..1e30).prop_map(|delta| Loss::Huber { delta }),
    ];
    let fits = move |loss: &Loss| loss.check(last).is_ok();
    losses.prop_map(move |loss| {
        let others = [Loss::default(), Loss::BinaryCrossEntropy, Loss::MeanSquaredError];
        [loss].into_iter().chain(others).find(fits).unwrap()
    })
}

fn penalty() -> impl Strategy<Value = Penalty> {
    let factor = || prop_oneof![Just(0.0), 1e-300..1e6];
    (factor(), factor(), factor(), factor()).prop_map(
        |(weights_l1, weights_l2, biases_l1, biases_l2)| Penalty {
            weights_l1,
            weights_l2,
            biases_l1,
            biases_l2,
        },
    )
}

/// A list of `n` elements, or an empty list.
fn list<T: Clone + std::fmt::Debug>(
    element: impl Strategy<Value = T>,
    n: usize,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![Just(Vec::new()), vec(element, n)]
}

/// Any settings of a run of this architecture, within their ranges. Each sometimes has its default.
fn config(architecture: &Architecture, mirror: bool) -> impl Strategy<Value = RunConfig> + use<> {
    let (outputs, last) = (architecture.output().len(), architecture.last().layer);
    let n_dense = architecture.weighted_layers().count();
    let limit = || 1e-30..1e30;
    let clip = prop_oneof![limit().prop_map(Clip::Value), limit().prop_map(Clip::Norm)];
    let pixels = || prop_oneof![Just(0), 0..=1usize << 24];
    let up_to = |most: f64| prop_oneof![Just(0.0), 1e-300..most];
    let reals = (up_to(180.0), up_to(0.9), up_to(0.9), up_to(255.0));
    // Boxed, because the strategies of a whole run would not fit on a test's stack.
    let augment = (any::<bool>(), pixels(), pixels(), reals)
        .prop_map(|(flip, shift, cutout, (rotate, zoom, tone, noise))| Augment {
            flip,
            shift,
            rotate,
            zoom,
            tone,
            noise,
            cutout,
        })
        .boxed();
    let early_stop = (1..=u64::MAX, real())
        .prop_map(|(patience, delta)| EarlyStop { patience, min_delta: delta.abs() });
    let counts = (any::<u64>(), 1..=usize::MAX, prop_oneof![Just(1), 1..=usize::MAX]);
    let arithmetic = select(&Arithmetic::ALL[..]);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        select(&Init::ALL[..]),
        arithmetic,
        select(vec![HeldOut::Last, HeldOut::Stratified]),
    );
    let lists = (
        list(finite().prop_map(f32::abs), outputs),
        list(penalty(), n_dense),
        list(any::<bool>(), n_dense),
    );
    let averaging = of(0.0..0.999_999);
    (counts, flags, loss(last), lists, (of(clip), augment, averaging, of(early_stop))).prop_map(
        move |(counts, flags, loss, lists, (clip, augment, averaging, early_stop))| {
            let (seed, batch_size, accumulation) = counts;
            let (once, accuracy, keep_best, validates_on_test, init, arithmetic, held_out) = flags;
            let (class_weights, penalties, frozen) = lists;
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
                init,
                validates_on_test,
                arithmetic,
                held_out,
            }
        },
    )
}

/// Any state of a run of this architecture.
pub(super) fn training(
    architecture: &Architecture,
    mirror: bool,
) -> impl Strategy<Value = TrainingState> + use<> {
    let (n, outputs) = (architecture.n_params(), architecture.output().len());
    let sums = (real(), any::<u32>(), any::<u32>());
    let batch = u64::from(u32::MAX)..=u64::MAX;
    let copies = vec(vec(finite(), n), 2);
    (
        (optimizer(n), schedule(), config(architecture, mirror)),
        (batch, sums, vec(record(), 0..4)),
        (copies, statistics(architecture)),
    )
        .prop_map(move |(settings, (batch, sums, mut history), (copies, statistics))| {
            let (optimizer, schedule, config) = settings;
            let predictions = config.loss.predictions(outputs) as u64;
            let (loss, a, b) = sums;
            let n_samples = u64::from(a.max(b));
            let correct = u64::from(a.min(b)) * predictions;
            let n_predictions = n_samples * predictions;
            let sums = LossSum { loss, correct, n_samples, n_predictions };
            let progress = Progress { epoch: history.len() as u64, batch, sums };
            if config.penalties.is_empty() {
                history.iter_mut().for_each(|record| record.penalty = 0.0);
            }
            let copy = |i: usize| -> Buffer { fixture::buffer(n, |at| copies[i][at as usize]) };
            let average = config.averaging.map(|_| copy(0));
            let keeps_best = config.keep_best && !history.is_empty();
            let best = keeps_best.then(|| Best { params: copy(1), statistics });
            TrainingState { optimizer, schedule, config, progress, history, average, best }
        })
}
