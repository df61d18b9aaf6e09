//! The settings of a new run.

use nn_core::Model;
use nn_io::{InputSpec, ModelInfo, Preparation};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, Threads, TrainingState};

use crate::{Error, Trainer};

/// Settings of a new run: see [`Trainer::builder`].
///
/// Without any: Adam, at the optimizer's default learning rate, constant; batches of 128, seed 0, all processors.
#[must_use]
pub struct TrainerBuilder {
    model: Model,
    optimizer: OptimizerConfig,
    schedule: Option<Schedule>,
    config: RunConfig,
    threads: Option<Threads>,
    preparation: Option<Preparation>,
}

impl Trainer {
    /// Starts a new run of this model; the builder has its settings.
    pub fn builder(model: Model) -> TrainerBuilder {
        TrainerBuilder {
            model,
            optimizer: OptimizerConfig::default(),
            schedule: None,
            config: RunConfig::default(),
            threads: None,
            preparation: None,
        }
    }
}

impl TrainerBuilder {
    /// Sets the optimizer, such as [`nn_optim::Adam`].
    pub fn optimizer(self, optimizer: impl Into<OptimizerConfig>) -> Self {
        Self { optimizer: optimizer.into(), ..self }
    }

    /// Sets a constant learning rate, or a schedule. The default is a constant
    /// [`OptimizerConfig::default_learning_rate`].
    pub fn learning_rate(self, schedule: impl Into<Schedule>) -> Self {
        Self { schedule: Some(schedule.into()), ..self }
    }

    /// Sets the number of samples in a batch.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.config.batch_size = batch_size;
        self
    }

    /// Sets the seed of all random draws of the run: order, dropout, augmentation. The model has its own.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Sets all other settings, such as the loss, augmentation, early stopping and `keep_best`. It also replaces the
    /// batch size and the seed.
    pub fn config(self, config: RunConfig) -> Self {
        Self { config, ..self }
    }

    /// Sets the threads; their number changes no result.
    pub fn threads(self, threads: Threads) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Sets how the model's pictures are prepared. The default follows from the dataset: see
    /// [`crate::Classifier::preparation`].
    pub fn preparation(self, preparation: Preparation) -> Self {
        Self { preparation: Some(preparation), ..self }
    }

    /// Builds the trainer.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range or does not suit the model, or the threads cannot be started.
    pub fn build(self) -> Result<Trainer, Error> {
        let Self { model, optimizer, schedule, config, threads, preparation } = self;
        let threads = threads.map_or_else(Threads::all, Ok)?;
        let schedule = schedule.unwrap_or_else(|| optimizer.default_learning_rate().into());
        let state = TrainingState::new(&model, optimizer, schedule, config)?;
        let input = InputSpec { preparation, ..InputSpec::default() };
        let info = ModelInfo { input, ..ModelInfo::default() };
        Trainer::from_parts(model, state, info, threads)
    }
}

#[cfg(test)]
mod tests {
    use nn_optim::{Adagrad, Adam, Sgd};

    use super::*;

    #[test]
    fn the_default_rate_is_the_optimizers() {
        let schedule = |optimizer: OptimizerConfig| {
            let builder = Trainer::builder(Model::classifier(&[4, 2]).unwrap());
            builder.optimizer(optimizer).build().unwrap().run().state().schedule
        };
        assert_eq!(schedule(Adam::default().into()), Schedule::constant(1e-3));
        assert_eq!(schedule(Sgd::default().into()), Schedule::constant(0.05));
        assert_eq!(schedule(Adagrad::default().into()), Schedule::constant(0.01));
    }
}
