//! How a schedule is shown: its rate, its kind and its settings, as text and as JSON.

use nn_optim::{Decay, Schedule};
use serde_json::{Value, json};

use crate::text::{count, counted, rounded};

/// As `learning rate 0.001, along a cosine to 0 in 10 epochs`; in steps where it is not known how many
/// `n_batches` an epoch has.
pub(crate) fn text(schedule: &Schedule, n_batches: Option<u64>) -> String {
    let Schedule { learning_rate, warmup, decay } = *schedule;
    let span = |steps: u64| match n_batches {
        None => count(steps, "step"),
        Some(n) => counted(&rounded(in_epochs(steps, n)), "epoch"),
    };
    let decay = match decay {
        Decay::Constant => "constant".into(),
        Decay::InverseTime { decay } => format!("decay {decay}"),
        Decay::Step { every, factor } => format!("times {factor} every {}", span(every)),
        Decay::Exponential { factor } => match n_batches {
            None => format!("times {factor} a step"),
            Some(n) => format!("times {} an epoch", rounded(factor.powf(n as f64))),
        },
        Decay::Cosine { steps, minimum } => {
            format!("along a cosine to {minimum} in {}", span(steps))
        }
        Decay::OneCycle { steps } => format!("one cycle of {}", span(steps)),
        Decay::Plateau { factor, patience, min_delta } => {
            let patience = count(patience, "epoch");
            format!("times {factor} after more than {patience} not better by {min_delta}")
        }
    };
    let warmup = if warmup > 0 { format!(", warm-up of {}", span(warmup)) } else { String::new() };
    format!("learning rate {learning_rate}, {decay}{warmup}")
}

/// As `{"kind": "step", "learning_rate": 0.001, "warmup": 0, "every": 430, "factor": 0.1}`, in steps.
pub(crate) fn to_json(schedule: &Schedule) -> Value {
    let Schedule { learning_rate, warmup, decay } = *schedule;
    let mut value = json!({"kind": decay.name(), "learning_rate": learning_rate, "warmup": warmup});
    match decay {
        Decay::Constant => {}
        Decay::InverseTime { decay } => value["decay"] = decay.into(),
        Decay::Step { every, factor } => {
            value["every"] = every.into();
            value["factor"] = factor.into();
        }
        Decay::Exponential { factor } => value["factor"] = factor.into(),
        Decay::Cosine { steps, minimum } => {
            value["steps"] = steps.into();
            value["minimum"] = minimum.into();
        }
        Decay::OneCycle { steps } => value["steps"] = steps.into(),
        Decay::Plateau { factor, patience, min_delta } => {
            value["factor"] = factor.into();
            value["patience"] = patience.into();
            value["min_delta"] = min_delta.into();
        }
    }
    value
}

/// The decay of inverse time, which was there before there were others.
pub(crate) fn inverse_decay(schedule: &Schedule) -> Option<f64> {
    match schedule.decay {
        Decay::InverseTime { decay } => Some(decay),
        _ => None,
    }
}

pub(crate) fn in_epochs(steps: u64, n_batches: u64) -> f64 {
    steps as f64 / n_batches as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_steps_and_in_epochs() {
        let schedule = |warmup, decay| Schedule { learning_rate: 0.01, warmup, decay };
        let check = |schedule: &Schedule, n_batches, expected: &str| {
            assert_eq!(text(schedule, n_batches), format!("learning rate 0.01, {expected}"));
        };
        let step = schedule(215, Decay::Step { every: 430, factor: 0.1 });
        check(&step, Some(430), "times 0.1 every 1 epoch, warm-up of 0.5 epochs");
        check(&step, None, "times 0.1 every 430 steps, warm-up of 215 steps");
        let cosine = schedule(0, Decay::Cosine { steps: 4300, minimum: 0.0 });
        check(&cosine, Some(430), "along a cosine to 0 in 10 epochs");
        check(&cosine, None, "along a cosine to 0 in 4,300 steps");
        let exponential = schedule(0, Decay::Exponential { factor: 0.5 });
        check(&exponential, Some(2), "times 0.25 an epoch");
        check(&exponential, None, "times 0.5 a step");
        let plateau = Decay::Plateau { factor: 0.1, patience: 1, min_delta: 0.01 };
        check(&schedule(0, plateau), None, "times 0.1 after more than 1 epoch not better by 0.01");
    }
}
