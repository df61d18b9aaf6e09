//! The trainer, which trains a model epoch by epoch. An epoch is a pass over shuffled batches, then an evaluation on
//! the held-out samples. Training can stop after any step.

use std::ops::ControlFlow;

use nn_core::{
    LossSum, Model,
    rng::{Purpose, Stream},
};

use crate::{
    Best, EpochRecord, Error, EvaluationConfig, Metrics, Profile, Progress, RunConfig, Samples,
    Shuffle, TrainingState,
    divergence::{Divergence, check_params, check_step},
    gradients::Gradients,
    profile::{ProfileStage, ProfileTotals},
    shards::{Batch, Shards},
    state::copy,
    threads::Threads,
};

/// A training step, as reported to an observer.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The current epoch, counted from 1.
    pub epoch: u64,
    /// The number of steps taken in the epoch, including this one.
    pub batch: u64,
    /// The number of steps in an epoch.
    pub n_batches: u64,
    /// Sums over the steps taken in the epoch.
    pub sums: LossSum,
    /// Sums over this step.
    pub of_step: LossSum,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// The model after this step.
    pub model: &'a Model,
}

/// How [`Trainer::train_epoch`] ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpochOutcome {
    /// The epoch is complete, and its record is in the history.
    Completed(EpochRecord),
    /// The observer stopped the run. It can resume from its state after the last step.
    Stopped,
}

/// A function that is called after each step, and can stop the run.
type StepObserver<'a> = dyn FnMut(Step<'_>) -> ControlFlow<()> + Send + 'a;

/// Trains a model, epoch by epoch, on one or more threads.
///
/// The model and its [`TrainingState`] together are the whole run. A run that is resumed from them is bit-for-bit
/// identical to an uninterrupted one, with any number of threads.
pub struct Trainer {
    model: Model,
    pub(crate) state: TrainingState,
    shards: Shards,
    gradients: Gradients,
    totals: ProfileTotals,
    threads: Threads,
}

impl Trainer {
    /// Starts or resumes a run on the given threads.
    ///
    /// Allocates memory for a whole batch.
    ///
    /// # Errors
    ///
    /// If the model and the state do not belong together, or the batch size exceeds `u32::MAX`.
    pub fn new(model: Model, state: TrainingState, threads: &Threads) -> Result<Self, Error> {
        state.check(&model)?;
        state.config.choose_arithmetic()?;
        let shards = Shards::training(&model, state.config.batch_size, threads);
        let gradients = Gradients::new(&model, &state.config, threads);
        let totals = ProfileTotals::new(&model);
        Ok(Self { model, state, shards, gradients, totals, threads: threads.clone() })
    }

    /// Starts to measure the time of each stage of a step, for [`Trainer::profile`].
    pub fn enable_profile(&mut self) {
        self.totals = ProfileTotals::new(&self.model);
        self.totals.timer.enable();
        self.gradients.enable_timers();
        self.shards.enable_timers();
    }

    /// The time that training has spent in each stage since [`Trainer::enable_profile`].
    pub fn profile(&self) -> Profile {
        let mut timer = self.totals.timer.clone();
        self.gradients.add_times(&mut timer);
        self.shards.add_times(&mut timer);
        let ProfileTotals { steps, elapsed, .. } = self.totals;
        Profile { steps, elapsed, threads: self.threads.count(), stages: timer.stages() }
    }

    /// The model to predict with: that of the best epoch, or with averaged weights, if the settings ask for it;
    /// otherwise the model in training.
    pub fn inference_model(&self) -> Model {
        let model = self.state.inference_model(&self.model);
        model.expect("copies of the model were checked at the beginning")
    }

    /// The model in training.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The state of the run, without its model.
    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    /// Returns the model in training and the state of the run.
    pub fn into_parts(self) -> (Model, TrainingState) {
        (self.model, self.state)
    }

    /// Trains to the end of the current epoch, then evaluates on `validation`.
    ///
    /// The order of the samples depends only on the seed and the epoch. The last, smaller batch is used too.
    /// `observer` is called after each step, and can stop the run.
    ///
    /// # Errors
    ///
    /// If the samples do not fit the model or the progress of the run, or are to be augmented or flipped but are not
    /// images.
    ///
    /// If the run diverges. A step is not taken if its loss is not finite or its gradient too large. When the steps are
    /// done, the parameters, the running statistics and the loss on `validation` must be finite.
    pub fn train_epoch(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        observer: &mut StepObserver<'_>,
    ) -> Result<EpochOutcome, Error> {
        let RunConfig { loss, augment, tta_flip, .. } = self.state.config;
        train.check(&self.model, loss, augment.is_any())?;
        if let Some(validation) = validation {
            validation.check(&self.model, loss, tta_flip)?;
        }
        self.state.check_progress(train.len())?;
        let threads = self.threads.clone();
        threads.install(|| {
            let start = self.totals.timer.now();
            let outcome = self.epoch(train, validation, observer);
            self.totals.elapsed += start.map(|start| start.elapsed()).unwrap_or_default();
            outcome
        })
    }

    /// [`Trainer::train_epoch`], on one of the threads and without the checks.
    fn epoch(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        observer: &mut StepObserver<'_>,
    ) -> Result<EpochOutcome, Error> {
        let Progress { epoch, batch: done, .. } = self.state.progress;
        self.totals.timer.start();
        let order = epoch_order(&self.state.config, epoch, train);
        self.totals.timer.record(ProfileStage::Shuffle);
        let n_batches = self.state.config.n_batches(train.len());
        let drops = self.state.drops();
        let mut is_stopped = false;
        for indices in order.chunks(self.state.config.step_len()).skip(done as usize) {
            let learning_rate = self.state.schedule.rate_at(self.state.optimizer.step(), drops);
            let of_step = self.step(train, indices, learning_rate)?;
            let Progress { batch, sums, .. } = self.state.progress;
            let model = &self.model;
            let step =
                Step { epoch: epoch + 1, batch, n_batches, sums, of_step, learning_rate, model };
            is_stopped = observer(step).is_break();
            if is_stopped {
                break;
            }
        }
        check_params(&self.model).map_err(|found| {
            found.at(epoch + 1, self.state.optimizer.step(), &self.state.schedule)
        })?;
        match is_stopped {
            true => Ok(EpochOutcome::Stopped),
            false => self.finish_epoch(validation, drops).map(EpochOutcome::Completed),
        }
    }

    /// Takes a step over the samples at `indices`, and returns its sums.
    fn step(
        &mut self,
        train: &Samples<'_>,
        indices: &[u32],
        learning_rate: f64,
    ) -> Result<LossSum, Error> {
        let Self { model, state, shards, gradients, totals, .. } = self;
        let config = &state.config;
        let (epoch, step) = (state.progress.epoch, state.optimizer.step());
        let mut sums = LossSum::default();
        for (of_step, batch) in indices.chunks(config.batch_size).enumerate() {
            let batch = Batch { indices: batch, epoch, step, of_step, step_len: indices.len() };
            let of_batch = shards.forward_backward(model, train, config, &batch);
            check_step(model, shards, gradients, of_batch)
                .map_err(|found| found.at(epoch + 1, step + 1, &state.schedule))?;
            sums += of_batch;
            if gradients.are_whole() {
                gradients.add(shards, model, of_step == 0);
            }
            model.update_statistics(shards.statistics());
        }
        if gradients.are_whole() {
            gradients.finish(model);
        }
        let average = state.average.as_deref_mut().unwrap_or_default();
        let decay = config.averaging.map_or(0.0, |decay| average_decay(decay, step));
        let update = state.optimizer.begin_step(learning_rate);
        gradients.update(shards, model, update, (average, decay));
        totals.steps += 1;
        state.progress.batch += 1;
        state.progress.sums += sums;
        Ok(sums)
    }

    /// Evaluates the model, and adds the epoch's record to the history.
    fn finish_epoch(
        &mut self,
        validation: Option<&Samples<'_>>,
        drops: u32,
    ) -> Result<EpochRecord, Error> {
        let Self { model, state, shards, .. } = self;
        let (epoch, n_steps) = (state.progress.epoch, state.optimizer.step());
        let averaged = state.average.as_ref().map(|_| state.averaged(model)).transpose()?;
        let evaluated = averaged.as_ref().unwrap_or(model);
        let RunConfig { loss, tta_flip, monitor, keep_best, .. } = state.config;
        let config = EvaluationConfig { loss: loss.plain(), tta_flip };
        let evaluate = |samples| Metrics::from(shards.evaluate(evaluated, samples, config).sums);
        let validation = validation.map(evaluate);
        // Only this evaluation shows that the last step made the parameters too large.
        if let Some(Metrics { loss, .. }) = validation.filter(|it| !it.loss.is_finite()) {
            let found = Divergence { what: "the loss on held-out samples".into(), value: loss };
            return Err(found.at(epoch + 1, n_steps, &state.schedule));
        }
        let record = EpochRecord {
            train: Metrics::from(state.progress.sums),
            validation,
            penalty: model.penalty(&state.config.penalties),
            learning_rate: state.schedule.rate_at(n_steps - 1, drops),
        };
        state.history.push(record);
        let best_epoch = monitor.best_epoch(&state.history);
        if keep_best && best_epoch == state.history.len().checked_sub(1) {
            let (params, statistics) = (copy(evaluated.params()), copy(evaluated.statistics()));
            state.best = Some(Best { params, statistics });
        }
        state.progress = Progress { epoch: epoch + 1, ..Progress::default() };
        Ok(record)
    }
}

/// The decay of the moving average at a step, counted from 0. It is smaller in the first steps, so that the initial
/// weights are soon forgotten, as in TensorFlow's `ExponentialMovingAverage` with `num_updates`.
fn average_decay(decay: f64, step: u64) -> f32 {
    let step = step as f64;
    decay.min((1.0 + step) / (10.0 + step)) as f32
}

/// The order in which an epoch, counted from 0, visits its samples, batch after batch.
///
/// Batches are random. Within a batch the order does not matter, so samples are sorted by class: neighbours then have
/// zeros in the same places, and products skip more of them.
fn epoch_order(config: &RunConfig, epoch: u64, samples: &Samples<'_>) -> Vec<u32> {
    let mut order: Vec<u32> = (0..samples.len() as u32).collect();
    let drawn_for = match config.shuffle {
        Shuffle::EachEpoch => epoch,
        Shuffle::Once => 0,
    };
    Stream::new(config.seed, Purpose::Shuffle, drawn_for).shuffle(&mut order);
    for batch in order.chunks_mut(config.batch_size) {
        batch.sort_by_key(|&index| samples.labels.class(index as usize));
    }
    order
}
