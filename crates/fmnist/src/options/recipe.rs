//! Resolves options to a new run, with the defaults and the shape of the data.

use std::num::NonZeroUsize;

use nn_core::Architecture;
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{HeldOut, RunConfig};

use super::{
    ColourName, DataOptions, DataShape, Error, HoldOut, NormName, Options, PreparationName, Scale,
    Size, TrainShape,
};

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
    /// How many training images are held out. [`RunConfig::held_out`] has the rule.
    pub n_validation: usize,
    /// The number of epochs.
    pub epochs: u64,
    /// How pixels are scaled.
    pub scale: Scale,
    // Not part of the network, but compared when a run is resumed.
    image_size: Option<Size>,
    colour: Option<ColourName>,
    prepare: Option<PreparationName>,
}

impl Options {
    /// Resolves these options to a new run. If the number of training images is unknown, an epoch counts as one step.
    ///
    /// # Errors
    ///
    /// If an option is outside its range or conflicts with another, or if the run is too large for a model file.
    pub fn recipe(&self, data: &DataShape) -> Result<Recipe, Error> {
        self.check()?;
        let DataShape { inputs, outputs, train } = data;
        let architecture = self.network.architecture(*inputs, *outputs)?;
        let n_dense = architecture.weighted_layers().count();
        let mut config = RunConfig { init: self.network.init(), ..RunConfig::default() };
        self.loss.configure(n_dense, data, &mut config)?;
        self.training.configure(n_dense, &mut config)?;
        let n_validation = self.n_validation(train.as_ref())?;
        let is_stratified = train.as_ref().is_some_and(|it| it.held_out == HoldOut::Stratified);
        if is_stratified && n_validation > 0 {
            config.held_out = HeldOut::Stratified;
        }
        let n_train = train.as_ref().map(|train| train.n);
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
        nn_io::check_size(&architecture, Some((&optimizer, &config))).map_err(
            |error| match self.network.hidden {
                Some(_) => Error::option("hidden", error),
                None => {
                    let hint = "make the images smaller, or give fewer units with --hidden";
                    Error::option(
                        "image-size",
                        format!("an image has {inputs} values: {error}; {hint}"),
                    )
                }
            },
        )?;
        self.check_norm(config.batch_size, n_fit)?;
        let DataOptions { image_size, colour, prepare, scale, .. } = self.data;
        Ok(Recipe {
            architecture,
            optimizer,
            schedule,
            config,
            n_validation,
            epochs,
            scale: scale.unwrap_or_default(),
            image_size,
            colour,
            prepare,
        })
    }

    /// How many training images are held out.
    fn n_validation(&self, train: Option<&TrainShape>) -> Result<usize, Error> {
        let given = self.training.validation;
        let Some(train) = train else { return Ok(given.unwrap_or(N_VALIDATION)) };
        if let HoldOut::Own(own) = train.held_out {
            let found = given.unwrap_or(own);
            let expected = format!("{own}, since the dataset has its own validation images");
            return match found == own {
                true => Ok(own),
                false => Err(Error::range("validation", expected, found)),
            };
        }
        let found = given.unwrap_or(N_VALIDATION.min(train.n / VALIDATION_SHARE));
        let most = train.n.saturating_sub(1);
        match found <= most {
            true => Ok(found),
            false => {
                let expected = format!("at most {most} of {}", train.n);
                Err(Error::range("validation", expected, found))
            }
        }
    }

    /// Fails if batch normalisation gets batches of one image: each value is then its own mean.
    fn check_norm(&self, batch_size: usize, n_fit: Option<usize>) -> Result<(), Error> {
        match (self.network.norm, batch_size) {
            (Some(NormName::Batch), 1) if n_fit != Some(1) => {
                Err(Error::range("batch-size", "2 or more with --norm batch", 1))
            }
            _ => Ok(()),
        }
    }
}
