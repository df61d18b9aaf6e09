//! The learning rate's options, which count in epochs, and the schedule in steps that they mean: of a new run,
//! and of one that is carried on, whose rate and number of epochs may become others.

use clap::ValueEnum;
use nn_optim::{Decay, Schedule};
use nn_train::TrainingState;
use serde::Serialize;
use serde_json::{Value, json};

use super::{agree, by_option, choice::Choice, table};
use crate::{exit::Usage, schedule::in_epochs, text::rounded};

/// Epochs in all of a run that does not say.
pub(in crate::command) const EPOCHS: u64 = 10;

/// The options that only some schedules have.
pub(super) const SCHEDULE: Choice = Choice {
    option: "schedule",
    belonging: &[
        ("decay", &["inverse-time"]),
        (
            "warmup-epochs",
            &["constant", "inverse-time", "step", "exponential", "cosine", "plateau"],
        ),
        ("step-epochs", &["step"]),
        ("decay-factor", &["step", "exponential", "plateau"]),
        ("minimum-rate", &["cosine"]),
        ("patience", &["plateau"]),
        ("min-delta", &["plateau"]),
    ],
};

/// How the learning rate goes. Absent is the default, or when resuming what was saved.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Learning rate")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Rates {
    /// The learning rate; a warm-up and one-cycle rise to it. May be another on --resume [default: 0.001; of
    /// sgd and adagrad 1]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,

    /// How the learning rate goes; cosine and one-cycle take all --epochs [default: inverse-time]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ScheduleName>,

    /// With inverse-time: how fast the rate falls, a step: rate / (1 + decay * step) [default: 0.001 of adam
    /// and adamw, else 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    decay: Option<f64>,

    /// Epochs, or parts of one, in which the rate rises to its height; not with one-cycle [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup_epochs: Option<f64>,

    /// With step: epochs from one drop of the rate to the next [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    step_epochs: Option<f64>,

    /// What a drop multiplies the rate with, of step and plateau [default: 0.1], or an epoch, of exponential
    /// [default: 0.9]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    decay_factor: Option<f64>,

    /// With cosine: the rate at its end [default: 0]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_rate: Option<f64>,

    /// With plateau: how many epochs in a row may bring no lower loss on the images held out (without any, on
    /// the others) before the rate drops [default: 2]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    patience: Option<u64>,

    /// With plateau: by how much a loss must be lower [default: 0.0001]
    #[arg(long, value_name = "LOSS", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    min_delta: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ScheduleName {
    Constant,
    InverseTime,
    Step,
    Exponential,
    Cosine,
    OneCycle,
    Plateau,
}

impl ScheduleName {
    fn of(decay: &Decay) -> Self {
        match decay {
            Decay::Constant => Self::Constant,
            Decay::InverseTime { .. } => Self::InverseTime,
            Decay::Step { .. } => Self::Step,
            Decay::Exponential { .. } => Self::Exponential,
            Decay::Cosine { .. } => Self::Cosine,
            Decay::OneCycle { .. } => Self::OneCycle,
            Decay::Plateau { .. } => Self::Plateau,
        }
    }

    /// As the option has it.
    fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::InverseTime => "inverse-time",
            Self::Step => "step",
            Self::Exponential => "exponential",
            Self::Cosine => "cosine",
            Self::OneCycle => "one-cycle",
            Self::Plateau => "plateau",
        }
    }
}

/// What a run that is carried on has from now on in place of what was saved.
pub(in crate::command) struct Change {
    option: &'static str,
    given: Value,
    saved: Value,
    /// In words.
    what: String,
    /// The next step's rate without the change, and with it.
    rates: [f64; 2],
}

impl Change {
    pub(in crate::command) fn text(&self) -> String {
        let Self { option, given, what, rates, .. } = self;
        let [before, after] = rates.map(rounded);
        format!("{option} {given}: {what}; the next step's rate is {after} instead of {before}")
    }

    pub(in crate::command) fn to_json(&self) -> Value {
        let [before, after] = self.rates;
        json!({
            "option": self.option,
            "saved": self.saved,
            "given": self.given,
            "next_rate_before": before,
            "next_rate": after,
        })
    }
}

impl Rates {
    /// The schedule of a new run of `epochs`, each of `n_batches`. The defaults of rate and decay are the
    /// optimizer's.
    pub(in crate::command) fn new_schedule(
        &self,
        (learning_rate, decay): (f64, f64),
        epochs: Option<u64>,
        n_batches: u64,
    ) -> anyhow::Result<Schedule> {
        let epochs = epochs.unwrap_or(EPOCHS);
        let name = self.schedule.unwrap_or(ScheduleName::InverseTime);
        self.check_options_of(name)?;
        let learning_rate = self.learning_rate.unwrap_or(learning_rate);
        let warmup_epochs = self.warmup_epochs.unwrap_or(0.0);
        let warmup = steps("--warmup-epochs", warmup_epochs, n_batches)?;
        let factor = self.decay_factor.unwrap_or(match name {
            ScheduleName::Exponential => 0.9,
            _ => 0.1,
        });
        let decay = match name {
            ScheduleName::Constant => Decay::Constant,
            ScheduleName::InverseTime => Decay::InverseTime { decay: self.decay.unwrap_or(decay) },
            ScheduleName::Step => {
                let every = steps("--step-epochs", self.step_epochs.unwrap_or(5.0), n_batches)?;
                if self.step_epochs == Some(0.0) {
                    return Err(Usage::error("--step-epochs: expected more than 0, found 0"));
                }
                Decay::Step { every: every.max(1), factor }
            }
            ScheduleName::Exponential => {
                // Checked as it was given.
                validated(Schedule {
                    learning_rate,
                    warmup,
                    decay: Decay::Exponential { factor },
                })?;
                Decay::Exponential { factor: a_step(factor, n_batches) }
            }
            ScheduleName::Cosine => {
                check_warmup("--warmup-epochs", warmup_epochs, epochs)?;
                let steps = epochs.saturating_mul(n_batches).saturating_sub(warmup).max(1);
                Decay::Cosine { steps, minimum: self.minimum_rate.unwrap_or(0.0) }
            }
            ScheduleName::OneCycle => Decay::OneCycle { steps: epochs.saturating_mul(n_batches) },
            ScheduleName::Plateau => Decay::Plateau {
                factor,
                patience: self.patience.unwrap_or(2),
                min_delta: self.min_delta.unwrap_or(1e-4),
            },
        };
        validated(Schedule { learning_rate, warmup, decay })
    }

    /// The options that give this schedule where an epoch has so many batches, all that it has said; where that is
    /// not known, but for those that are about epochs.
    pub(super) fn of(schedule: &Schedule, n_batches: Option<u64>) -> Self {
        let Schedule { learning_rate, warmup, decay } = *schedule;
        let one_cycle = matches!(decay, Decay::OneCycle { .. });
        let epochs = |steps| match steps {
            0 => Some(0.0),
            _ => n_batches.map(|n| in_epochs(steps, n)),
        };
        let base = Self {
            learning_rate: Some(learning_rate),
            schedule: Some(ScheduleName::of(&decay)),
            warmup_epochs: epochs(warmup).filter(|_| !one_cycle),
            ..Self::default()
        };
        match decay {
            Decay::Constant | Decay::OneCycle { .. } => base,
            Decay::InverseTime { decay } => Self { decay: Some(decay), ..base },
            Decay::Step { every, factor } => {
                Self { step_epochs: epochs(every), decay_factor: Some(factor), ..base }
            }
            Decay::Exponential { factor } => {
                Self { decay_factor: n_batches.map(|n| of_an_epoch(factor, n)), ..base }
            }
            Decay::Cosine { minimum, .. } => Self { minimum_rate: Some(minimum), ..base },
            Decay::Plateau { factor, patience, min_delta } => Self {
                decay_factor: Some(factor),
                patience: Some(patience),
                min_delta: Some(min_delta),
                ..base
            },
        }
    }

    /// The error where an option is given that the schedule has not.
    fn check_options_of(&self, schedule: ScheduleName) -> anyhow::Result<()> {
        SCHEDULE.check(schedule.name(), table(self).keys())
    }

    /// The error where a setting was given that may not change and is not the saved one, as far as that is
    /// known before the data are.
    pub(in crate::command) fn agree(&self, saved: &Schedule) -> anyhow::Result<()> {
        let name = ScheduleName::of(&saved.decay);
        agree("--schedule", self.schedule.map(ScheduleName::name).as_ref(), &name.name())?;
        self.check_options_of(name)?;
        match &saved.decay {
            Decay::InverseTime { decay } => agree("--decay", self.decay.as_ref(), decay),
            Decay::Step { factor, .. } => {
                agree("--decay-factor", self.decay_factor.as_ref(), factor)
            }
            Decay::Cosine { minimum, .. } => {
                agree("--minimum-rate", self.minimum_rate.as_ref(), minimum)
            }
            Decay::Plateau { factor, patience, min_delta } => {
                agree("--decay-factor", self.decay_factor.as_ref(), factor)?;
                agree("--patience", self.patience.as_ref(), patience)?;
                agree("--min-delta", self.min_delta.as_ref(), min_delta)
            }
            Decay::Constant | Decay::Exponential { .. } | Decay::OneCycle { .. } => Ok(()),
        }
    }

    /// The same of the settings in epochs.
    fn agree_on_epochs(&self, saved: &Schedule, n_batches: u64) -> anyhow::Result<()> {
        let agree_on = |option, given: Option<f64>, saved: u64| match given {
            Some(given) if steps(option, given, n_batches)? != saved => {
                agree(option, Some(&given), &in_epochs(saved, n_batches))
            }
            _ => Ok(()),
        };
        agree_on("--warmup-epochs", self.warmup_epochs, saved.warmup)?;
        match saved.decay {
            Decay::Step { every, .. } => agree_on("--step-epochs", self.step_epochs, every),
            Decay::Exponential { factor } => match self.decay_factor {
                Some(given) if a_step(given, n_batches) != factor => {
                    let saved = rounded(factor.powf(n_batches as f64));
                    agree("--decay-factor", Some(&given.to_string()), &saved)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Gives a run that is carried on what was given in place of what was saved, where it has epochs to go;
    /// returns how many there are in all, and what has changed.
    pub(in crate::command) fn carry_on(
        &self,
        state: &mut TrainingState,
        given_epochs: Option<u64>,
        n_batches: u64,
    ) -> anyhow::Result<(u64, Vec<Change>)> {
        self.agree_on_epochs(&state.schedule, n_batches)?;
        let own_epochs = own_steps(&state.schedule)
            .map(|steps| steps.div_ceil(n_batches).clamp(1, nn_io::limits::HISTORY as u64));
        let epochs = given_epochs.or(own_epochs).unwrap_or(EPOCHS);
        let mut changes = Vec::new();
        if state.progress.epoch >= epochs {
            return Ok((epochs, changes));
        }
        if let Some(given) = self.learning_rate {
            let saved = state.schedule.learning_rate;
            let epoch = state.progress.epoch + 1;
            let from = match state.progress.batch {
                0 => format!("epoch {epoch}"),
                batch => format!("batch {} of epoch {epoch}", batch + 1),
            };
            let what = format!("from {from} on the schedule goes by {given} instead of {saved}");
            let schedule = Schedule { learning_rate: given, ..state.schedule };
            changes.extend(change(
                state,
                schedule,
                ("--learning-rate", given.into(), saved.into(), what),
            )?);
        }
        if let (Some(given), Some(saved)) = (given_epochs, own_steps(&state.schedule)) {
            let schedule = lasting(state.schedule, given, n_batches)?;
            let saved = in_epochs(saved, n_batches);
            let name = match schedule.decay {
                Decay::OneCycle { .. } => "cycle",
                _ => "cosine",
            };
            let what =
                format!("the {name} now ends after {given} epochs instead of {}", rounded(saved));
            changes.extend(change(
                state,
                schedule,
                ("--epochs", given.into(), saved.into(), what),
            )?);
        }
        Ok((epochs, changes))
    }
}

/// Gives the run another schedule, and says so where it is another.
fn change(
    state: &mut TrainingState,
    schedule: Schedule,
    (option, given, saved, what): (&'static str, Value, Value, String),
) -> anyhow::Result<Option<Change>> {
    let schedule = validated(schedule)?;
    if schedule == state.schedule {
        return Ok(None);
    }
    let before = state.learning_rate();
    state.schedule = schedule;
    Ok(Some(Change { option, given, saved, what, rates: [before, state.learning_rate()] }))
}

/// The steps of a schedule that has an end, from the first one on.
pub(super) fn own_steps(schedule: &Schedule) -> Option<u64> {
    match schedule.decay {
        Decay::Cosine { steps, .. } | Decay::OneCycle { steps } => {
            Some(steps.saturating_add(schedule.warmup))
        }
        _ => None,
    }
}

/// The schedule with its end after so many epochs, if it has one.
fn lasting(schedule: Schedule, epochs: u64, n_batches: u64) -> anyhow::Result<Schedule> {
    let total = epochs.saturating_mul(n_batches);
    let decay = match schedule.decay {
        Decay::Cosine { minimum, .. } => {
            check_warmup("--epochs", in_epochs(schedule.warmup, n_batches), epochs)?;
            Decay::Cosine { steps: total.saturating_sub(schedule.warmup).max(1), minimum }
        }
        Decay::OneCycle { .. } => Decay::OneCycle { steps: total },
        other => other,
    };
    Ok(Schedule { decay, ..schedule })
}

/// The steps of so many epochs.
fn steps(option: &str, epochs: f64, n_batches: u64) -> anyhow::Result<u64> {
    const MOST: f64 = nn_io::limits::HISTORY as f64;
    if !(0.0..=MOST).contains(&epochs) {
        let expected = format!("expected at least 0 and at most {MOST}");
        return Err(Usage::error(format!("{option}: {expected}, found {}", rounded(epochs))));
    }
    Ok((epochs * n_batches as f64).round() as u64)
}

/// The factor of an epoch that has this one of a step: of those, the one with the fewest digits.
fn of_an_epoch(factor: f64, n_batches: u64) -> f64 {
    let epoch = factor.powf(n_batches as f64);
    let rounded = (0..=16).filter_map(|digits| format!("{epoch:.digits$e}").parse().ok());
    rounded.into_iter().find(|&it| a_step(it, n_batches) == factor).unwrap_or(epoch)
}

/// The factor of a step, of one of an epoch.
fn a_step(factor: f64, n_batches: u64) -> f64 {
    factor.powf(1.0 / n_batches as f64)
}

/// The error where the warm-up leaves nothing of the run to a cosine.
fn check_warmup(option: &str, warmup: f64, epochs: u64) -> anyhow::Result<()> {
    if warmup < epochs as f64 {
        return Ok(());
    }
    Err(Usage::error(format!(
        "{option}: expected a warm-up shorter than the run, for the cosine to follow, \
         found {warmup} of {epochs} epochs"
    )))
}

/// The schedule, if it is one.
fn validated(schedule: Schedule) -> anyhow::Result<Schedule> {
    schedule.validate().map_err(by_option)?;
    Ok(schedule)
}
