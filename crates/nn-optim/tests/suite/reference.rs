use nn_optim::{Decay, Optimizer, Schedule};

use crate::optimizers;

const RATE: f64 = 0.02;
const SCHEDULE: Schedule =
    Schedule { learning_rate: RATE, warmup: 0, decay: Decay::InverseTime { decay: 0.1 } };

fn gradient(step: usize) -> [f32; 3] {
    let step = step as f32;
    [0.3 * (step - 2.0), 1e-4 * (step + 1.0), -5.0 / (step + 1.0)]
}

/// Takes the script's five steps with every optimizer. After each step, compares the result of `numbers` with the
/// script's line.
#[track_caller]
fn compare(
    lines: &str,
    schedule: impl Fn(&str) -> Schedule,
    numbers: impl Fn(&[f32], &Optimizer) -> Vec<f32>,
) {
    let mut lines = lines.lines();
    for (name, config) in optimizers() {
        let mut optimizer = Optimizer::new(config, 3).unwrap();
        let mut params = [1.0, -2.0, 0.5];
        for step in 0..5 {
            let rate = schedule(name).rate_at(optimizer.step(), 0);
            optimizer.begin_step(rate).apply(&mut params, &gradient(step));
            let (of, expected) = lines.next().unwrap().split_once(' ').unwrap();
            assert_eq!(of, name);
            let expected: Vec<f64> = expected.split(' ').map(|x| x.parse().unwrap()).collect();
            let found = numbers(&params, &optimizer);
            assert_eq!(found.len(), expected.len(), "{name}");
            for (found, expected) in found.into_iter().zip(expected) {
                let difference = (f64::from(found) - expected).abs();
                // 32 bits compared with 64: where a momentum changes its sign, the difference is more than the last
                // bit.
                let close = difference <= 5e-6 * expected.abs();
                assert!(close, "{name}, step {step}: {found}, expected {expected}");
            }
        }
    }
    assert_eq!(lines.next(), None);
}

/// Compares parameters and moments with the numbers of `reference/book.py`.
#[test]
fn the_book() {
    compare(
        include_str!("../reference/book.txt"),
        |_| SCHEDULE,
        |params, optimizer| {
            let moments = optimizer.moments().iter().flat_map(|moment| moment.iter());
            params.iter().chain(moments).copied().collect()
        },
    );
}

/// Compares only the parameters, since PyTorch's moments differ, with the numbers of `reference/pytorch.py`. That
/// script says why the rate is constant with momentum.
#[test]
fn pytorch() {
    let constant = Schedule { decay: Decay::Constant, ..SCHEDULE };
    compare(
        include_str!("../reference/pytorch.txt"),
        |name| if matches!(name, "momentum" | "nesterov") { constant } else { SCHEDULE },
        |params, _| params.to_vec(),
    );
}
