//! Epochs: shuffled batches, validation, and a stop at any step.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use nn_core::{
    Buffer, LossSum, Model,
    rng::{Purpose, Stream},
};
use nn_optim::{LARGEST_GRADIENT, Optimizer, OptimizerConfig, Schedule};
use rayon::ThreadPool;

use crate::{
    Best, EpochRecord, Error, EvaluationConfig, Metrics, Profile, Progress, RunConfig, Samples,
    Shuffle, Stage, TrainingState,
    gradients::{Average, Gradients},
    passes::{Batch, Parts, thread_pool},
    profile::Laps,
};

impl TrainingState {
    /// The state of a run of `model` that has not begun.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range.
    pub fn new(
        model: &Model,
        optimizer: OptimizerConfig,
        schedule: Schedule,
        config: RunConfig,
    ) -> Result<Self, Error> {
        config.check(model)?;
        schedule.validate()?;
        Ok(Self {
            optimizer: Optimizer::new(optimizer, model.params().len())?,
            schedule,
            average: config.averaging.map(|_| copy(model.params())),
            config,
            progress: Progress::default(),
            history: Vec::new(),
            best: None,
        })
    }
}

fn copy(values: &[f32]) -> Buffer {
    let mut copy = Buffer::new(0);
    copy.extend_from_slice(values);
    copy
}

/// A step as the observer of a run sees it.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The epoch under way, counted from 1.
    pub epoch: u64,
    /// Batches done of the epoch, this one included.
    pub batch: u64,
    /// Batches of an epoch.
    pub n_batches: u64,
    /// Sums over those done.
    pub sums: LossSum,
    /// Sums over this one.
    pub of_step: LossSum,
    /// The learning rate it was taken at.
    pub learning_rate: f64,
}

/// How [`Trainer::train_epoch`] came to an end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EpochOutcome {
    /// The epoch is complete and its record in the history.
    Completed(EpochRecord),
    /// The observer asked to stop; the state is that of the last step and can be carried on from.
    Stopped,
}

/// A model in training.
///
/// The model and [`TrainingState`] together are the whole run: a trainer made of them carries on
/// with the very bits of one that never stopped, on any number of threads.
pub struct Trainer {
    run: Run,
    pool: ThreadPool,
}

/// A run, and the memory that it takes.
struct Run {
    model: Model,
    state: TrainingState,
    parts: Parts,
    gradients: Gradients,
    measured: Measured,
}

/// What a profile is made of, beside the clocks of the threads.
struct Measured {
    steps: u64,
    elapsed: Duration,
    laps: Laps,
}

impl Trainer {
    /// Begins a run, or carries one on, on the given number of threads.
    ///
    /// # Errors
    ///
    /// If model and state do not belong together, a batch has more samples than there can be, or the threads cannot be
    /// started.
    ///
    /// Takes memory for a whole batch.
    pub fn new(model: Model, state: TrainingState, threads: usize) -> Result<Self, Error> {
        state.config.check(&model)?;
        state.schedule.validate()?;
        let expected = model.params().len();
        let moments = state.optimizer.moments().iter();
        if let Some(found) = moments.map(|moment| moment.len()).find(|&found| found != expected) {
            return Err(Error::Moments { expected, found });
        }
        check_copies(&model, &state)?;
        if state.config.batch_size > u32::MAX as usize {
            let (name, expected) =
                ("batch size", "at most 4294967295, as many samples as there can be");
            return Err(Error::Config { name, expected, found: state.config.batch_size as f64 });
        }
        let parts = Parts::training(&model, state.config.batch_size);
        let pool = thread_pool(threads)?;
        let gradients = Gradients::new(&model, &state.config, pool.current_num_threads());
        let measured = Measured { steps: 0, elapsed: Duration::ZERO, laps: Laps::new(&model) };
        Ok(Self { run: Run { model, state, parts, gradients, measured }, pool })
    }

    /// Has the clock read in every stage of a step from now on, for [`Trainer::profile`].
    pub fn enable_profile(&mut self) {
        self.run.measured.laps.enable();
        self.run.gradients.enable_laps();
        self.run.parts.enable_laps();
    }

    /// Where the time of all steps went since [`Trainer::enable_profile`].
    pub fn profile(&self) -> Profile {
        let Run { parts, gradients, measured: Measured { steps, elapsed, laps }, .. } = &self.run;
        let mut laps = laps.clone();
        gradients.add_laps(&mut laps);
        parts.add_laps(&mut laps);
        let threads = self.pool.current_num_threads();
        Profile { steps: *steps, elapsed: *elapsed, threads, stages: laps.stages() }
    }

    /// The model that the run is for, as it is now: of the best epoch, or with averaged weights, where the run has
    /// them; else the model in training.
    pub fn inference_model(&self) -> Model {
        let Run { model, state, .. } = &self.run;
        state.inference_model(model).expect("copies of the model were checked at the beginning")
    }

    /// The model in training as it is now.
    pub fn model(&self) -> &Model {
        &self.run.model
    }

    /// Gives the run another schedule, which need not be one that a run can be saved with.
    pub(crate) fn set_schedule(&mut self, schedule: Schedule) {
        self.run.state.schedule = schedule;
    }

    /// The rest of the run as it is now.
    pub fn state(&self) -> &TrainingState {
        &self.run.state
    }

    /// The model and the rest of the run.
    pub fn into_parts(self) -> (Model, TrainingState) {
        (self.run.model, self.run.state)
    }

    /// Trains to the end of the epoch under way, then evaluates on `validation`.
    ///
    /// The samples are visited in an order that is a pure function of seed and epoch; the last,
    /// shorter batch is used too. After each step `observer` is told, and can stop the run there.
    ///
    /// # Errors
    ///
    /// If the samples do not fit the model or the progress; or if the run diverges, that is, the
    /// loss becomes infinite or NaN, in which case the step is not taken, or a parameter, or the
    /// loss on `validation`, is so at the end.
    pub fn train_epoch(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        observer: &mut (dyn FnMut(Step) -> ControlFlow<()> + Send),
    ) -> Result<EpochOutcome, Error> {
        let Self { run, pool } = self;
        let config = &run.state.config;
        train.check(&run.model, config.loss)?;
        if config.augment.is_any() {
            train.check_images()?;
        }
        if let Some(validation) = validation {
            validation.check(&run.model, config.loss)?;
            if config.mirror {
                validation.check_images()?;
            }
        }
        check_progress(&run.state, train)?;
        pool.install(|| {
            let start = Instant::now();
            let outcome = run.epoch(train, validation, observer);
            run.measured.elapsed += start.elapsed();
            outcome
        })
    }
}

impl Run {
    fn epoch(
        &mut self,
        train: &Samples<'_>,
        validation: Option<&Samples<'_>>,
        observer: &mut (dyn FnMut(Step) -> ControlFlow<()> + Send),
    ) -> Result<EpochOutcome, Error> {
        let Self { model, state, parts, gradients, measured } = self;
        let config = state.config.clone();
        let epoch = state.progress.epoch;
        measured.laps.start();
        let order = epoch_order(&config, epoch, train);
        measured.laps.lap(Stage::Shuffle);
        let n_batches = n_batches(&config, train.len());
        let drops = state.drops();
        let done = state.progress.batch as usize;
        for of_step in order.chunks(config.step_len()).skip(done) {
            let step = state.optimizer.step();
            let mut step_sums = LossSum::default();
            for (i, indices) in of_step.chunks(config.batch_size).enumerate() {
                let step_len = of_step.len();
                let batch = Batch { indices, epoch, step, of_step: i, step_len };
                let sums = parts.forward_backward(model, train, &config, &batch);
                check_step(model, parts, gradients, sums)
                    .map_err(|found| found.at(epoch + 1, step + 1))?;
                step_sums += sums;
                if gradients.are_whole() {
                    gradients.add(parts, model, i == 0);
                }
                model.update_statistics(parts.statistics());
            }
            if gradients.are_whole() {
                gradients.finish(model, config.clip);
            }
            let learning_rate = state.schedule.rate_at(step, drops);
            let average = state.average.as_deref_mut().zip(config.averaging);
            let average = average
                .map(|(params, decay)| Average { params, decay: average_decay(decay, step) });
            let update = state.optimizer.begin_step(learning_rate);
            gradients.update(parts, model, update, average);

            measured.steps += 1;
            state.progress.batch += 1;
            state.progress.sums += step_sums;
            let Progress { batch, sums, .. } = state.progress;
            let step = Step {
                epoch: epoch + 1,
                batch,
                n_batches,
                sums,
                of_step: step_sums,
                learning_rate,
            };
            if observer(step).is_break() {
                check_params(model, state)?;
                return Ok(EpochOutcome::Stopped);
            }
        }
        check_params(model, state)?;
        let averaged = match &state.average {
            Some(_) => Some(state.averaged(model)?),
            None => None,
        };
        let judged = averaged.as_ref().unwrap_or(model);
        let evaluation = EvaluationConfig { loss: config.loss.plain(), mirror: config.mirror };
        let validation = validation
            .map(|samples| Metrics::from(parts.evaluate(judged, samples, evaluation).sums));
        check_validation(validation)
            .map_err(|found| found.at(epoch + 1, state.optimizer.step()))?;
        let record = EpochRecord {
            train: Metrics::from(state.progress.sums),
            validation,
            penalty: model.penalty(&config.penalties),
            learning_rate: state.schedule.rate_at(state.optimizer.step() - 1, drops),
        };
        state.history.push(record);
        let best_epoch = config.monitor.best_epoch(&state.history);
        if config.keep_best && best_epoch == state.history.len().checked_sub(1) {
            let (params, statistics) = (copy(judged.params()), copy(judged.statistics()));
            state.best = Some(Best { params, statistics });
        }
        state.progress = Progress { epoch: epoch + 1, ..Progress::default() };
        Ok(EpochOutcome::Completed(record))
    }
}

/// How much of the moving average stays at a step, counted from 0: less in the first steps, so that the weights of the
/// beginning are soon forgotten, as in TensorFlow's `ExponentialMovingAverage` with `num_updates`.
fn average_decay(decay: f64, step: u64) -> f32 {
    let step = step as f64;
    decay.min((1.0 + step) / (10.0 + step)) as f32
}

/// The error where a copy of the model's parameters is missing, superfluous or of another model.
fn check_copies(model: &Model, state: &TrainingState) -> Result<(), Error> {
    let TrainingState { config, average, best, .. } = state;
    let n_params = |is_there: bool| if is_there { model.params().len() } else { 0 };
    let len = |buffer: Option<&Buffer>| buffer.map_or(0, |buffer| buffer.len());
    let has_best = best.is_some() && config.keep_best;
    let found_best = best.as_ref();
    let n_statistics = if has_best { model.statistics().len() } else { 0 };
    let copies = [
        ("parameters of the average", len(average.as_ref()), n_params(config.averaging.is_some())),
        ("parameters of the best epoch", len(found_best.map(|it| &it.params)), n_params(has_best)),
        ("statistics of the best epoch", len(found_best.map(|it| &it.statistics)), n_statistics),
    ];
    match copies.into_iter().find(|(_, found, expected)| found != expected) {
        None => Ok(()),
        Some((what, found, expected)) => Err(Error::Samples { what, expected, found }),
    }
}

/// A number that a run cannot go on with: what it is of, and its value.
struct Divergence {
    what: String,
    value: f64,
}

impl Divergence {
    fn at(self, epoch: u64, step: u64) -> Error {
        let Self { what, value } = self;
        Error::Diverged { epoch, step, what, value }
    }
}

/// The divergence that would harm the parameters or the optimizer's state, were the step taken.
fn check_step(
    model: &Model,
    parts: &Parts,
    gradients: &Gradients,
    sums: LossSum,
) -> Result<(), Divergence> {
    if !sums.loss.is_finite() {
        return Err(match parts.first_not_finite() {
            Some((layer, value)) => {
                let name = model.layers()[layer].spec().name();
                let what = format!("the output of layer {layer} ({name})");
                Divergence { what, value: f64::from(value) }
            }
            None => Divergence { what: "the loss".into(), value: sums.mean_loss() },
        });
    }
    // The gradient itself is only in the threads' caches, and there only while it is used.
    if parts.gradient_bound() < f64::from(LARGEST_GRADIENT) {
        return Ok(());
    }
    match gradients.find_beyond(LARGEST_GRADIENT, parts, model) {
        None => Ok(()),
        Some((block, value)) => {
            let name = model.layers()[block.layer()].spec().name();
            let what = format!("the gradient of layer {} ({name})", block.layer());
            Err(Divergence { what, value: f64::from(value) })
        }
    }
}

/// The divergence that the steps of an epoch did not meet: parameters that the last of them made large show only in the
/// loss of what is evaluated with them.
fn check_validation(validation: Option<Metrics>) -> Result<(), Divergence> {
    match validation {
        Some(Metrics { loss, .. }) if !loss.is_finite() => {
            Err(Divergence { what: "the loss on held-out samples".into(), value: loss })
        }
        _ => Ok(()),
    }
}

/// The error where a parameter or a running statistic is not finite, though the loss did not show it yet: a batch
/// normalisation makes small outputs of inputs whose variance is too large for its 32 bits. A moment is finite where its
/// parameter is: those of squares are by the check of the step, Adam's first is a mean of gradients, and SGD's momentum is
/// added to the parameter.
fn check_params(model: &Model, state: &TrainingState) -> Result<(), Error> {
    let first = |values: &[f32]| values.iter().position(|value| !value.is_finite());
    let (at, value, index) = match (first(model.params()), first(model.statistics())) {
        (Some(at), _) => (at, model.params()[at], model.index().to_vec()),
        (None, Some(at)) => {
            let index = Model::statistics_index(&model.specs()).map_err(Error::Objective)?;
            (at, model.statistics()[at], index)
        }
        (None, None) => return Ok(()),
    };
    let param = index.iter().find(|param| param.range.contains(&at));
    let what = param.map_or_else(|| "a parameter".into(), |param| param.name.clone());
    let divergence = Divergence { what, value: f64::from(value) };
    Err(divergence.at(state.progress.epoch + 1, state.optimizer.step()))
}

/// The order in which an epoch, counted from 0, visits its samples, batch after batch.
///
/// Batches are random; within one, where order means nothing, samples stand by class, so that neighbours
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

/// The error where the run cannot have come this far on these samples.
fn check_progress(state: &TrainingState, train: &Samples<'_>) -> Result<(), Error> {
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
