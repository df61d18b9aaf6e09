//! Adam against the book's formulas, and the promises of its state.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_optim::{Adam, AdamConfig, Buffer, Error, Schedule};

const SCHEDULE: Schedule = Schedule::InverseTime { learning_rate: 0.02, decay: 0.1 };

fn gradient(step: usize) -> [f32; 3] {
    let step = step as f32;
    [0.3 * (step - 2.0), 1e-4 * (step + 1.0), -5.0 / (step + 1.0)]
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (&found, &expected) in found.iter().zip(expected) {
        assert!((f64::from(found) - expected).abs() <= 1e-6 * expected.abs(), "{found} {expected}");
    }
}

/// Numbers from `reference/adam.py`.
#[test]
fn agrees_with_the_book() {
    let mut adam = Adam::new(AdamConfig::default(), 3).unwrap();
    let mut params = [1.0, -2.0, 0.5];
    let expected = [
        [1.019999997, -2.01998002, 0.52],
        [1.036948714, -2.037517694, 0.53694872],
        [1.048958337, -2.053476995, 0.551501362],
        [1.053591835, -2.068247147, 0.564135805],
        [1.051473405, -2.082060662, 0.575205574],
    ];
    for (step, expected) in expected.iter().enumerate() {
        let rate = SCHEDULE.rate_at(adam.step());
        adam.begin_step(rate).apply(&mut params, &gradient(step));
        assert_close(&params, expected);
    }
    assert_close(adam.m(), &[0.025764, 0.000131441, -0.8578]);
    assert_close(adam.v(), &[0.0008982024284703608, 5.495002699200105e-10, 0.036464581143775036]);
}

/// One step of `adam` from `params`, in the parts that `cuts` divide it into.
fn step(adam: &mut Adam, params: &mut [f32], gradient: &[f32], cuts: &[usize]) {
    let mut update = adam.begin_step(0.01);
    let mut done = 0;
    for &cut in cuts {
        let (mut part, rest) = update.split_at(cut - done);
        part.apply(&mut params[done..cut], &gradient[done..cut]);
        (update, done) = (rest, cut);
    }
    update.apply(&mut params[done..], &gradient[done..]);
}

/// A unit that dies has gradients of 0 from then on: its moments fall to 0, and are never denormal on the
/// way, which would slow every later step down.
#[test]
fn moments_of_a_dead_unit_end_at_zero() {
    let config = AdamConfig { beta_2: 0.9, ..AdamConfig::default() };
    let mut adam = Adam::new(config, 1).unwrap();
    let mut params = [1.0];
    adam.begin_step(0.01).apply(&mut params, &[0.5]);
    for _ in 0..2000 {
        adam.begin_step(0.01).apply(&mut params, &[0.0]);
        assert!(!adam.m()[0].is_subnormal() && !adam.v()[0].is_subnormal());
    }
    assert_eq!((adam.m(), adam.v()), ([0.0].as_slice(), [0.0].as_slice()));
}

fn wave(phase: f32) -> Vec<f32> {
    (0..1003).map(|i| (i as f32 * 0.37 + phase).sin()).collect()
}

#[test]
fn parts_give_the_bits_of_the_whole() {
    let mut whole = Adam::new(AdamConfig::default(), 1003).unwrap();
    let mut parts = whole.clone();
    let (mut whole_params, mut parts_params) = (wave(0.0), wave(0.0));
    for phase in [1.0, 2.0, 3.0] {
        step(&mut whole, &mut whole_params, &wave(phase), &[]);
        step(&mut parts, &mut parts_params, &wave(phase), &[1, 17, 600, 601, 1003]);
    }
    assert_eq!(parts, whole);
    assert_eq!(parts_params, whole_params);
}

#[test]
fn a_restored_state_takes_the_same_next_step() {
    let mut adam = Adam::new(AdamConfig::default(), 1003).unwrap();
    let mut params = wave(0.0);
    step(&mut adam, &mut params, &wave(1.0), &[]);
    let buffer = |values| Buffer::from_slice(0, values);
    let (m, v) = (buffer(adam.m()), buffer(adam.v()));
    let mut restored = Adam::from_parts(adam.config(), adam.step(), m.clone(), v.clone()).unwrap();
    let mut forgetful = Adam::from_parts(adam.config(), 0, m, v).unwrap();
    let (mut restored_params, mut forgetful_params) = (params.clone(), params.clone());

    step(&mut adam, &mut params, &wave(2.0), &[]);
    step(&mut restored, &mut restored_params, &wave(2.0), &[]);
    step(&mut forgetful, &mut forgetful_params, &wave(2.0), &[]);
    assert_eq!((restored, restored_params), (adam, params.clone()));
    assert_ne!(forgetful_params, params, "a lost step count must show");
}

#[track_caller]
fn refused(config: AdamConfig, name: &str) {
    let error = Adam::new(config, 1).unwrap_err();
    assert!(error.to_string().starts_with(name), "{error}");
}

#[test]
fn refuses_settings_outside_their_range() {
    let good = AdamConfig::default();
    for bad in [f64::NAN, f64::INFINITY, -0.1, 1.0] {
        refused(AdamConfig { beta_1: bad, ..good }, "beta_1");
        refused(AdamConfig { beta_2: bad, ..good }, "beta_2");
    }
    for bad in [f64::NAN, f64::INFINITY, -1e-7, 0.0, 1e-300] {
        refused(AdamConfig { epsilon: bad, ..good }, "epsilon");
    }
}

#[test]
fn refuses_moments_that_no_training_leaves() {
    let restore = |m: &[f32], v: &[f32]| {
        let (m, v) = (Buffer::from_slice(0, m), Buffer::from_slice(0, v));
        Adam::from_parts(AdamConfig::default(), 1, m, v).map(|_| ())
    };
    assert_eq!(restore(&[0.0, -1.0], &[0.0, 1e-40]), Ok(()));
    let empty = Buffer::new(0);
    let error = Adam::from_parts(AdamConfig::default(), u64::MAX, empty.clone(), empty);
    assert!(error.unwrap_err().to_string().starts_with("Adam's step"));
    assert_eq!(restore(&[0.0], &[]), Err(Error::MomentLengths { m: 1, v: 0 }));
    for (m, v) in
        [([1.0, f32::NAN], [0.0; 2]), ([0.0; 2], [0.0, f32::INFINITY]), ([0.0; 2], [0.0, -1.0])]
    {
        let error = restore(&m, &v).unwrap_err();
        assert!(matches!(error, Error::MomentValue { index: 1, .. }), "{error}");
    }
}
