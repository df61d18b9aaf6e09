//! The state of a run, as plain data. The state and the model are all that a run needs to resume, and all that a
//! checkpoint holds.
//!
//! Nothing here depends on the clock or the machine. So two runs are identical exactly if their models and states are
//! equal.

use nn_core::{Buffer, LossSum, Model, SettingError};
use nn_optim::{Optimizer, OptimizerConfig, Schedule};

use crate::{EpochRecord, Error, RunConfig, error::check_len};

/// The progress of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// The number of completed epochs.
    pub epoch: u64,
    /// The number of steps taken in the current epoch.
    pub batch: u64,
    /// Sums over those steps. Each sample counts with the parameters that its batch was computed with.
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

/// The state of a run without its model: optimizer, schedule, settings, progress and history.
///
/// The patience of early stopping, the best epoch and the drops at plateaus are not stored. They are computed from the
/// history, so they cannot be restored wrongly.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// The optimizer, with its moments and the number of steps taken.
    pub optimizer: Optimizer,
    /// The learning-rate schedule.
    pub schedule: Schedule,
    /// The settings of the run.
    pub config: RunConfig,
    /// The progress of the run.
    pub progress: Progress,
    /// One record for each completed epoch.
    pub history: Vec<EpochRecord>,
    /// The moving average of the parameters; present with [`RunConfig::averaging`].
    pub average: Option<Buffer>,
    /// The weights of the best epoch; present with [`RunConfig::keep_best`] once an epoch is complete.
    pub best: Option<Best>,
}

impl TrainingState {
    /// Creates the state of a new run of `model`.
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

    /// Checks that the model and the state are of the same run, and that the settings are valid for it.
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
        let expected = "at most 4294967295, the largest number of samples";
        let is_valid = batch_size <= u32::MAX as usize;
        Ok(SettingError::check("batch size", is_valid, expected, batch_size as f64)?)
    }

    /// Checks that no copy of the model's parameters is missing, superfluous or of another model.
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

    /// Checks that a run on this many samples can have made this progress.
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

    /// The number of times that the learning rate has dropped at plateaus. [`Schedule::drops`] computes it from the
    /// history, so stopping and resuming a run does not change it. It changes only at the end of an epoch.
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

    /// The model to predict with: that of the best epoch, or with averaged weights, if the settings ask for it;
    /// otherwise `model` itself.
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

    /// Returns the same model as [`TrainingState::inference_model`], without a copy. The rest of the run is freed.
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

/// A model with the same layers and other parameters and statistics.
fn with(model: &Model, params: Buffer, statistics: Buffer) -> Result<Model, Error> {
    Model::from_parts(model.architecture().clone(), params, statistics).map_err(Error::Objective)
}

pub(crate) fn copy(values: &[f32]) -> Buffer {
    Buffer::from_slice(0, values)
}
