//! The options of the learning rate. They count in epochs, and are converted to a schedule that counts in steps.

use nn_optim::{Decay, Schedule};

use super::{
    Error, OptimizerOptions,
    form::{Form, one_of},
    group::{Group as _, options},
    kind::{self, Choice},
};

options! {
    /// The options of the learning rate. Without one, a new run has the default, and a resumed run the saved value.
    pub struct ScheduleOptions ["Learning rate"] {
        /// Learning rate, or its peak [default: 0.001; sgd: 0.05; adagrad: 0.01]
        learning_rate: f64 [value_name = "N", allow_negative_numbers = true],

        /// How the learning rate changes [default: inverse-time]
        schedule: ScheduleName [value_enum, value_name = "NAME"],

        /// With inverse-time: rate / (1 + decay * step) [default: 0; adam(w): 0.001]
        decay: f64 [value_name = "DECAY", allow_negative_numbers = true],

        /// Epochs in which the rate rises; not with one-cycle [default: 0]
        warmup_epochs: f64 [value_name = "N", allow_negative_numbers = true],

        /// With step: epochs between two drops [default: 5]
        step_epochs: f64 [value_name = "N", allow_negative_numbers = true],

        /// Factor of a drop [default: step, plateau: 0.1; exponential: 0.9]
        decay_factor: f64 [value_name = "N", allow_negative_numbers = true],

        /// With cosine: final rate [default: 0]
        minimum_rate: f64 [value_name = "N", allow_negative_numbers = true],

        /// With plateau: epochs without a lower loss before a drop [default: 2]
        patience: u64 [value_name = "N"],

        /// With plateau: how much lower a loss must be to count [default: 0.0001]
        min_delta: f64 [value_name = "LOSS", allow_negative_numbers = true],
    }
}

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names speak for themselves; help would print a doc comment")]
pub enum ScheduleName {
    Constant,
    #[default]
    InverseTime,
    Step,
    Exponential,
    Cosine,
    OneCycle,
    Plateau,
}

impl Form for ScheduleName {
    fn form() -> String {
        one_of(ScheduleOptions::NAMES)
    }
}

impl Choice for ScheduleOptions {
    type Name = ScheduleName;
    const OPTION: &str = "schedule";
    const NAMES: &[ScheduleName] = &[
        ScheduleName::Constant,
        ScheduleName::InverseTime,
        ScheduleName::Step,
        ScheduleName::Exponential,
        ScheduleName::Cosine,
        ScheduleName::OneCycle,
        ScheduleName::Plateau,
    ];

    fn chosen(&self) -> ScheduleName {
        self.schedule.unwrap_or_default()
    }

    /// The defaults with Adam. Other optimizers have a different rate and decay.
    fn defaults(name: ScheduleName) -> Self {
        let (rate, decay) = OptimizerOptions::default().default_rates();
        let all = Self {
            learning_rate: Some(rate),
            schedule: Some(name),
            warmup_epochs: Some(0.0),
            ..Self::default()
        };
        match name {
            ScheduleName::Constant => all,
            ScheduleName::InverseTime => Self { decay: Some(decay), ..all },
            ScheduleName::Step => Self { step_epochs: Some(5.0), decay_factor: Some(0.1), ..all },
            ScheduleName::Exponential => Self { decay_factor: Some(0.9), ..all },
            ScheduleName::Cosine => Self { minimum_rate: Some(0.0), ..all },
            ScheduleName::OneCycle => Self { warmup_epochs: None, ..all },
            ScheduleName::Plateau => {
                Self { decay_factor: Some(0.1), patience: Some(2), min_delta: Some(1e-4), ..all }
            }
        }
    }
}

impl ScheduleOptions {
    /// These options with every default filled in. The default rate and decay are the optimizer's.
    pub(super) fn completed(&self, (rate, decay): (f64, f64)) -> Self {
        let defaults = Self::defaults(self.chosen());
        let rates = Self {
            learning_rate: Some(rate),
            decay: defaults.decay.map(|_| decay),
            ..Self::default()
        };
        self.clone().or(rates).or(defaults)
    }

    /// The schedule of a run of `epochs`, each of `n_batches`.
    pub(super) fn schedule(
        &self,
        rates: (f64, f64),
        epochs: u64,
        n_batches: u64,
    ) -> Result<Schedule, Error> {
        kind::check(self)?;
        let all = self.completed(rates);
        let warmup_epochs = all.warmup_epochs.unwrap_or_default();
        let warmup = steps("warmup-epochs", warmup_epochs, n_batches)?;
        let in_all = epochs.saturating_mul(n_batches);
        let factor = all.decay_factor.unwrap_or_default();
        let decay = match all.chosen() {
            ScheduleName::Constant => Decay::Constant,
            ScheduleName::InverseTime => {
                Decay::InverseTime { decay: all.decay.unwrap_or_default() }
            }
            ScheduleName::Step => {
                let epochs = all.step_epochs.unwrap_or_default();
                if epochs == 0.0 {
                    return Err(Error::range("step-epochs", "more than 0", 0));
                }
                Decay::Step { every: steps("step-epochs", epochs, n_batches)?.max(1), factor }
            }
            ScheduleName::Exponential => Decay::Exponential { every: n_batches, factor },
            ScheduleName::Cosine => {
                if warmup_epochs >= epochs as f64 {
                    let expected = "a warm-up shorter than the run, since the cosine follows it";
                    let found = format!("{warmup_epochs} of {epochs} epochs");
                    return Err(Error::range("warmup-epochs", expected, found));
                }
                let steps = in_all.saturating_sub(warmup).max(1);
                Decay::Cosine { steps, minimum: all.minimum_rate.unwrap_or_default() }
            }
            ScheduleName::OneCycle => Decay::OneCycle { steps: in_all },
            ScheduleName::Plateau => Decay::Plateau {
                factor,
                patience: all.patience.unwrap_or_default(),
                min_delta: all.min_delta.unwrap_or_default(),
            },
        };
        let learning_rate = all.learning_rate.unwrap_or_default();
        let schedule = Schedule { learning_rate, warmup, decay };
        schedule.validate()?;
        Ok(schedule)
    }

    /// The options that would make this schedule, with every one filled in. Without the number of batches in an epoch,
    /// options that count in epochs are left out.
    pub(super) fn of(schedule: &Schedule, n_batches: Option<u64>) -> Self {
        let &Schedule { learning_rate, warmup, decay } = schedule;
        let epochs = |steps: u64| n_batches.map(|n| in_epochs(steps, n));
        let all = Self {
            learning_rate: Some(learning_rate),
            warmup_epochs: if warmup == 0 { Some(0.0) } else { epochs(warmup) },
            ..Self::default()
        };
        let named = |name| Self { schedule: Some(name), ..all.clone() };
        match decay {
            Decay::Constant => named(ScheduleName::Constant),
            Decay::InverseTime { decay } => {
                Self { decay: Some(decay), ..named(ScheduleName::InverseTime) }
            }
            Decay::Step { every, factor } => Self {
                step_epochs: epochs(every),
                decay_factor: Some(factor),
                ..named(ScheduleName::Step)
            },
            Decay::Exponential { every, factor } => {
                let of_an_epoch = |n: u64| match n == every {
                    true => factor,
                    false => libm::pow(factor, in_epochs(n, every)),
                };
                // Over many steps the factor can underflow to 0.
                let decay_factor = n_batches.map(of_an_epoch).filter(|&factor| factor > 0.0);
                Self { decay_factor, ..named(ScheduleName::Exponential) }
            }
            Decay::Cosine { minimum, .. } => {
                Self { minimum_rate: Some(minimum), ..named(ScheduleName::Cosine) }
            }
            Decay::OneCycle { .. } => Self { warmup_epochs: None, ..named(ScheduleName::OneCycle) },
            Decay::Plateau { factor, patience, min_delta } => Self {
                decay_factor: Some(factor),
                patience: Some(patience),
                min_delta: Some(min_delta),
                ..named(ScheduleName::Plateau)
            },
        }
    }
}

/// The part of this schedule that ends with the run, and the number of steps until then.
pub(super) fn end(schedule: &Schedule) -> Option<(&'static str, u64)> {
    let (what, steps) = match schedule.decay {
        Decay::Cosine { steps, .. } => ("cosine", steps),
        Decay::OneCycle { steps } => ("cycle", steps),
        _ => return None,
    };
    Some((what, steps.saturating_add(schedule.warmup)))
}

/// Converts a number of steps to epochs.
pub(super) fn in_epochs(steps: u64, n_batches: u64) -> f64 {
    steps as f64 / n_batches as f64
}

/// Converts a number of epochs to steps.
fn steps(option: &str, epochs: f64, n_batches: u64) -> Result<u64, Error> {
    const MAX: f64 = nn_io::limits::HISTORY as f64;
    if !(0.0..=MAX).contains(&epochs) {
        return Err(Error::range(option, format!("at least 0 and at most {MAX}"), epochs));
    }
    Ok((epochs * n_batches as f64).round() as u64)
}
