//! Shows a schedule as text and as JSON: its rate, its kind and its settings.

use nn_optim::{Decay, Schedule, Setting};
use serde_json::{Value, json};

use crate::{
    optimizer::setting_json,
    text::{count, counted, rounded},
};

/// A schedule as text, such as `learning rate 0.001, along a cosine to 0 in 10 epochs`. It counts in steps if the number
/// of batches in an epoch, `n_batches`, is unknown.
pub(crate) fn text(schedule: &Schedule, n_batches: Option<u64>) -> String {
    let Schedule { learning_rate, warmup, decay } = *schedule;
    let span = |steps: u64| match n_batches {
        None => count(steps, "step"),
        Some(n) => counted(&rounded(steps as f64 / n as f64), "epoch"),
    };
    let phrase = decay.description().fill(true, |setting| match setting {
        Setting::Steps(steps) => span(steps),
        Setting::Epochs(epochs) => count(epochs, "epoch"),
        Setting::Real(number) => number.to_string(),
        Setting::Flag(flag) => flag.to_string(),
    });
    let warmup = if warmup > 0 { format!(", warm-up of {}", span(warmup)) } else { String::new() };
    format!("learning rate {learning_rate}, {phrase}{warmup}")
}

/// A schedule as JSON, such as `{"kind": "step", "learning_rate": 0.001, "warmup": 0, "every": 430, "factor": 0.1}`. It
/// counts in steps.
pub(crate) fn to_json(schedule: &Schedule) -> Value {
    let Schedule { learning_rate, warmup, decay } = *schedule;
    let description = decay.description();
    let mut value =
        json!({"kind": description.name, "learning_rate": learning_rate, "warmup": warmup});
    for (name, setting) in description.settings {
        value[name] = setting_json(setting);
    }
    value
}

/// The decay of an inverse-time schedule. It has a JSON field of its own because there were no other schedules at first.
pub(crate) fn inverse_decay(schedule: &Schedule) -> Option<f64> {
    match schedule.decay {
        Decay::InverseTime { decay } => Some(decay),
        _ => None,
    }
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
        let exponential = schedule(0, Decay::Exponential { every: 430, factor: 0.5 });
        check(&exponential, Some(430), "exponentially times 0.5 every 1 epoch");
        check(&exponential, None, "exponentially times 0.5 every 430 steps");
        let plateau = Decay::Plateau { factor: 0.1, patience: 1, min_delta: 0.01 };
        check(&schedule(0, plateau), None, "times 0.1 after more than 1 epoch not better by 0.01");
    }
}
