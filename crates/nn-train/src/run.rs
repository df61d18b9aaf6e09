//! An epoch of a run: shuffled batches, evaluation on the held-out samples, and a stop after any step.

use std::ops::ControlFlow;

use nn_core::{
    LossSum, Model,
    rng::{Purpose, Stream},
};

use crate::{
    Best, EpochRecord, Error, EvaluationConfig, Metrics, Progress, RunConfig, Samples, Shuffle,
    TrainingState,
    divergence::{check_params, check_step, check_validation},
    gradients::Gradients,
    profile::{ProfileStage, ProfileTotals},
    shards::{Batch, Shards},
    state::copy,
    threads::Threads,
};

/// A step, as an observer of the run sees it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The current epoch, counted from 1.
    pub epoch: u64,
    /// Steps done of the epoch, including this one.
    pub batch: u64,
    /// Steps of an epoch.
    pub n_batches: u64,
    /// Sums over the steps done of the epoch.
    pub sums: LossSum,
    /// Sums over this step.
    pub of_step: LossSum,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// The model after this step.
    pub model: &'a Model,
}

/// How [`crate::Trainer::train_epoch`] ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpochOutcome {
    /// The epoch is complete, and its record is in the history.
    Completed(EpochRecord),
    /// The observer asked to stop. The state is that after the last step, from which the run can resume.
    Stopped,
}

/// A function that sees each step, and can stop the run after it.
pub(crate) type Observer<'a> = dyn FnMut(Step<'_>) -> ControlFlow<()> + Send + 'a;

/// A run, and the memory that it needs.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) state: TrainingState,
    pub(crate) shards: Shards,
    pub(crate) gradients: Gradients,
    pub(crate) totals: ProfileTotals,
}

impl Run {
    /// Trains to the end of the current epoch, unless the observer stops it, then evaluates on `validation`.
    pub(crate) fn epoch(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        observer: &mut Observer<'_>,
        threads: &Threads,
    ) -> Result<EpochOutcome, Error> {
        let config = self.state.config.clone();
        let Progress { epoch, batch: done, .. } = self.state.progress;
        self.totals.timer.start();
        let order = epoch_order(&config, epoch, train);
        self.totals.timer.record(ProfileStage::Shuffle);
        let n_batches = n_batches(&config, train.len());
        let drops = self.state.drops();
        let mut is_stopped = false;
        for indices in order.chunks(config.step_len()).skip(done as usize) {
            let learning_rate = self.state.schedule.rate_at(self.state.optimizer.step(), drops);
            let of_step = self.step(train, indices, &config, learning_rate, threads)?;
            let Progress { batch, sums, .. } = self.state.progress;
            let model = &self.model;
            let step =
                Step { epoch: epoch + 1, batch, n_batches, sums, of_step, learning_rate, model };
            is_stopped = observer(step).is_break();
            if is_stopped {
                break;
            }
        }
        check_params(&self.model)
            .map_err(|found| found.at(epoch + 1, self.state.optimizer.step()))?;
        match is_stopped {
            true => Ok(EpochOutcome::Stopped),
            false => self.finish_epoch(validation, drops, threads).map(EpochOutcome::Completed),
        }
    }

    /// Takes a step over the samples at `indices`, and returns its sums.
    fn step(
        &mut self,
        train: &Samples<'_>,
        indices: &[u32],
        config: &RunConfig,
        learning_rate: f64,
        threads: &Threads,
    ) -> Result<LossSum, Error> {
        let Self { model, state, shards, gradients, totals } = self;
        let (epoch, step) = (state.progress.epoch, state.optimizer.step());
        let mut sums = LossSum::default();
        for (of_step, batch) in indices.chunks(config.batch_size).enumerate() {
            let batch = Batch { indices: batch, epoch, step, of_step, step_len: indices.len() };
            let of_batch = shards.forward_backward(model, train, config, &batch, threads);
            check_step(model, shards, gradients, of_batch)
                .map_err(|found| found.at(epoch + 1, step + 1))?;
            sums += of_batch;
            if gradients.are_whole() {
                gradients.add(shards, model, of_step == 0, threads);
            }
            model.update_statistics(shards.statistics());
        }
        if gradients.are_whole() {
            gradients.finish(model);
        }
        let average = state.average.as_deref_mut().unwrap_or_default();
        let decay = config.averaging.map_or(0.0, |decay| average_decay(decay, step));
        let update = state.optimizer.begin_step(learning_rate);
        gradients.update(shards, model, update, (average, decay), threads);
        totals.steps += 1;
        state.progress.batch += 1;
        state.progress.sums += sums;
        Ok(sums)
    }

    /// Evaluates the model, and completes the epoch with a record in the history.
    fn finish_epoch(
        &mut self,
        validation: Option<&Samples<'_>>,
        drops: u32,
        threads: &Threads,
    ) -> Result<EpochRecord, Error> {
        let Self { model, state, shards, .. } = self;
        let (epoch, n_steps) = (state.progress.epoch, state.optimizer.step());
        let averaged = state.average.as_ref().map(|_| state.averaged(model)).transpose()?;
        let evaluated = averaged.as_ref().unwrap_or(model);
        let RunConfig { loss, tta_flip, monitor, keep_best, .. } = state.config;
        let config = EvaluationConfig { loss: loss.plain(), tta_flip };
        let evaluate =
            |samples| Metrics::from(shards.evaluate(evaluated, samples, config, threads).sums);
        let validation = validation.map(evaluate);
        check_validation(validation).map_err(|found| found.at(epoch + 1, n_steps))?;
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
/// Batches are random. Within one, where the order has no meaning, samples are sorted by class, so that neighbours
/// have their zeros in the same places and products skip more of them.
fn epoch_order(config: &RunConfig, epoch: u64, samples: &Samples<'_>) -> Vec<u32> {
    let mut order: Vec<u32> = (0..samples.len() as u32).collect();
    let drawn_for = match config.shuffle {
        Shuffle::EachEpoch => epoch,
        Shuffle::Once => 0,
    };
    Stream::new(config.seed, Purpose::Shuffle, drawn_for).shuffle(&mut order);
    for batch in order.chunks_mut(config.batch_size) {
        batch.sort_by_key(|&index| samples.class(index as usize));
    }
    order
}

/// Steps of an epoch.
fn n_batches(config: &RunConfig, n_samples: usize) -> u64 {
    n_samples.div_ceil(config.step_len()) as u64
}

/// The error if the run cannot have come this far on these samples.
pub(crate) fn check_progress(state: &TrainingState, train: &Samples<'_>) -> Result<(), Error> {
    let Progress { epoch, batch, sums } = state.progress;
    let (n_samples, batches) = (train.len(), n_batches(&state.config, train.len()));
    let seen = batch.saturating_mul(state.config.step_len() as u64).min(n_samples as u64);
    if batch > batches || sums.n_samples != seen {
        return Err(Error::Progress { batch, n_samples, batches });
    }
    let (expected, found) = (epoch.checked_mul(batches), state.optimizer.step());
    match expected.and_then(|steps| steps.checked_add(batch)) {
        Some(expected) if expected == found => Ok(()),
        _ => Err(Error::Steps { epoch, batch, found }),
    }
}
