//! Options on a saved run: what must be as saved, and what changes.

use std::fmt;

use nn_core::Model;
use nn_io::ModelInfo;
use nn_optim::Schedule;
use nn_train::{Progress, TrainingState};
use serde::Serialize;
use serde_json::Number;

use super::{
    DataShape, EPOCHS, Error, Options, SavedRun,
    group::{plain, table},
    kind,
    schedule::{end, in_epochs},
};

/// A setting that differs from what was saved, from now on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The option, with its dashes.
    pub option: &'static str,
    /// Its value in the saved run.
    pub saved: Number,
    /// Its value from now on.
    pub given: Number,
    /// The learning rate that the next step would have had.
    pub next_rate_before: f64,
    /// The learning rate that it has.
    pub next_rate: f64,
    /// What changes.
    #[serde(skip)]
    pub subject: Subject,
}

/// What changes when a run resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The learning rate, from this epoch and batch on, both counted from 1.
    LearningRate {
        /// The epoch.
        epoch: u64,
        /// The batch.
        batch: u64,
    },
    /// The end of this part of the schedule, such as `cosine`.
    End(&'static str),
}

/// How a saved run continues.
#[derive(Clone, Debug, PartialEq)]
pub struct Resumed {
    /// The total number of epochs.
    pub epochs: u64,
    /// What differs from now on.
    pub changes: Vec<Change>,
}

impl Options {
    /// Lays these options over a saved run. The learning rate may change, and the length of a schedule that ends with the
    /// run; everything else must give the same run in steps.
    ///
    /// # Errors
    ///
    /// If an option would make another run; the error names it.
    pub fn resume(
        &self,
        model: &Model,
        state: &mut TrainingState,
        info: &ModelInfo,
        n_train: usize,
    ) -> Result<Resumed, Error> {
        let n_fit = n_train.saturating_sub(info.n_validation);
        let n_batches = n_fit.div_ceil(state.config.step_len()).max(1) as u64;
        let saved = Self::of(SavedRun { model, state, info }, Some(n_batches));
        let data =
            DataShape { inputs: model.inputs(), outputs: model.outputs(), n_train: Some(n_train) };
        self.agree(&saved, data)?;

        let own_epochs = end(&state.schedule)
            .map(|(_, steps)| steps.div_ceil(n_batches).clamp(1, nn_io::limits::HISTORY as u64));
        let epochs = self.data.epochs.or(own_epochs).unwrap_or(EPOCHS);
        let mut changes = Vec::new();
        if state.progress.epoch >= epochs {
            return Ok(Resumed { epochs, changes });
        }
        if let Some(given) = self.schedule.learning_rate {
            let saved = state.schedule.learning_rate;
            let schedule = Schedule { learning_rate: given, ..state.schedule };
            schedule.validate()?;
            let Progress { epoch, batch, .. } = state.progress;
            let subject = Subject::LearningRate { epoch: epoch + 1, batch: batch + 1 };
            let numbers = [given, saved].map(number);
            changes.extend(change(state, schedule, "--learning-rate", numbers, subject));
        }
        if let (Some(given), Some((name, steps))) = (self.data.epochs, end(&state.schedule)) {
            let rates = saved.optimizer.default_rates();
            let decay = saved
                .schedule
                .schedule(rates, given, n_batches)
                .map_err(|error| error.blame("epochs"))?
                .decay;
            let numbers = [given.into(), number(in_epochs(steps, n_batches))];
            let schedule = Schedule { decay, ..state.schedule };
            changes.extend(change(state, schedule, "--epochs", numbers, Subject::End(name)));
        }
        Ok(Resumed { epochs, changes })
    }

    /// Fails if an option gives another run than the saved one. Runs are compared in steps.
    fn agree(&self, saved: &Self, data: DataShape) -> Result<(), Error> {
        self.check()?;
        let all = self.clone().over(saved.clone());
        kind::check(&all.optimizer)?;
        kind::check(&all.schedule)?;
        let free = Self {
            data: super::DataOptions { epochs: None, dataset: None, ..self.data.clone() },
            places: Default::default(),
            schedule: super::ScheduleOptions { learning_rate: None, ..self.schedule.clone() },
            ..self.clone()
        };
        let saved_table = table(saved);
        let saved_recipe = saved.recipe(data)?;
        for (option, given) in table(&free) {
            // JSON has no numbers that are not finite.
            if given.is_null() {
                return Err(Error::range(&option, "a finite number", "inf or NaN"));
            }
            let alone = Self::one(&option, given.clone());
            let is_same = match (saved_table.get(&option), alone.over(saved.clone()).recipe(data)) {
                (Some(_), Ok(recipe)) => recipe == saved_recipe,
                _ => false,
            };
            if !is_same {
                let saved = saved_table.get(&option).map_or_else(|| "none".into(), plain);
                return Err(Error::not_saved(&option, saved, plain(&given)));
            }
        }
        Ok(())
    }
}

impl Error {
    /// The error of an option that differs from the saved run's.
    pub fn not_saved(option: &str, saved: impl fmt::Display, given: impl fmt::Display) -> Self {
        let problem = format!(
            "the saved run has {saved}, not {given}; leave the option out to resume the run, or start a new run \
             without --resume"
        );
        Self::option(option, problem)
    }
}

/// Gives the run another schedule. Returns the change, if it is one.
fn change(
    state: &mut TrainingState,
    schedule: Schedule,
    option: &'static str,
    [given, saved]: [Number; 2],
    subject: Subject,
) -> Option<Change> {
    if schedule == state.schedule {
        return None;
    }
    let next_rate_before = state.learning_rate();
    state.schedule = schedule;
    let next_rate = state.learning_rate();
    Some(Change { option, saved, given, next_rate_before, next_rate, subject })
}

/// A finite number.
fn number(number: f64) -> Number {
    Number::from_f64(number).unwrap_or_else(|| 0.into())
}
