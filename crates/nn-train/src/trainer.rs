//! A trainer: takes a model and the state of its run through epochs.

use std::ops::ControlFlow;

use nn_core::Model;
use nn_optim::Schedule;

use crate::{
    EpochOutcome, Error, Profile, Samples, Step, TrainingState,
    gradients::Gradients,
    profile::ProfileTotals,
    run::{Run, check_progress},
    shards::Shards,
    threads::Threads,
};

/// A model in training.
///
/// The model and [`TrainingState`] together are the whole run. A run that is resumed from them is bit-for-bit identical
/// to an uninterrupted one, with any number of threads.
pub struct Trainer {
    run: Run,
    threads: Threads,
}

impl Trainer {
    /// Starts or resumes a run on the given number of threads. With one, all work is done on the calling thread; so it
    /// is, whatever the number, without the feature `threads`.
    ///
    /// Allocates memory for a whole batch.
    ///
    /// # Errors
    ///
    /// If model and state do not belong together, the batch size exceeds the greatest number of samples, or the threads
    /// cannot be started.
    pub fn new(model: Model, state: TrainingState, threads: usize) -> Result<Self, Error> {
        state.check(&model)?;
        let shards = Shards::training(&model, state.config.batch_size);
        let threads = Threads::new(threads)?;
        let gradients = Gradients::new(&model, &state.config, &threads);
        let totals = ProfileTotals::new(&model);
        Ok(Self { run: Run { model, state, shards, gradients, totals }, threads })
    }

    /// Enables the clock in every stage of a step, for [`Trainer::profile`].
    pub fn enable_profile(&mut self) {
        let Run { model, shards, gradients, totals, .. } = &mut self.run;
        *totals = ProfileTotals::new(model);
        totals.timer.enable();
        gradients.enable_timers();
        shards.enable_timers();
    }

    /// Where the time of all steps since [`Trainer::enable_profile`] went.
    pub fn profile(&self) -> Profile {
        let Run { shards, gradients, totals, .. } = &self.run;
        let mut timer = totals.timer.clone();
        gradients.add_times(&mut timer);
        shards.add_times(&mut timer);
        let ProfileTotals { steps, elapsed, .. } = *totals;
        Profile { steps, elapsed, threads: self.threads.count(), stages: timer.stages() }
    }

    /// The model to use, in its current state: that of the best epoch, or with averaged weights, if the settings ask
    /// for it; otherwise the model in training.
    pub fn inference_model(&self) -> Model {
        let Run { model, state, .. } = &self.run;
        state.inference_model(model).expect("copies of the model were checked at the beginning")
    }

    /// The model in training, in its current state.
    pub fn model(&self) -> &Model {
        &self.run.model
    }

    /// Replaces the schedule, by one that need not be valid for a saved run.
    pub(crate) fn set_schedule(&mut self, schedule: Schedule) {
        self.run.state.schedule = schedule;
    }

    /// The current state of the rest of the run.
    pub fn state(&self) -> &TrainingState {
        &self.run.state
    }

    /// The model and the rest of the run.
    pub fn into_parts(self) -> (Model, TrainingState) {
        (self.run.model, self.run.state)
    }

    /// Trains to the end of the current epoch, then evaluates on `validation`.
    ///
    /// The order of the samples is a pure function of seed and epoch; the last, shorter batch is used too.
    /// `observer` sees each step, and can stop the run after it.
    ///
    /// # Errors
    ///
    /// If the samples do not fit the model or the progress, or are to be augmented or flipped but are not images. If
    /// the run diverges: the loss is not finite or the gradient too large, in which case the step is not taken, or at
    /// the end a parameter, a running statistic or the loss on `validation` is not finite.
    pub fn train_epoch(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        observer: &mut (dyn FnMut(Step<'_>) -> ControlFlow<()> + Send),
    ) -> Result<EpochOutcome, Error> {
        let Self { run, threads } = self;
        let config = &run.state.config;
        train.check(&run.model, config.loss)?;
        if config.augment.is_any() {
            train.check_images()?;
        }
        if let Some(validation) = validation {
            validation.check(&run.model, config.loss)?;
            if config.tta_flip {
                validation.check_images()?;
            }
        }
        check_progress(&run.state, train)?;
        threads.install(|| {
            let start = run.totals.timer.now();
            let outcome = run.epoch(train, validation, observer, threads);
            run.totals.elapsed += start.map(|start| start.elapsed()).unwrap_or_default();
            outcome
        })
    }
}
