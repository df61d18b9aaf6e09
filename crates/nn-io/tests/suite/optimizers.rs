use nn_io::Checkpoint;
use nn_optim::{OptimizerConfig, Sgd};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, edited_in, optimizers, pairs, refused, stable, with_float_in};

/// The file with another value for a setting of its optimizer.
fn with_setting(config: OptimizerConfig, setting: &str, value: impl Into<Value>) -> Vec<u8> {
    let path = format!("training.optimizer.{}.{setting}", config.name());
    edited_in(&fixture::bytes_with(config), |metadata| *at(metadata, &path) = value.into())
}

/// Loading gives what was saved, and saving that gives the same bytes.
#[test]
fn round_trips() {
    for config in optimizers() {
        let checkpoint = fixture::checkpoint_with(config);
        let bytes = checkpoint.view().to_bytes().unwrap();
        let loaded = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(loaded, checkpoint);
        assert_eq!(loaded.view().to_bytes().unwrap(), bytes);
        let tensors = 4 + config.moments().len();
        assert_eq!(fixture::tensors(&bytes).len(), tensors, "{config:?}");
    }
}

#[test]
fn settings_outside_their_range() {
    let mut tally = Tally::new("A11", "numbers: settings of each optimizer outside their range");
    let shares = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, 2.0, -0.1, -5e-324];
    // The last is 0 in 32 bits.
    let epsilons = [f64::NAN, f64::INFINITY, 0.0, -0.0, -1e-7, 1e-60];
    let decays = [f64::NAN, f64::INFINITY, -1.0, -5e-324];
    let settings: [(&str, &str, &[f64]); 11] = [
        ("adam", "beta_1", &shares),
        ("adam", "beta_2", &shares),
        ("adam", "epsilon", &epsilons),
        ("adamw", "beta_1", &shares),
        ("adamw", "beta_2", &shares),
        ("adamw", "epsilon", &epsilons),
        ("adamw", "weight_decay", &decays),
        ("rmsprop", "rho", &shares),
        ("rmsprop", "epsilon", &epsilons),
        ("adagrad", "epsilon", &epsilons),
        ("sgd", "momentum", &shares),
    ];
    for config in optimizers() {
        for (_, setting, values) in settings.iter().filter(|(name, ..)| *name == config.name()) {
            for &value in *values {
                let file = with_setting(config, setting, value);
                let expected = format!("training: {setting}: expected");
                tally.case(|| refused(&file, &[&expected, "found"]));
            }
        }
        let steps = with_setting(config, "step", 1u64 << 54);
        tally.case(|| refused(&steps, &["training: ", "at most 2^53, found 18014398509481984"]));
    }
    let plain = OptimizerConfig::Sgd(Sgd::default());
    let file = with_setting(plain, "nesterov", true);
    tally.case(|| refused(&file, &["training: momentum: expected above 0 for Nesterov momentum"]));
    tally.finish();
}

#[test]
fn invalid_moments() {
    let mut tally = Tally::new("A11", "numbers: moments of each optimizer");
    for config in optimizers() {
        for (i, moment) in config.moments().iter().enumerate() {
            let with = |value| with_float_in(fixture::bytes_with(config), 4 + i, 3, value);
            let place = format!("tensor {}, element 3: expected a finite number", moment.name);
            for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                tally.case(|| refused(&with(value), &[&place]));
            }
            for value in [-f32::from_bits(1), -1.0, f32::MIN] {
                match moment.of_squares {
                    true => tally.case(|| refused(&with(value), &[&place, "0 or above"])),
                    false => {
                        tally.case(|| ensure(stable(&with(value))?, || Failure::lost(moment.name)));
                    }
                }
            }
        }
    }
    tally.finish();
}

/// `amsgrad` is left out if it is false, and must not be written as false. Other optimizers do not have it.
#[test]
fn amsgrad_in_another_form() {
    let mut tally =
        Tally::new("A7", "keys: an optional setting as false, or with another optimizer");
    for config in optimizers() {
        let path = format!("training.optimizer.{}", config.name());
        for value in [false, true] {
            let file = edited_in(&fixture::bytes_with(config), |metadata| {
                let map = pairs(at(metadata, &path));
                map.retain(|(key, _)| key.as_str() != Some("amsgrad"));
                map.insert(map.len() - 1, ("amsgrad".into(), value.into()));
            });
            match value && config.moments().len() == 3 {
                true => tally.case(|| ensure(stable(&file)?, || Failure::lost("amsgrad"))),
                false => tally.case(|| refused(&file, &[])),
            }
        }
    }
    tally.finish();
}

/// A change of one of a map's pairs.
type Change = fn(&mut Vec<(Value, Value)>, usize);

/// Each key of an optimizer's map is missing, there twice, or renamed. Each kind has the name of another kind.
#[test]
fn maps_of_another_kind() {
    let mut tally =
        Tally::new("A7", "keys: those of each optimizer missing, twice, or of another kind");
    for config in optimizers() {
        let (bytes, name) = (fixture::bytes_with(config), config.name());
        let path = format!("training.optimizer.{name}");
        let keys = pairs(at(&mut fixture::metadata_of(&bytes), &path)).len();
        for i in 0..keys {
            // If an optional key is missing, its tensor or the header does not match.
            let key = pairs(at(&mut fixture::metadata_of(&bytes), &path))[i].0.to_string();
            let missing = if key.contains("amsgrad") { "expected" } else { "missing field" };
            let removed = edited_in(&bytes, |metadata| drop(pairs(at(metadata, &path)).remove(i)));
            tally.case(|| refused(&removed, &[missing]));
            let renamed = edited_in(&bytes, |metadata| {
                pairs(at(metadata, &path))[i].0 = "warm_up".into();
            });
            tally.case(|| refused(&renamed, &["(metadata)"]));
            let mut check = |change: Change, expected: &str| {
                let file = edited_in(&bytes, |metadata| change(pairs(at(metadata, &path)), i));
                tally.case(|| refused(&file, &["(metadata)", expected]));
            };
            check(|map, i| map.push(map[i].clone()), "duplicate field");
            check(|map, i| map[i].1 = Value::Nil, "before here");
            check(|map, i| map[i].1 = (-1).into(), "did not follow the format");
        }
        for other in ["sgd", "adagrad", "rmsprop", "adam", "adamw", "SGD", "lion"] {
            let file = edited_in(&bytes, |metadata| {
                pairs(at(metadata, "training.optimizer"))[0].0 = other.into();
            });
            if other != name {
                tally.case(|| refused(&file, &[]));
            }
        }
    }
    tally.finish();
}
