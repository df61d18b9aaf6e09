//! The training state, without its tensors: `training` in section 3 of FORMAT.md.

use nn_core::Architecture;
use nn_optim::OptimizerConfig;
use nn_train::{EpochRecord, RunConfig, TrainingState};
use serde::{Deserialize, Serialize};

use super::config::Config;
use super::form::list;
use super::history::{EncodedHistory, Progress, Record};
use super::optimizer::Optimizer;
use super::schedule::Schedule;
use crate::error::{check_limit, check_value};
use crate::{Error, limits};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Training {
    optimizer: Optimizer,
    schedule: Schedule,
    config: Config,
    progress: Progress,
    #[serde(deserialize_with = "list::<_, _, { limits::HISTORY }>")]
    history: Vec<Record>,
}

/// A training state without its tensors.
#[derive(Debug)]
pub(crate) struct TrainingDescription {
    pub(crate) optimizer: OptimizerConfig,
    pub(crate) step: u64,
    pub(crate) schedule: nn_optim::Schedule,
    pub(crate) config: RunConfig,
    pub(crate) progress: nn_train::Progress,
    pub(crate) history: Vec<EpochRecord>,
}

impl Training {
    /// A training state without its history.
    pub(super) fn new(state: &TrainingState) -> Result<Self, Error> {
        check_limit("completed epochs", limits::HISTORY, state.history.len())?;
        Ok(Self {
            optimizer: Optimizer::new(&state.optimizer),
            schedule: Schedule::new(state.schedule),
            config: Config::new(&state.config)?,
            progress: Progress::new(&state.progress),
            history: Vec::new(),
        })
    }

    pub(super) fn set_history(&mut self, history: &EncodedHistory) {
        self.history = history.records().to_vec();
    }

    /// Converts and checks the training state, for this network. `mirror` is that of the file's `input`.
    pub(super) fn read(
        self,
        architecture: &Architecture,
        mirror: bool,
    ) -> Result<TrainingDescription, Error> {
        let (optimizer, step) = self.optimizer.read()?;
        let schedule = self.schedule.read()?;
        let config = self.config.read(architecture, mirror)?;
        let progress = self.progress.read(&config, architecture.output().len())?;
        let n_records = self.history.len();
        let expected = format!("{} records, one per completed epoch", progress.epoch);
        check_value(progress.epoch == n_records as u64, "training.history", expected, n_records)?;
        let history = self.history.iter().enumerate();
        let history =
            history.map(|(i, it)| it.read(i, &config)).collect::<Result<Vec<_>, Error>>()?;
        Ok(TrainingDescription { optimizer, step, schedule, config, progress, history })
    }

    /// The required features of the header that the run needs.
    pub(super) fn features(&self) -> u32 {
        self.optimizer.features() | self.schedule.features() | self.config.features()
    }
}
