use std::cell::RefCell;
use std::fmt::Debug;

use nn_core::{LayerSpec, LossSum, Model};
use nn_io::{Checkpoint, DatasetId, InputSpec, ModelInfo};
use nn_optim::{
    AdagradConfig, AdamConfig, AdamWConfig, Decay, Optimizer, OptimizerConfig, RmsPropConfig,
    Schedule, SgdConfig,
};
use nn_train::{EpochRecord, Metrics, Progress, RunConfig, TrainingState};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tally::{Failure, Tally, ensure, size};

use crate::fixture::{self, seal, stable};

/// Tries random values, the same in each run, and counts them; of those that fail, it prints the
/// simplest that it finds.
fn try_all<S: Strategy<Value: Debug>>(
    tally: Tally,
    cases: u32,
    strategy: &S,
    check: impl Fn(S::Value) -> Result<(), Failure>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tally = RefCell::new(tally);
    let simplest = TestRunner::new_with_rng(config, rng).run(strategy, |value| {
        let mut outcome = Err(TestCaseError::fail("panicked"));
        tally.borrow_mut().case(|| {
            let result = check(value);
            outcome = match &result {
                Ok(()) => Ok(()),
                Err(failure) => Err(TestCaseError::fail(format!("{failure:?}"))),
            };
            result
        });
        outcome
    });
    match simplest {
        Ok(()) => {}
        Err(TestError::Abort(why)) => panic!("not all cases were tried: {why}"),
        Err(error) => println!("{error}"),
    }
    tally.into_inner().finish();
}

/// Any finite float: zeros of both signs and subnormal ones are among them.
fn finite() -> impl Strategy<Value = f32> {
    use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let special = [0.0, -0.0, f32::MIN_POSITIVE, f32::from_bits(1), -f32::from_bits(1), f32::MAX];
    prop_oneof![
        1 => proptest::sample::select(special.to_vec()),
        4 => POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
    ]
}

fn real() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn metrics() -> impl Strategy<Value = Metrics> {
    (real(), 0.0..=1.0).prop_map(|(loss, accuracy)| Metrics { loss, accuracy })
}

fn record() -> impl Strategy<Value = EpochRecord> {
    (metrics(), proptest::option::of(metrics()), real()).prop_map(
        |(train, validation, learning_rate)| EpochRecord {
            train,
            validation,
            penalty: 0.0,
            learning_rate,
        },
    )
}

/// A name of up to 63 characters, thus 252 bytes at most, that no terminal obeys.
fn name() -> impl Strategy<Value = String> {
    let obeyed = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain = any::<char>().prop_map(move |c| if obeyed(&c) { '鞄' } else { c });
    vec(prop_oneof![proptest::char::range(' ', '~'), plain], 1..=63)
        .prop_map(|chars| chars.into_iter().collect())
}

fn info(width: usize, height: usize, classes: usize) -> impl Strategy<Value = ModelInfo> {
    let std = proptest::num::f32::POSITIVE | proptest::num::f32::NORMAL;
    let input = (finite(), std).prop_map(move |(mean, std)| InputSpec {
        width,
        height,
        mean,
        std,
        mirror: false,
    });
    let digits = vec(proptest::sample::select(b"0123456789abcdef".to_vec()), 64);
    let dataset = (name(), digits)
        .prop_map(|(name, digits)| DatasetId { name, sha256: String::from_utf8(digits).unwrap() });
    (name(), name(), input, vec(name(), classes), dataset, any::<usize>()).prop_map(
        |(producer, instruction_set, input, class_names, dataset, n_validation)| ModelInfo {
            producer,
            instruction_set,
            input,
            class_names,
            dataset,
            n_validation,
        },
    )
}

/// Any optimizer with settings within their ranges.
fn optimizer_config() -> impl Strategy<Value = OptimizerConfig> {
    let (share, epsilon) = (|| 0.0..1.0, || 1e-40..1e3);
    let adam = (share(), share(), epsilon(), any::<bool>()).prop_map(
        |(beta_1, beta_2, epsilon, amsgrad)| AdamConfig { beta_1, beta_2, epsilon, amsgrad },
    );
    // Without momentum there is none of Nesterov's.
    let sgd =
        (prop_oneof![Just(0.0), 1e-300..1.0], any::<bool>()).prop_map(|(momentum, nesterov)| {
            SgdConfig { momentum, nesterov: nesterov && momentum > 0.0 }
        });
    let weight_decay = real().prop_map(f64::abs);
    prop_oneof![
        adam.clone().prop_map(OptimizerConfig::Adam),
        (adam, weight_decay).prop_map(|(adam, weight_decay)| {
            OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay })
        }),
        (share(), epsilon())
            .prop_map(|(rho, epsilon)| OptimizerConfig::RmsProp(RmsPropConfig { rho, epsilon })),
        epsilon().prop_map(|epsilon| OptimizerConfig::Adagrad(AdagradConfig { epsilon })),
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
            factor().prop_map(|factor| Decay::Exponential { factor }),
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

fn training(n: usize) -> impl Strategy<Value = TrainingState> {
    let config = (any::<u64>(), 1..=usize::MAX).prop_map(|(seed, batch_size)| RunConfig {
        seed,
        batch_size,
        ..RunConfig::default()
    });
    let sums = (real(), any::<u32>(), any::<u32>()).prop_map(|(loss, a, b)| LossSum {
        loss,
        correct: a.min(b).into(),
        n_samples: a.max(b).into(),
        n_predictions: a.max(b).into(),
    });
    let batch = u64::from(u32::MAX)..=u64::MAX;
    (optimizer(n), schedule(), config, (batch, sums), vec(record(), 0..4)).prop_map(
        |(optimizer, schedule, config, (batch, sums), history)| {
            let progress = Progress { epoch: history.len() as u64, batch, sums };
            TrainingState {
                optimizer,
                schedule,
                config,
                progress,
                history,
                average: None,
                best: None,
            }
        },
    )
}

/// Any small network: one to four dense layers, with or without what is between and behind them.
fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let sizes = (1..5usize, 1..4usize, vec(1..6usize, 1..=4), vec(0..3u8, 4));
    sizes.prop_flat_map(|(width, height, outputs, behind)| {
        let mut layers = Vec::new();
        let mut inputs = width * height;
        for (&outputs, behind) in outputs.iter().zip(behind) {
            layers.push(LayerSpec::Dense { inputs, outputs });
            layers.extend([LayerSpec::RELU, LayerSpec::Softmax].get(usize::from(behind)));
            inputs = outputs;
        }
        let n = Model::parameter_count(&layers).unwrap();
        let model = vec(finite(), n).prop_map(move |params| {
            Model::from_parts(
                &layers,
                fixture::buffer(n, |i| params[i as usize]),
                nn_core::zeros(0),
            )
            .unwrap()
        });
        (model, info(width, height, inputs), proptest::option::of(training(n)))
            .prop_map(|(model, info, training)| Checkpoint { model, info, training })
    })
}

/// The bits of all floats of the tensors: equal floats may have different ones.
fn bits(checkpoint: &Checkpoint) -> Vec<u32> {
    let optimizer = checkpoint.training.iter().map(|training| &training.optimizer);
    let moments = optimizer.flat_map(|optimizer| optimizer.moments()).flat_map(|it| it.iter());
    checkpoint.model.params().iter().chain(moments).map(|x| x.to_bits()).collect()
}

/// Loading gives what was saved, and saving that gives the same bytes.
fn round_trips(checkpoint: &Checkpoint) -> Result<(), Failure> {
    let bytes = checkpoint.view().to_bytes().map_err(Failure::lost)?;
    let loaded = Checkpoint::from_bytes(&bytes).map_err(Failure::lost)?;
    let same = &loaded == checkpoint && bits(&loaded) == bits(checkpoint);
    ensure(same, || Failure::torn("loaded differently"))?;
    let again = loaded.view().to_bytes().map_err(Failure::lost)?;
    ensure(again == bytes, || Failure::torn("saved differently"))
}

#[test]
fn floats() {
    let tally =
        Tally::new("A11", "numbers: every finite float is kept, -0.0 and subnormal ones too");
    try_all(tally, size(256, 10_000), &(vec(finite(), 46), vec(finite(), 23)), |(floats, v)| {
        let mut checkpoint = fixture::checkpoint();
        let training = checkpoint.training.as_mut().unwrap();
        let m = fixture::buffer(23, |i| floats[23 + i as usize]);
        let v = fixture::buffer(23, |i| v[i as usize].abs());
        training.optimizer = Optimizer::from_parts(Default::default(), 39, vec![m, v]).unwrap();
        for (param, float) in checkpoint.model.params_mut().iter_mut().zip(floats) {
            *param = float;
        }
        round_trips(&checkpoint)
    });
}

#[test]
fn checkpoints() {
    let tally =
        Tally::new("A11", "numbers: random networks, settings, progress and names are kept");
    try_all(tally, size(256, 5_000), &checkpoint(), |checkpoint| round_trips(&checkpoint));
}

/// A change of a file's bytes.
#[derive(Clone, Debug)]
enum Change {
    Byte(usize, u8),
    Cut(usize, usize),
    /// Bytes from one place, once more at another.
    Splice(usize, usize, usize),
    Insert(usize, Vec<u8>),
}

fn change() -> impl Strategy<Value = Change> {
    let short = 1..40usize;
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Change::Byte(at, value)),
        1 => (any::<usize>(), short.clone()).prop_map(|(at, len)| Change::Cut(at, len)),
        1 => (any::<usize>(), any::<usize>(), short)
            .prop_map(|(from, to, len)| Change::Splice(from, to, len)),
        1 => (any::<usize>(), vec(any::<u8>(), 1..9)).prop_map(|(at, new)| Change::Insert(at, new)),
    ]
}

/// Applies a change to a part of a file.
fn apply(part: &mut Vec<u8>, change: Change) {
    let place = |at: usize, part: &[u8]| at % (part.len() + 1);
    match change {
        Change::Byte(at, value) => {
            let at = at % part.len().max(1);
            part.get_mut(at).into_iter().for_each(|byte| *byte = value);
        }
        Change::Cut(at, len) => {
            let at = place(at, part);
            part.drain(at..part.len().min(at + len));
        }
        Change::Splice(from, to, len) => {
            let (from, to) = (place(from, part), place(to, part));
            let copy = part[from..part.len().min(from + len)].to_vec();
            part.splice(to..to, copy);
        }
        Change::Insert(at, new) => {
            let at = place(at, part);
            part.splice(at..at, new);
        }
    }
}

/// Changes by someone who knows the format: the header agrees with what is there, whatever it is.
#[test]
fn changes() {
    let tally =
        Tally::new("A3", "any byte, checksums true: random changes of random models' files");
    let changes = vec((any::<bool>(), change()), 1..4);
    let strategy = (checkpoint(), changes, prop_oneof![9 => Just(0u8), 1 => Just(1u8)]);
    try_all(tally, size(1_000, 20_000), &strategy, |(checkpoint, changes, minor)| {
        let bytes = checkpoint.view().to_bytes().map_err(Failure::lost)?;
        let (header, rest) = bytes.split_at(64);
        let (metadata, tensors) = rest.split_at(fixture::metadata_len(&bytes));
        let (mut metadata, mut tensors) = (metadata.to_vec(), tensors.to_vec());
        for (in_metadata, change) in changes {
            apply(if in_metadata { &mut metadata } else { &mut tensors }, change);
        }
        let mut changed = [header, &metadata, &tensors].concat();
        let len = changed.len() as u64;
        changed[13] = minor;
        changed[23..31].copy_from_slice(&(metadata.len() as u64).to_le_bytes());
        changed[31..39].copy_from_slice(&len.to_le_bytes());
        seal(&mut changed);
        stable(&changed).map(drop)
    });
}
