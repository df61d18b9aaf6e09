/// Random networks of every kind of layer, and their descriptions.
mod network;

/// Random runs of these: any optimizer, schedule, settings and progress.
mod run;

use std::cell::RefCell;
use std::fmt::Debug;

use nn_core::Shape;
use nn_io::Checkpoint;
use nn_optim::Optimizer;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tally::{Failure, Tally, ensure, size};

use crate::fixture::{self, seal, stable};

/// Tries random values, which are the same in each run of the test, and counts them. If some fail, prints the simplest
/// one that it finds.
pub(crate) fn try_all<S: Strategy<Value: Debug>>(
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

/// Any finite float, including zeros of both signs and subnormal numbers.
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

/// Any small network, with or without a run of it.
fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    let shapes = (1..5usize, 1..4usize, proptest::sample::select(vec![1, 3]));
    let networks = shapes.prop_flat_map(|(width, height, channels)| {
        let shape = Shape { height, width, channels };
        (Just(shape), network::architecture(shape.len()))
    });
    networks.prop_flat_map(|(shape, architecture)| {
        let info = network::info(shape, architecture.output().len());
        (network::model(architecture), info).prop_flat_map(|(model, info)| {
            let training = run::training(model.architecture(), info.input.mirror);
            proptest::option::of(training).prop_map(move |training| Checkpoint {
                model: model.clone(),
                info: info.clone(),
                training,
            })
        })
    })
}

/// The bits of all floats of the tensors. Equal floats can have different bits.
fn bits(checkpoint: &Checkpoint) -> Vec<u32> {
    let mut tensors = vec![checkpoint.model.params(), checkpoint.model.statistics()];
    if let Some(training) = &checkpoint.training {
        tensors.extend(training.optimizer.moments().iter().map(|it| it.as_slice()));
        tensors.extend(training.average.as_deref());
        tensors.extend(training.best.iter().flat_map(|it| [&it.params[..], &it.statistics[..]]));
    }
    tensors.concat().iter().map(|x| x.to_bits()).collect()
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
        Tally::new("A11", "numbers: every finite float is kept, including -0.0 and subnormal ones");
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
    /// A copy of the bytes at one place, inserted at another.
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

/// Changes by someone who knows the format: the header always agrees with the changed bytes.
#[test]
fn changes() {
    let tally =
        Tally::new("A3", "any byte, checksums correct: random changes to files of random models");
    let changes = vec((any::<bool>(), change()), 1..4);
    let strategy =
        (checkpoint(), changes, prop_oneof![8 => Just(0u8), 1 => Just(1u8), 1 => Just(2u8)]);
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
