//! Resolves options to a new run, with the defaults and the shape of the data.

use std::num::NonZeroUsize;

use nn_core::Architecture;
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::RunConfig;

use super::{DataOptions, DataShape, Error, Options, PreparationName, Size};

/// The total number of epochs of a run, if no option gives it.
pub(super) const EPOCHS: u64 = 10;

/// The number of held-out images, if no option gives it and the dataset is large enough.
pub(super) const N_VALIDATION: usize = 5000;

/// By default, a twelfth of a smaller dataset is held out: the same share as 5,000 of Fashion-MNIST's 60,000.
const VALIDATION_SHARE: usize = 12;

/// A new run, resolved from options and the shape of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The network.
    pub architecture: Architecture,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The learning rate by step.
    pub schedule: Schedule,
    /// The settings of training.
    pub config: RunConfig,
    /// How many training images are held out.
    pub n_validation: usize,
    /// The number of epochs.
    pub epochs: u64,
    // Not part of the network, but compared when a run is resumed.
    image_size: Option<Size>,
    prepare: Option<PreparationName>,
}

impl Options {
    /// Resolves these options to a new run. If the number of training images is unknown, an epoch counts as one step.
    ///
    /// # Errors
    ///
    /// If an option is outside its range or conflicts with another, or if the run is too large for a model file.
    pub fn recipe(&self, data: DataShape) -> Result<Recipe, Error> {
        self.check()?;
        let DataShape { inputs, outputs, n_train } = data;
        let architecture = self.network.architecture(inputs, outputs)?;
        let n_dense = architecture.weighted_layers().count();
        let mut config = RunConfig { init: self.network.init(), ..RunConfig::default() };
        self.loss.configure(n_dense, &mut config)?;
        self.training.configure(n_dense, &mut config)?;
        let default = n_train.map_or(N_VALIDATION, |n| N_VALIDATION.min(n / VALIDATION_SHARE));
        let n_validation = self.training.validation.unwrap_or(default);
        if let Some(n_train) = n_train.filter(|&n| n_validation >= n) {
            let expected = format!("at most {} of {n_train}", n_train.saturating_sub(1));
            return Err(Error::range("validation", expected, n_validation));
        }
        let n_fit = n_train.map(|n| n - n_validation);
        let most = n_fit.unwrap_or(usize::MAX);
        let given = self.training.batch_size.map(NonZeroUsize::get);
        config.batch_size = given.unwrap_or(config.batch_size.min(most));
        // Memory for a whole batch is allocated before its first image is copied, however few images there are.
        if let Some(n_train) = n_train.filter(|&n| config.batch_size > n) {
            let expected = format!("at most {n_train}");
            return Err(Error::range("batch-size", expected, config.batch_size));
        }
        config.validate().map_err(Error::of_run)?;
        let optimizer = self.optimizer.config()?;
        let n_batches = n_fit.map_or(1, |n| config.n_batches(n));
        let epochs = self.data.epochs.unwrap_or(EPOCHS);
        let rates = self.optimizer.default_rates();
        let schedule = self.schedule.schedule(rates, epochs, n_batches)?;
        config
            .loss
            .check(architecture.last().layer)
            .map_err(|error| Error::of_run(nn_train::Error::Objective(error)))?;
        nn_io::check_size(&architecture, Some((&optimizer, &config)))
            .map_err(|error| Error::option("hidden", error))?;
        let DataOptions { image_size, prepare, .. } = self.data;
        Ok(Recipe {
            architecture,
            optimizer,
            schedule,
            config,
            n_validation,
            epochs,
            image_size,
            prepare,
        })
    }
}
