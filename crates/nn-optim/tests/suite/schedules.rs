use nn_optim::{Decay, Schedule};

const CONSTANT: Schedule = Schedule { learning_rate: 0.02, warmup: 0, decay: Decay::Constant };

/// The schedule with this name in `reference/schedules.py`.
fn named(name: &str) -> Schedule {
    if let Some(name) = name.strip_prefix("warmup-") {
        return Schedule { warmup: 7, ..named(name) };
    }
    let plateau = |patience| Decay::Plateau { factor: 0.3, patience, min_delta: 0.01 };
    let decay = match name {
        "constant" => Decay::Constant,
        "inverse_time" => Decay::InverseTime { decay: 0.1 },
        "step" => Decay::Step { every: 6, factor: 0.3 },
        "exponential" => Decay::Exponential { every: 1, factor: 0.9 },
        "cosine" => Decay::Cosine { steps: 40, minimum: 0.001 },
        "cosine_to_0" => Decay::Cosine { steps: 40, minimum: 0.0 },
        "one_cycle" => Decay::OneCycle { steps: 40 },
        "one_cycle_odd" => Decay::OneCycle { steps: 39 },
        "one_cycle_short" => Decay::OneCycle { steps: 3 },
        "plateau" => plateau(2),
        "plateau_at_once" => plateau(0),
        other => panic!("no schedule {other}"),
    };
    Schedule { decay, ..CONSTANT }
}

/// Numbers from `reference/schedules.py`.
#[test]
fn pytorch_and_the_book() {
    let mut lines = include_str!("../reference/schedules.txt").lines().map(|line| {
        let (name, numbers) = line.split_once(' ').unwrap();
        (name, numbers.split(' ').map(|x| x.parse().unwrap()).collect::<Vec<f64>>())
    });
    let ("losses", losses) = lines.next().unwrap() else { panic!() };
    let mut kinds = Vec::new();
    for (name, expected) in lines {
        let schedule = named(name);
        assert_eq!(schedule.validate(), Ok(()));
        assert!(expected.len() >= 3, "{name}");
        for (step, &expected) in expected.iter().enumerate() {
            let drops = schedule.drops(losses[..step].iter().copied());
            let found = schedule.rate_at(step as u64, drops);
            let close = (found - expected).abs() <= 1e-12 * expected;
            assert!(close, "{name}, step {step}: {found:?}, expected {expected:?}");
        }
        kinds.push(schedule.decay.name());
    }
    kinds.dedup();
    let all = ["constant", "inverse_time", "step", "exponential", "cosine", "one_cycle", "plateau"];
    assert_eq!(kinds, all);
}

/// A factor every six steps is the same decay as its sixth root in every step.
#[test]
fn an_exponential_decay_falls_evenly() {
    let each = Schedule { decay: Decay::Exponential { every: 1, factor: 0.9 }, ..CONSTANT };
    let factor = 0.9f64.powi(6);
    let six = Schedule { decay: Decay::Exponential { every: 6, factor }, ..CONSTANT };
    assert_eq!(six.rate_at(6, 0), 0.02 * factor);
    for step in 0..40 {
        let (expected, found) = (each.rate_at(step, 0), six.rate_at(step, 0));
        assert!((found - expected).abs() <= 1e-12 * expected, "step {step}: {found}, {expected}");
    }
}

#[track_caller]
fn refused(schedule: Schedule, message: &str) {
    let error = schedule.validate().unwrap_err();
    assert!(error.to_string().starts_with(message), "{error}");
}

/// A plain number never decays.
#[test]
fn a_number_is_a_constant_rate() {
    assert_eq!(Schedule::from(0.02), CONSTANT);
    assert_eq!(Schedule::from(0.02).rate_at(u64::MAX, 0), 0.02);
    let book = Schedule::book();
    assert_eq!([0, 1_000, 3_000].map(|step| book.rate_at(step, 0)), [1e-3, 5e-4, 2.5e-4]);
}

#[test]
fn settings_outside_their_range() {
    assert_eq!(Schedule::book().validate(), Ok(()));
    let with = |decay| Schedule { decay, ..CONSTANT };
    for learning_rate in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        refused(Schedule { learning_rate, ..CONSTANT }, "learning rate: expected a finite number");
    }
    for decay in [f64::NAN, f64::INFINITY, -1e-9] {
        refused(with(Decay::InverseTime { decay }), "decay: expected a finite number, 0 or above");
    }
    let factors = [f64::NAN, f64::INFINITY, 0.0, -0.5, 1.0 + f64::EPSILON];
    for factor in factors {
        let expected = "factor: expected above 0 and at most 1, found";
        refused(with(Decay::Step { every: 1, factor }), expected);
        refused(with(Decay::Exponential { every: 1, factor }), expected);
    }
    for factor in factors.into_iter().chain([1.0]) {
        let plateau = Decay::Plateau { factor, patience: 0, min_delta: 0.0 };
        refused(with(plateau), "factor: expected above 0 and below 1, found");
    }
    for decay in
        [Decay::Step { every: 0, factor: 0.5 }, Decay::Exponential { every: 0, factor: 0.5 }]
    {
        refused(with(decay), "every: expected 1 step or more, found 0");
    }
    for decay in [Decay::Cosine { steps: 0, minimum: 0.0 }, Decay::OneCycle { steps: 0 }] {
        refused(with(decay), "steps: expected 1 or more, found 0");
    }
    for minimum in [f64::NAN, f64::INFINITY, -1e-9, 0.021] {
        refused(with(Decay::Cosine { steps: 1, minimum }), "minimum: expected at least 0 and at");
    }
    for min_delta in [f64::NAN, f64::INFINITY, -1e-9] {
        let plateau = Decay::Plateau { factor: 0.5, patience: 0, min_delta };
        refused(with(plateau), "min_delta: expected a finite number, 0 or above");
    }
    let one_cycle = Decay::OneCycle { steps: 1 };
    refused(Schedule { warmup: 3, ..with(one_cycle) }, "warmup: expected 0, since one cycle");
    // The limits of the ranges are valid.
    for decay in [
        Decay::InverseTime { decay: 0.0 },
        Decay::Step { every: 1, factor: 1.0 },
        Decay::Exponential { every: 1, factor: 1.0 },
        Decay::Cosine { steps: 1, minimum: 0.02 },
        one_cycle,
        Decay::Plateau { factor: 1e-300, patience: u64::MAX, min_delta: 0.0 },
    ] {
        assert_eq!(with(decay).validate(), Ok(()), "{decay:?}");
    }
}
