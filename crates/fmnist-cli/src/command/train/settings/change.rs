//! The options of the learning rate on `--resume`: what must be as saved, and what changes.

use nn_optim::Schedule;
use nn_train::TrainingState;
use serde_json::{Value, json};

use super::{
    option::{agree, plain, table},
    schedule::{SCHEDULES, ScheduleOptions, Span, end, steps, validated},
    training::EPOCHS,
};
use crate::{schedule::in_epochs, text::rounded};

/// A setting that differs from what was saved, from now on.
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

impl ScheduleOptions {
    /// Fails if a given option that must not change differs from the saved schedule, as far as that is known without
    /// the data.
    pub(super) fn agree(&self, saved: &Schedule) -> anyhow::Result<()> {
        let name = saved.decay.name().replace('_', "-");
        agree("--schedule", self.schedule.as_ref(), &name)?;
        self.check_options_of(&name)?;
        let saved = table(&Self::of(saved, None));
        for (option, given) in table(self) {
            // The rate may change, and a warm-up is compared in steps.
            let is_fixed = !["learning-rate", "warmup-epochs"].contains(&option.as_str());
            if let Some(saved) = saved.get(&option).filter(|_| is_fixed) {
                agree(&format!("--{option}"), Some(&plain(&given)), &plain(saved))?;
            }
        }
        Ok(())
    }

    /// The same for options that count in epochs, which are compared in steps.
    fn agree_in_epochs(&self, saved: &Schedule, n_batches: u64) -> anyhow::Result<()> {
        let said = Self::of(saved, Some(n_batches));
        let given_warmup = self.warmup_epochs.map(|it| steps("--warmup-epochs", it, n_batches));
        let in_epochs = SCHEDULES.get(saved.decay.name()).and_then(|kind| kind.rules.in_epochs);
        let mut differs = Vec::new();
        if given_warmup.transpose()?.is_some_and(|warmup| warmup != saved.warmup) {
            differs.push("warmup-epochs");
        }
        if let Some(option) = in_epochs {
            let span = span(saved, EPOCHS, n_batches);
            if self.clone().or(said.clone()).decay_over(&span)? != said.decay_over(&span)? {
                differs.push(option);
            }
        }
        let (given, saved) = (table(self), table(&said));
        for option in differs {
            let saved = saved.get(option).map(plain).unwrap_or_default();
            agree(&format!("--{option}"), given.get(option).map(plain).as_ref(), &saved)?;
        }
        Ok(())
    }

    /// Gives a resumed run, if it has epochs to go, the given rate and length instead of the saved ones. Returns the
    /// total number of epochs, and the changes.
    pub(in crate::command) fn resume(
        &self,
        state: &mut TrainingState,
        given_epochs: Option<u64>,
        n_batches: u64,
    ) -> anyhow::Result<(u64, Vec<Change>)> {
        self.agree_in_epochs(&state.schedule, n_batches)?;
        let own_epochs = end(&state.schedule)
            .map(|(_, steps)| steps.div_ceil(n_batches).clamp(1, nn_io::limits::HISTORY as u64));
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
                batch => format!("epoch {epoch}, batch {}", batch + 1),
            };
            let what = format!("from {from}: learning rate {given} instead of {saved}");
            let schedule = Schedule { learning_rate: given, ..state.schedule };
            let said = ("--learning-rate", given.into(), saved.into(), what);
            changes.extend(change(state, schedule, said)?);
        }
        if let (Some(given), Some((name, saved))) = (given_epochs, end(&state.schedule)) {
            let span = span(&state.schedule, given, n_batches);
            let decay = Self::of(&state.schedule, Some(n_batches)).decay_over(&span)?;
            let saved = in_epochs(saved, n_batches);
            let what =
                format!("the {name} now ends after {given} epochs instead of {}", rounded(saved));
            let said = ("--epochs", given.into(), saved.into(), what);
            changes.extend(change(state, Schedule { decay, ..state.schedule }, said)?);
        }
        Ok((epochs, changes))
    }
}

/// A saved schedule over so many epochs.
fn span(saved: &Schedule, epochs: u64, n_batches: u64) -> Span {
    let warmup_epochs = in_epochs(saved.warmup, n_batches);
    Span { default_decay: 0.0, epochs, n_batches, warmup_epochs, blamed: "--epochs" }
}

/// Gives the run another schedule. Returns the change, if it is one.
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
