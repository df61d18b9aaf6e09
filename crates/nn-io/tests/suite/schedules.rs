use nn_io::Checkpoint;
use nn_optim::{Decay, Schedule};
use rmpv::Value;
use tally::{Tally, ensure};

use crate::fixture::{self, at, edited_in, newer, pairs, refused, schedules, seal_header};

type Pairs = Vec<(Value, Value)>;

/// The file with its schedule's map changed.
fn edited(schedule: Schedule, edit: impl FnOnce(&mut Pairs)) -> Vec<u8> {
    let path = format!("training.schedule.{}", schedule.decay.name());
    edited_in(&fixture::bytes_under(schedule), |metadata| edit(pairs(at(metadata, &path))))
}

fn keys(schedule: Schedule) -> Vec<String> {
    let mut keys = Vec::new();
    let name = |(key, _): &(Value, Value)| key.as_str().unwrap().to_owned();
    edited(schedule, |map| keys = map.iter().map(name).collect());
    keys
}

/// The file with another setting of its schedule.
fn with_setting(schedule: Schedule, setting: &str, value: impl Into<Value>) -> Vec<u8> {
    edited(schedule, |map| {
        map.iter_mut().find(|(key, _)| key.as_str() == Some(setting)).unwrap().1 = value.into();
    })
}

/// Loading gives what was saved, and saving that gives the same bytes.
#[test]
fn round_trip() {
    let mut checkpoint = fixture::checkpoint();
    for schedule in schedules() {
        checkpoint.training.as_mut().unwrap().schedule = schedule;
        let bytes = checkpoint.view().to_bytes().unwrap();
        let loaded = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(loaded, checkpoint);
        assert_eq!(loaded.view().to_bytes().unwrap(), bytes);
        assert_eq!(keys(schedule).contains(&"warmup".into()), schedule.warmup > 0);
    }
}

#[test]
fn settings_outside_their_range() {
    let mut tally = Tally::new("A11", "numbers: settings of each schedule outside their range");
    let not_negative = [f64::NAN, f64::INFINITY, -1.0, -5e-324];
    let factors = [f64::NAN, f64::INFINITY, 0.0, -0.0, -0.5, 1.0 + f64::EPSILON];
    // The learning rate of all schedules is 1e-3.
    let minima = [f64::NAN, f64::INFINITY, -5e-324, 0.0011];
    for schedule in schedules() {
        let mut check = |setting: &str, values: &[f64], expected: &str| {
            for &value in values {
                let file = with_setting(schedule, setting, value);
                let expected = format!("training: {expected}: expected");
                tally.case(|| refused(&file, &[&expected, "found"]));
            }
        };
        let rates = [f64::NAN, f64::INFINITY, 0.0, -1.0];
        check("learning_rate", &rates, "learning rate");
        match schedule.decay {
            Decay::Constant | Decay::OneCycle { .. } => {}
            Decay::InverseTime { .. } => check("decay", &not_negative, "decay"),
            Decay::Step { .. } | Decay::Exponential { .. } => check("factor", &factors, "factor"),
            Decay::Cosine { .. } => check("minimum", &minima, "minimum"),
            Decay::Plateau { .. } => {
                check("factor", &[&factors[..], &[1.0]].concat(), "factor");
                check("min_delta", &not_negative, "min_delta");
            }
        }
        for setting in ["every", "steps"] {
            if keys(schedule).contains(&setting.into()) {
                let expected = format!("training: {setting}: expected 1");
                let file = with_setting(schedule, setting, 0);
                tally.case(|| refused(&file, &[&expected, "found 0"]));
            }
        }
        let mut checkpoint = fixture::checkpoint();
        checkpoint.training.as_mut().unwrap().schedule =
            Schedule { learning_rate: 0.0, ..schedule };
        tally.case(|| match checkpoint.view().to_bytes() {
            Err(error) => fixture::mentions(&error, &["training: learning rate: expected"]),
            Ok(_) => Err(tally::Failure::torn("written")),
        });
    }
    tally.finish();
}

/// Each key is missing, there twice, unknown, of another type, or out of order. Each kind has the name of another kind.
#[test]
fn maps_of_another_kind() {
    let mut tally =
        Tally::new("A7", "keys: those of each schedule missing, twice, or of another kind");
    for schedule in schedules() {
        let name = schedule.decay.name();
        for (i, key) in keys(schedule).into_iter().enumerate() {
            let is_exponential = matches!(schedule.decay, Decay::Exponential { .. });
            let optional = key == "warmup" || key == "every" && is_exponential;
            let mut check = |change: &dyn Fn(&mut Pairs), expected: &str| {
                let file = edited(schedule, |map| change(map));
                tally.case(|| refused(&file, &["(metadata)", expected]));
            };
            check(&|map| map.push(map[i].clone()), "duplicate field");
            check(&|map| map[i].1 = Value::Nil, "before here");
            check(&|map| map[i].1 = (-1).into(), "did not follow the format");
            check(&|map| map.insert(i, ("warm_up".into(), 1.into())), "an unknown key");
            if i > 0 {
                check(&|map| map.swap(i, i - 1), "not in the form");
            }
            if !optional {
                check(&|map| drop(map.remove(i)), "missing field");
            }
        }
        // `warmup` is left out if it is 0, and one cycle never has it.
        if schedule.warmup == 0 {
            let warmup = |value: u64| {
                move |map: &mut Pairs| {
                    map.push(("warmup".into(), value.into()));
                }
            };
            let file = edited(schedule, warmup(0));
            tally.case(|| refused(&file, &["(metadata)", "not in the form"]));
            if matches!(schedule.decay, Decay::OneCycle { .. }) {
                let file = edited(schedule, warmup(1));
                tally.case(|| refused(&file, &["(metadata)", "an unknown key"]));
            }
        }
        let others = schedules().into_iter().map(|other| other.decay.name());
        for other in others.chain(["Step", "linear"]).filter(|&other| other != name) {
            let file = edited_in(&fixture::bytes_under(schedule), |metadata| {
                pairs(at(metadata, "training.schedule"))[0].0 = other.into();
            });
            tally.case(|| refused(&file, &[]));
        }
    }
    tally.finish();
}

/// A file has no key for this warm-up, so it would be read back as another schedule.
#[test]
fn one_cycle_with_a_warm_up_is_not_written() {
    let mut checkpoint = fixture::checkpoint();
    let schedule = &mut checkpoint.training.as_mut().unwrap().schedule;
    (schedule.decay, schedule.warmup) = (Decay::OneCycle { steps: 100 }, 10);
    let error = checkpoint.view().to_bytes().unwrap_err();
    fixture::says(&error, &["training.schedule: expected a value that a file can hold"]);
}

/// A newer minor version may write a warm-up of 0. It is read as no warm-up, and left out when it is saved.
#[test]
fn no_warm_up_in_another_form() {
    for schedule in schedules().into_iter().filter(|schedule| schedule.warmup == 0) {
        let mut file = newer(edited(schedule, |map| map.push(("warmup".into(), Value::from(0)))));
        let features = file[15];
        let loaded = Checkpoint::from_bytes(&file).unwrap();
        assert_eq!(loaded.training.as_ref().unwrap().schedule, schedule);
        assert_eq!(loaded.view().to_bytes().unwrap(), fixture::bytes_under(schedule));
        file[15] = features ^ 2;
        seal_header(&mut file);
        ensure(Checkpoint::from_bytes(&file).is_err(), || tally::Failure::torn("loaded")).unwrap();
    }
}
