//! The options of the learning rate, which count in epochs, and the schedule in steps that they give. To add a schedule,
//! add an entry to [`SCHEDULES`], and a field for each new option.

use nn_optim::{Decay, Schedule};
use serde::Serialize;

use super::{
    kind::{Kind, Kinds},
    option::table,
    training::EPOCHS,
};
use crate::{exit::Usage, schedule::in_epochs, text::rounded};

/// The schedule of a run that does not choose one.
const DEFAULT: &str = "inverse-time";

/// What makes a schedule of options, and options of a schedule.
pub(super) struct Rules {
    decay: fn(&ScheduleOptions, &Span) -> anyhow::Result<Decay>,
    /// All but the rate, the name and the warm-up. Without the number of batches of an epoch, no option that counts
    /// in epochs.
    options: fn(&Decay, Option<u64>) -> ScheduleOptions,
    /// The option that counts in epochs. What it gives is compared in steps.
    pub(super) in_epochs: Option<&'static str>,
    /// For a schedule that ends with the run.
    pub(super) end: Option<End>,
}

/// The end of a schedule: what ends there, and after how many steps without the warm-up.
pub(super) struct End {
    what: &'static str,
    steps: fn(&Decay) -> Option<u64>,
}

/// What a schedule depends on except its own options.
pub(super) struct Span {
    /// The decay of inverse time, if no option gives it.
    pub(super) default_decay: f64,
    pub(super) epochs: u64,
    /// Batches of an epoch.
    pub(super) n_batches: u64,
    pub(super) warmup_epochs: f64,
    /// The option to blame if the warm-up is as long as the run.
    pub(super) blamed: &'static str,
}

/// All schedules.
pub(super) const SCHEDULES: Kinds<Rules> = Kinds {
    option: "schedule",
    kinds: &[
        Kind {
            name: "constant",
            options: &["warmup-epochs"],
            rules: Rules {
                decay: |_, _| Ok(Decay::Constant),
                options: |_, _| Default::default(),
                in_epochs: None,
                end: None,
            },
        },
        Kind {
            name: "inverse-time",
            options: &["decay", "warmup-epochs"],
            rules: Rules {
                decay: |given, span| {
                    Ok(Decay::InverseTime { decay: given.decay.unwrap_or(span.default_decay) })
                },
                options: |decay, _| match *decay {
                    Decay::InverseTime { decay } => {
                        ScheduleOptions { decay: Some(decay), ..Default::default() }
                    }
                    _ => Default::default(),
                },
                in_epochs: None,
                end: None,
            },
        },
        Kind {
            name: "step",
            options: &["step-epochs", "decay-factor", "warmup-epochs"],
            rules: Rules {
                decay: |given, span| {
                    let epochs = given.step_epochs.unwrap_or(5.0);
                    let every = steps("--step-epochs", epochs, span.n_batches)?.max(1);
                    if epochs == 0.0 {
                        return Err(Usage::error("--step-epochs: expected more than 0, found 0"));
                    }
                    Ok(Decay::Step { every, factor: given.decay_factor.unwrap_or(0.1) })
                },
                options: |decay, n_batches| match *decay {
                    Decay::Step { every, factor } => ScheduleOptions {
                        step_epochs: n_batches.map(|n| in_epochs(every, n)),
                        decay_factor: Some(factor),
                        ..Default::default()
                    },
                    _ => Default::default(),
                },
                in_epochs: Some("step-epochs"),
                end: None,
            },
        },
        Kind {
            name: "exponential",
            options: &["decay-factor", "warmup-epochs"],
            rules: Rules {
                decay: |given, span| {
                    let factor = given.decay_factor.unwrap_or(0.9);
                    // Checked as it was given: the factor of a step is of another size.
                    let decay = Decay::Exponential { factor };
                    Schedule { learning_rate: 1.0, warmup: 0, decay }.validate()?;
                    Ok(Decay::Exponential { factor: of_a_step(factor, span.n_batches) })
                },
                options: |decay, n_batches| match *decay {
                    Decay::Exponential { factor } => ScheduleOptions {
                        decay_factor: n_batches.map(|n| of_an_epoch(factor, n)),
                        ..Default::default()
                    },
                    _ => Default::default(),
                },
                in_epochs: Some("decay-factor"),
                end: None,
            },
        },
        Kind {
            name: "cosine",
            options: &["minimum-rate", "warmup-epochs"],
            rules: Rules {
                decay: |given, &Span { epochs, n_batches, warmup_epochs, blamed, .. }| {
                    if warmup_epochs >= epochs as f64 {
                        return Err(Usage::error(format!(
                            "{blamed}: expected a warm-up shorter than the run, for the cosine to follow, \
                             found {warmup_epochs} of {epochs} epochs"
                        )));
                    }
                    let warmup = steps("--warmup-epochs", warmup_epochs, n_batches)?;
                    let steps = epochs.saturating_mul(n_batches).saturating_sub(warmup).max(1);
                    Ok(Decay::Cosine { steps, minimum: given.minimum_rate.unwrap_or(0.0) })
                },
                options: |decay, _| match *decay {
                    Decay::Cosine { minimum, .. } => {
                        ScheduleOptions { minimum_rate: Some(minimum), ..Default::default() }
                    }
                    _ => Default::default(),
                },
                in_epochs: None,
                end: Some(End {
                    what: "cosine",
                    steps: |decay| match *decay {
                        Decay::Cosine { steps, .. } => Some(steps),
                        _ => None,
                    },
                }),
            },
        },
        Kind {
            name: "one-cycle",
            options: &[],
            rules: Rules {
                decay: |_, span| {
                    Ok(Decay::OneCycle { steps: span.epochs.saturating_mul(span.n_batches) })
                },
                options: |_, _| Default::default(),
                in_epochs: None,
                end: Some(End {
                    what: "cycle",
                    steps: |decay| match *decay {
                        Decay::OneCycle { steps } => Some(steps),
                        _ => None,
                    },
                }),
            },
        },
        Kind {
            name: "plateau",
            options: &["decay-factor", "patience", "min-delta", "warmup-epochs"],
            rules: Rules {
                decay: |given, _| {
                    Ok(Decay::Plateau {
                        factor: given.decay_factor.unwrap_or(0.1),
                        patience: given.patience.unwrap_or(2),
                        min_delta: given.min_delta.unwrap_or(1e-4),
                    })
                },
                options: |decay, _| match *decay {
                    Decay::Plateau { factor, patience, min_delta } => ScheduleOptions {
                        decay_factor: Some(factor),
                        patience: Some(patience),
                        min_delta: Some(min_delta),
                        ..Default::default()
                    },
                    _ => Default::default(),
                },
                in_epochs: None,
                end: None,
            },
        },
    ],
};

/// The options of the learning rate. Without one, a new run has the default, and a resumed run what was saved.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Learning rate")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct ScheduleOptions {
    /// The learning rate, or the peak rate after a warm-up and of one-cycle; can change on --resume [default:
    /// 0.001; with sgd and adagrad 1]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) learning_rate: Option<f64>,

    /// How the learning rate changes; cosine and one-cycle span all --epochs [default: inverse-time]
    #[arg(long, value_parser = SCHEDULES.values())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<String>,

    /// With inverse-time: the rate at a step is rate / (1 + decay * step) [default: 0.001 with adam and adamw, else 0]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    decay: Option<f64>,

    /// Epochs, or a fraction of one, in which the rate rises to its full value; not with one-cycle [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warmup_epochs: Option<f64>,

    /// With step: epochs between two drops of the rate [default: 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    step_epochs: Option<f64>,

    /// The rate is multiplied by this at each drop of step and plateau [default: 0.1], or each epoch of exponential
    /// [default: 0.9]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    decay_factor: Option<f64>,

    /// With cosine: the final rate [default: 0]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_rate: Option<f64>,

    /// With plateau: drop the rate after more than this many epochs in a row without a lower held-out loss, or
    /// training loss if none are held out [default: 2]
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    patience: Option<u64>,

    /// With plateau: how much lower a loss must be to count [default: 0.0001]
    #[arg(long, value_name = "LOSS", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    min_delta: Option<f64>,
}

impl ScheduleOptions {
    /// The schedule of a new run of `epochs`, each of `n_batches`. The default rate and decay are the optimizer's.
    pub(super) fn new_schedule(
        &self,
        (default_rate, default_decay): (f64, f64),
        epochs: Option<u64>,
        n_batches: u64,
    ) -> anyhow::Result<Schedule> {
        let kind = self.kind()?;
        self.check_options_of(kind.name)?;
        let learning_rate = self.learning_rate.unwrap_or(default_rate);
        let warmup_epochs = self.warmup_epochs.unwrap_or(0.0);
        let warmup = steps("--warmup-epochs", warmup_epochs, n_batches)?;
        let epochs = epochs.unwrap_or(EPOCHS);
        let blamed = "--warmup-epochs";
        let span = Span { default_decay, epochs, n_batches, warmup_epochs, blamed };
        validated(Schedule { learning_rate, warmup, decay: self.decay_over(&span)? })
    }

    /// The decay that these options give.
    pub(super) fn decay_over(&self, span: &Span) -> anyhow::Result<Decay> {
        let kind = self.kind()?;
        (kind.rules.decay)(self, span).map_err(|error| match error.is::<nn_optim::Error>() {
            true => kind.by_option(error),
            false => error,
        })
    }

    /// The options that give this schedule, complete. Without the number of batches of an epoch, those that count in
    /// epochs are left out.
    pub(super) fn of(schedule: &Schedule, n_batches: Option<u64>) -> Self {
        let Schedule { learning_rate, warmup, decay } = schedule;
        let Some(kind) = SCHEDULES.get(decay.name()) else { return Self::default() };
        let warmup_epochs = match warmup {
            0 => Some(0.0),
            &warmup => n_batches.map(|n| in_epochs(warmup, n)),
        };
        Self {
            learning_rate: Some(*learning_rate),
            schedule: Some(kind.name.into()),
            warmup_epochs: warmup_epochs.filter(|_| kind.options.contains(&"warmup-epochs")),
            ..(kind.rules.options)(decay, n_batches)
        }
    }

    /// These options, or else the others.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            learning_rate: self.learning_rate.or(other.learning_rate),
            schedule: self.schedule.or(other.schedule),
            decay: self.decay.or(other.decay),
            warmup_epochs: self.warmup_epochs.or(other.warmup_epochs),
            step_epochs: self.step_epochs.or(other.step_epochs),
            decay_factor: self.decay_factor.or(other.decay_factor),
            minimum_rate: self.minimum_rate.or(other.minimum_rate),
            patience: self.patience.or(other.patience),
            min_delta: self.min_delta.or(other.min_delta),
        }
    }

    /// Fails if an option is given that the schedule of this name does not have.
    pub(super) fn check_options_of(&self, schedule: &str) -> anyhow::Result<()> {
        SCHEDULES.check(schedule, table(self).keys())
    }

    fn kind(&self) -> anyhow::Result<&'static Kind<Rules>> {
        SCHEDULES.chosen(self.schedule.as_deref().unwrap_or(DEFAULT))
    }
}

/// What ends with the run under this schedule, and its steps from the first one on.
pub(super) fn end(schedule: &Schedule) -> Option<(&'static str, u64)> {
    let End { what, steps } = SCHEDULES.get(schedule.decay.name())?.rules.end.as_ref()?;
    Some((what, steps(&schedule.decay)?.saturating_add(schedule.warmup)))
}

/// The schedule, if its settings are in range.
pub(super) fn validated(schedule: Schedule) -> anyhow::Result<Schedule> {
    match (schedule.validate(), SCHEDULES.get(schedule.decay.name())) {
        (Ok(()), _) => Ok(schedule),
        (Err(error), Some(kind)) => Err(kind.by_option(error)),
        (Err(error), None) => Err(error.into()),
    }
}

/// The number of steps in so many epochs.
pub(super) fn steps(option: &str, epochs: f64, n_batches: u64) -> anyhow::Result<u64> {
    const MAX: f64 = nn_io::limits::HISTORY as f64;
    if !(0.0..=MAX).contains(&epochs) {
        let expected = format!("expected at least 0 and at most {MAX}");
        return Err(Usage::error(format!("{option}: {expected}, found {}", rounded(epochs))));
    }
    Ok((epochs * n_batches as f64).round() as u64)
}

/// The factor of an epoch that gives this factor of a step: the one with the fewest digits.
fn of_an_epoch(factor: f64, n_batches: u64) -> f64 {
    let epoch = factor.powf(n_batches as f64);
    let rounded = (0..=16).filter_map(|digits| format!("{epoch:.digits$e}").parse().ok());
    rounded.into_iter().find(|&it| of_a_step(it, n_batches) == factor).unwrap_or(epoch)
}

/// The factor of a step that gives this factor of an epoch.
fn of_a_step(factor: f64, n_batches: u64) -> f64 {
    factor.powf(1.0 / n_batches as f64)
}
