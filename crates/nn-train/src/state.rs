//! The state of a run, as plain data: with the model, all that resuming needs and a checkpoint holds.
//!
//! Nothing here depends on the clock or the machine. So two runs are the same run exactly if
//! their models and states are equal.

use nn_core::{Buffer, LossSum, Model, SettingError};
use nn_optim::{Optimizer, OptimizerConfig, Schedule};

use crate::{EpochRecord, Error, RunConfig, error::check_len};

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Completed epochs.
    pub epoch: u64,
    /// Steps done of the current epoch.
    pub batch: u64,
    /// Sums over those steps, each sample by the parameters its batch was computed with.
    pub sums: LossSum,
}

/// The model's parameters and statistics after the best epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The parameters, or their moving average with [`RunConfig::averaging`].
    pub params: Buffer,
    /// The running statistics.
    pub statistics: Buffer,
}

/// All of a run except its model: optimizer, schedule, settings, progress and history.
///
/// Whatever counts epochs (patience, the best epoch, drops at plateaus) is not state but a function of the
/// history, so nothing can be restored wrongly.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// The optimizer with its moments and the run's count of steps.
    pub optimizer: Optimizer,
    /// The learning rate by step.
    pub schedule: Schedule,
    /// The settings, which do not change.
    pub config: RunConfig,
    /// How far the run has come.
    pub progress: Progress,
    /// One record for each completed epoch.
    pub history: Vec<EpochRecord>,
    /// The parameters' moving average; exists with [`RunConfig::averaging`].
    pub average: Option<Buffer>,
    /// The best epoch's weights; exist with [`RunConfig::keep_best`] once an epoch is complete.
    pub best: Option<Best>,
}

impl TrainingState {
    /// The state of a new run of `model`.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range.
    pub fn new(
        model: &Model,
        optimizer: impl Into<OptimizerConfig>,
        schedule: impl Into<Schedule>,
        config: RunConfig,
    ) -> Result<Self, Error> {
        let schedule = schedule.into();
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

    /// The error if model and state are not of the same run, or the settings cannot be used for it.
    pub(crate) fn check(&self, model: &Model) -> Result<(), Error> {
        self.config.check(model)?;
        self.schedule.validate()?;
        let expected = model.params().len();
        let mut moments = self.optimizer.moments().iter().map(|moment| moment.len());
        if let Some(found) = moments.find(|&found| found != expected) {
            return Err(Error::Moments { expected, found });
        }
        self.check_copies(model)?;
        let batch_size = self.config.batch_size;
        let expected = "at most 4294967295, as many samples as there can be";
        let is_valid = batch_size <= u32::MAX as usize;
        Ok(SettingError::check("batch size", is_valid, expected, batch_size as f64)?)
    }

    /// The error if a copy of the model's parameters is missing, superfluous or of another model.
    fn check_copies(&self, model: &Model) -> Result<(), Error> {
        let Self { config, average, best, .. } = self;
        let (n_params, n_statistics) = (model.params().len(), model.statistics().len());
        let check = |what, copy: Option<&Buffer>, is_expected: bool, n: usize| {
            check_len(what, copy.map_or(0, |copy| copy.len()), if is_expected { n } else { 0 })
        };
        let (has_average, best) = (config.averaging.is_some(), best.as_ref());
        let (params, statistics) = (best.map(|it| &it.params), best.map(|it| &it.statistics));
        let has_best = best.is_some() && config.keep_best;
        check("parameters of the average", average.as_ref(), has_average, n_params)?;
        check("parameters of the best epoch", params, has_best, n_params)?;
        check("statistics of the best epoch", statistics, has_best, n_statistics)
    }

    /// The error if the run cannot have come this far on so many samples.
    pub(crate) fn check_progress(&self, n_samples: usize) -> Result<(), Error> {
        let Progress { epoch, batch, sums } = self.progress;
        let batches = self.config.n_batches(n_samples);
        let seen = batch.saturating_mul(self.config.step_len() as u64).min(n_samples as u64);
        if batch > batches || sums.n_samples != seen {
            return Err(Error::Progress { batch, n_samples, batches });
        }
        let (expected, found) = (epoch.checked_mul(batches), self.optimizer.step());
        match expected.and_then(|steps| steps.checked_add(batch)) {
            Some(expected) if expected == found => Ok(()),
            _ => Err(Error::Steps { epoch, batch, found }),
        }
    }

    /// How often the learning rate has dropped at plateaus: what [`Schedule::drops`] finds in the history,
    /// so it is the same however often the run was stopped. It changes only when an epoch ends.
    pub fn drops(&self) -> u32 {
        self.schedule.drops(self.history.iter().map(|record| record.monitored_metrics().loss))
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.schedule.rate_at(self.optimizer.step(), self.drops())
    }

    /// Whether early stopping ends the run here.
    pub fn stops_early(&self) -> bool {
        let RunConfig { early_stop, monitor, .. } = self.config;
        early_stop.is_some_and(|early_stop| early_stop.stops(monitor, &self.history))
    }

    /// The model to use: that of the best epoch, or with averaged weights, if the settings ask for it; otherwise
    /// `model` itself.
    ///
    /// # Errors
    ///
    /// If the state is of another model.
    pub fn inference_model(&self, model: &Model) -> Result<Model, Error> {
        match &self.best {
            Some(Best { params, statistics }) => with(model, params.clone(), statistics.clone()),
            None => self.averaged(model),
        }
    }

    /// The model that [`TrainingState::inference_model`] gives, without a copy: the rest of the run is freed.
    ///
    /// # Errors
    ///
    /// If the state is of another model.
    pub fn into_inference_model(self, model: Model) -> Result<Model, Error> {
        match (self.best, self.average) {
            (Some(Best { params, statistics }), _) => with(&model, params, statistics),
            (None, Some(average)) => with(&model, average, copy(model.statistics())),
            (None, None) => Ok(model),
        }
    }

    /// The model with averaged weights, if there are any; otherwise `model` itself.
    pub(crate) fn averaged(&self, model: &Model) -> Result<Model, Error> {
        match &self.average {
            Some(average) => with(model, average.clone(), copy(model.statistics())),
            None => Ok(model.clone()),
        }
    }
}

/// A model of the same layers with other parameters and statistics.
fn with(model: &Model, params: Buffer, statistics: Buffer) -> Result<Model, Error> {
    Model::from_parts(model.architecture().clone(), params, statistics).map_err(Error::Objective)
}

pub(crate) fn copy(values: &[f32]) -> Buffer {
    Buffer::from_slice(0, values)
}
