//! The loop over epochs. It ends after the last epoch, by early stopping, or when the caller stops it.

use std::ops::ControlFlow;

use crate::{EpochOutcome, EpochRecord, Error, Samples, Step, Trainer};

/// An event of a run, as [`Trainer::fit_with`] reports it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A step was taken.
    Step(Step<'a>),
    /// An epoch is complete.
    Epoch {
        /// Its record, the last of the history.
        record: EpochRecord,
        /// The trainer after the epoch.
        trainer: &'a Trainer,
    },
}

/// A function that is called with each event of a run, and can stop the run.
pub type Observer<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + Send + 'a;

/// How [`Trainer::fit`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FitOutcome {
    /// All epochs are done.
    Completed,
    /// Early stopping ended the run: see [`crate::RunConfig::early_stop`].
    StoppedEarly,
    /// The observer stopped the run, perhaps in the middle of an epoch. The run can resume from there.
    Stopped,
}

impl Trainer {
    /// Trains until the run has `epochs` epochs in total, or early stopping ends it. Each epoch is evaluated on
    /// `validation`, if that is given.
    ///
    /// # Errors
    ///
    /// As [`Trainer::train_epoch`].
    pub fn fit(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        epochs: u64,
    ) -> Result<FitOutcome, Error> {
        self.fit_with(train, validation, epochs, &mut |_| ControlFlow::Continue(()))
    }

    /// Trains like [`Trainer::fit`], and calls `observer` after each step and each epoch. It can stop the run after
    /// either.
    ///
    /// # Errors
    ///
    /// As [`Trainer::train_epoch`].
    pub fn fit_with(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        epochs: u64,
        observer: &mut Observer<'_>,
    ) -> Result<FitOutcome, Error> {
        while self.state().progress.epoch < epochs {
            if self.state().stops_early() {
                return Ok(FitOutcome::StoppedEarly);
            }
            let steps = &mut |step: Step<'_>| observer(Event::Step(step));
            let EpochOutcome::Completed(record) = self.train_epoch(train, validation, steps)?
            else {
                return Ok(FitOutcome::Stopped);
            };
            if observer(Event::Epoch { record, trainer: self }).is_break() {
                return Ok(FitOutcome::Stopped);
            }
        }
        Ok(FitOutcome::Completed)
    }
}
