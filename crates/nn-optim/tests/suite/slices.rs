use nn_optim::{Optimizer, OptimizerConfig, average, clip_by_value, norm_factor};

use crate::wave;

#[track_caller]
fn close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (&found, &expected) in found.iter().zip(expected) {
        let difference = (f64::from(found) - expected).abs();
        assert!(difference <= 1e-6 * expected.abs(), "{found}, expected {expected}");
    }
}

/// Numbers from `reference/slices.py`.
#[test]
fn pytorch() {
    let mut lines = include_str!("../reference/slices.txt").lines().map(|line| {
        let (name, numbers) = line.split_once(' ').unwrap();
        (name, numbers.split(' ').map(|x| x.parse().unwrap()).collect::<Vec<f64>>())
    });
    let ("gradient", gradient) = lines.next().unwrap() else { panic!() };
    let gradient: Vec<f32> = gradient.iter().map(|&g| g as f32).collect();
    let mut mean = [1.0, -2.0, 0.75];
    let mut names = Vec::new();
    for (name, numbers) in lines {
        match name {
            "value" => {
                let mut clipped = gradient.clone();
                clip_by_value(&mut clipped, numbers[0] as f32);
                close(&clipped, &numbers[1..]);
            }
            "norm" => {
                let sum_of_squares = gradient.iter().map(|&g| f64::from(g).powi(2)).sum();
                let factor = norm_factor(sum_of_squares, numbers[0]);
                let clipped: Vec<f32> = gradient.iter().map(|&g| factor * g).collect();
                close(&clipped, &numbers[1..]);
            }
            "average" => {
                let params: Vec<f32> = numbers[..3].iter().map(|&x| x as f32).collect();
                average(&mut mean, &params, 0.9);
                close(&mean, &numbers[3..]);
            }
            other => panic!("no function {other}"),
        }
        names.push(name);
    }
    names.dedup();
    assert_eq!(names, ["value", "norm", "average"]);
}

/// Every element is processed, including those after the last whole vector.
#[test]
fn every_element() {
    let (mut clipped, mut mean, params) = (wave(0.0), wave(1.0), wave(2.0));
    clip_by_value(&mut clipped, 0.5);
    average(&mut mean, &params, 0.75);
    for i in 0..clipped.len() {
        assert_eq!(clipped[i], wave(0.0)[i].clamp(-0.5, 0.5));
        assert_eq!(mean[i], 0.75 * wave(1.0)[i] + 0.25 * params[i]);
    }
}

/// NaN is not clipped, so that the check of the step notices it.
#[test]
fn nan_stays_nan() {
    let mut gradient = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN, 0.25];
    clip_by_value(&mut gradient, 1.0);
    assert!(gradient[0].is_nan() && gradient[3].is_nan());
    assert_eq!([gradient[1], gradient[2], gradient[4]], [1.0, -1.0, 0.25]);
    assert!(norm_factor(f64::NAN, 1.0).is_nan());
    assert_eq!(norm_factor(f64::INFINITY, 1.0), 0.0);
    assert_eq!(norm_factor(0.0, 1e-9), 1e-3);
    assert_eq!(norm_factor(0.0, 1.0), 1.0);
}

/// If all weights become 0, their average falls to 0 without becoming denormal.
#[test]
fn an_average_is_never_denormal() {
    let mut mean = [1.0];
    for _ in 0..2000 {
        average(&mut mean, &[0.0], 0.9);
        assert!(!mean[0].is_subnormal());
    }
    assert_eq!(mean, [0.0]);
}

#[test]
#[should_panic(expected = "parameters: expected a split at 3 or before, found 4")]
fn an_update_is_split_within_its_parameters() {
    let mut optimizer = Optimizer::new(OptimizerConfig::default(), 3).unwrap();
    let _ = optimizer.begin_step(0.1).split_at(4);
}

#[test]
#[should_panic(expected = "lengths of an update")]
fn an_average_of_another_length() {
    average(&mut [0.0; 3], &[0.0; 4], 0.9);
}
