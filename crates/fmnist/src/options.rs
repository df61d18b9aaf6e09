//! The options of a run, once for the command line, for TOML files, for presets and for saved runs.
//!
//! An option is a field, which is `None` if it is not given. [`Options::over`] lays options over others;
//! [`Options::recipe`] resolves them against their defaults; [`Options::of`] gives the options of a saved run. To add an
//! option, add a field to its group, and use it in the group's two conversions.

mod error;
mod file;
mod group;
mod kind;
mod list;
mod loss;
mod network;
mod optimizer;
mod preset;
mod resume;
mod run;
mod schedule;
mod source;
mod training;

use std::{num::NonZeroUsize, path::Path};

use fmnist_data::{Dataset, ImageSize};
use nn_core::{Architecture, Model};
use nn_io::ModelInfo;
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};
use serde::{Deserialize, Serialize};

use group::Group as _;
use kind::Choice as _;

pub use error::Error;
pub use list::{Element, List};
pub use loss::LossOptions;
pub use network::{ActivationName, InitName, NetworkOptions, NormName};
pub use optimizer::{OptimizerName, OptimizerOptions};
pub use preset::Preset;
pub use resume::{Change, Resumed, Subject};
pub use run::{DataOptions, PlaceOptions, SaveOptions, Size};
pub use schedule::{ScheduleName, ScheduleOptions};
pub use source::{DataSource, DatasetKind};
pub use training::{MonitorName, ShuffleName, TrainingOptions};

/// The total number of epochs of a run, if no option gives it.
pub const EPOCHS: u64 = 10;

/// The number of held-out images, if no option gives it and the dataset is large enough.
const N_VALIDATION: usize = 5000;

/// By default, one image in so many of a smaller dataset is held out, the share of 5,000 in Fashion-MNIST's 60,000.
const VALIDATION_SHARE: usize = 12;

/// The options of a run. Without one, a new run has the default, and a resumed run what was saved.
///
/// ```
/// use fmnist::options::Options;
///
/// let options = Options::from_toml("hidden = [64]\nepochs = 3", "run.toml")?;
/// let above = Options::from_toml("epochs = 5", "above.toml")?;
/// assert_eq!(above.over(options).data.epochs, Some(5));
/// # Ok::<(), fmnist::options::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(default)]
pub struct Options {
    /// Data directory and threads.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub places: PlaceOptions,

    /// Output and checkpoints.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub saves: SaveOptions,

    /// The dataset, and the number of epochs.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub data: DataOptions,

    /// The network.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub network: NetworkOptions,

    /// Batches, augmentation, clipping, held-out images.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub training: TrainingOptions,

    /// The loss function and regularisation.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub loss: LossOptions,

    /// The optimizer.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub optimizer: OptimizerOptions,

    /// The learning rate.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub schedule: ScheduleOptions,
}

/// What a run needs to know of its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataShape {
    /// Pixels of an image.
    pub inputs: usize,
    /// Classes.
    pub outputs: usize,
    /// Training images, if they are known.
    pub n_train: Option<usize>,
}

impl DataShape {
    /// The shape of a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        let images = &dataset.train.images;
        Self {
            inputs: images.width * images.height,
            outputs: dataset.info.class_names.len(),
            n_train: Some(images.count),
        }
    }
}

/// A new run, as options give it on some data.
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
    /// Not part of the network, but a resumed run must have the same.
    image_size: Option<Size>,
}

/// A saved run, borrowed from its parts.
#[derive(Clone, Copy, Debug)]
pub struct SavedRun<'a> {
    /// The model.
    pub model: &'a Model,
    /// The state of training.
    pub state: &'a TrainingState,
    /// What the file holds in addition.
    pub info: &'a ModelInfo,
}

impl Options {
    /// The options in a TOML file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has something that is no option: with its line.
    pub fn read(path: &Path) -> Result<Self, Error> {
        file::read(path)
    }

    /// The options in a TOML text, which `name` names in messages.
    ///
    /// # Errors
    ///
    /// As [`Options::read`].
    pub fn from_toml(text: &str, name: &str) -> Result<Self, Error> {
        file::parse(text, name)
    }

    /// These options as TOML.
    ///
    /// # Errors
    ///
    /// If TOML cannot hold a value: a seed of 64 bits, or a path that is not Unicode.
    pub fn to_toml(&self) -> Result<String, Error> {
        if let Some(seed) = self.training.seed.filter(|&seed| i64::try_from(seed).is_err()) {
            return Err(Error::range("seed", "at most 63 bits, as TOML has", seed));
        }
        toml::to_string(self).map_err(|error| {
            let problem = format!("cannot be written as TOML: {error}");
            Error::File { place: "the settings".into(), problem }
        })
    }

    /// Lays these options over others. If an optimizer or a schedule is chosen here, the options of `below` that it does
    /// not have are dropped. So is the threshold of early stopping, if early stopping is turned off here.
    #[must_use]
    pub fn over(self, mut below: Self) -> Self {
        if self.training.early_stop == Some(0) {
            below.training.early_stop_delta = None;
        }
        below.optimizer = kind::kept(&self.optimizer, below.optimizer);
        below.schedule = kind::kept(&self.schedule, below.schedule);
        self.or(below)
    }

    /// These options with every default filled in, except those that depend on a custom dataset: the number of held-out
    /// images and the batch size.
    ///
    /// # Errors
    ///
    /// If an option is outside its range or does not go with the others.
    pub fn completed(&self) -> Result<Self, Error> {
        let recipe = self.recipe(DataShape { inputs: 1, outputs: 1, n_train: None })?;
        let dataset = self.data.dataset.unwrap_or_default();
        let mut training = TrainingOptions::of(&recipe.config);
        if dataset.is_custom() {
            training.batch_size = None;
        } else {
            training.validation = Some(N_VALIDATION);
        }
        let defaults = Self {
            places: PlaceOptions::default(),
            saves: SaveOptions::default(),
            data: DataOptions { dataset: Some(dataset), epochs: Some(EPOCHS), image_size: None },
            network: NetworkOptions::defaults(),
            training,
            loss: LossOptions::of(&recipe.config),
            optimizer: OptimizerOptions::defaults(self.optimizer.chosen()),
            schedule: self.schedule.completed(self.optimizer.default_rates()),
        };
        Ok(self.clone().or(defaults))
    }

    /// Resolves these options to a new run. Without the number of training images, epochs have one step.
    ///
    /// # Errors
    ///
    /// If an option is outside its range or does not go with the others, or if no file could hold the run.
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
        // A batch takes memory before its first image is copied.
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
        let image_size = self.data.image_size;
        Ok(Recipe { architecture, optimizer, schedule, config, n_validation, image_size })
    }

    /// The options that give a saved run, complete. Without the number of batches of an epoch, those that count in
    /// epochs are left out.
    pub fn of(run: SavedRun<'_>, n_batches: Option<u64>) -> Self {
        let SavedRun { model, state, info } = run;
        let dataset = DatasetKind::of_model(info).ok();
        let takes_size = dataset.is_some_and(DatasetKind::takes_size);
        let image = info.input.image.filter(|_| takes_size);
        let image_size = image.and_then(|image| ImageSize::new(image.width, image.height));
        let epochs = schedule::end(&state.schedule)
            .zip(n_batches)
            .map(|((_, steps), n)| steps.div_ceil(n).clamp(1, nn_io::limits::HISTORY as u64));
        Self {
            places: PlaceOptions::default(),
            saves: SaveOptions::default(),
            data: DataOptions { dataset, image_size: image_size.map(Size), epochs },
            network: NetworkOptions::of(model.architecture(), state.config.init),
            training: TrainingOptions {
                validation: Some(info.n_validation),
                ..TrainingOptions::of(&state.config)
            },
            loss: LossOptions::of(&state.config),
            optimizer: OptimizerOptions::of(&state.optimizer.config()),
            schedule: ScheduleOptions::of(&state.schedule, n_batches),
        }
    }

    /// Checks the ranges of single options.
    fn check(&self) -> Result<(), Error> {
        let side = nn_io::limits::WIDTH as u64;
        let pixels = |given: Option<usize>| given.map(|n| n as u64);
        for (option, given, least, most) in [
            ("epochs", self.data.epochs, 1, nn_io::limits::HISTORY as u64),
            ("shift", pixels(self.training.shift), 0, side),
            ("cutout", pixels(self.training.cutout), 0, side),
            ("checkpoint-every", self.saves.checkpoint_every, 1, u64::MAX),
            ("threads", self.places.threads, 1, 1024),
        ] {
            if let Some(found) = given.filter(|given| !(least..=most).contains(given)) {
                return Err(Error::range(option, format!("{least} to {most}"), found));
            }
        }
        Ok(())
    }

    /// The names of all options, without dashes.
    fn names() -> Vec<String> {
        [
            PlaceOptions::names(),
            SaveOptions::names(),
            DataOptions::names(),
            NetworkOptions::names(),
            TrainingOptions::names(),
            LossOptions::names(),
            OptimizerOptions::names(),
            ScheduleOptions::names(),
        ]
        .concat()
    }

    /// These options, completed by others.
    fn or(self, below: Self) -> Self {
        Self {
            places: self.places.or(below.places),
            saves: self.saves.or(below.saves),
            data: self.data.or(below.data),
            network: self.network.or(below.network),
            training: self.training.or(below.training),
            loss: self.loss.or(below.loss),
            optimizer: self.optimizer.or(below.optimizer),
            schedule: self.schedule.or(below.schedule),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{group::table, *};

    /// Every preset is valid, and completing it changes none of its options.
    #[test]
    fn presets_are_options() {
        for preset in Preset::ALL {
            let options = preset.options().unwrap();
            let completed = options.completed().unwrap();
            let all = table(&completed);
            for (key, value) in table(&options) {
                assert_eq!(all.get(&key), Some(&value), "{preset:?}: {key}");
            }
            let printed = completed.to_toml().unwrap();
            assert_eq!(Options::from_toml(&printed, "again").unwrap(), completed, "{preset:?}");
        }
    }

    /// A seed that a file cannot hold is refused when it is written, not when it is read.
    #[test]
    fn a_seed_of_64_bits_is_not_printed() {
        let mut options = Options::default();
        options.training.seed = Some(u64::MAX);
        let error = options.to_toml().unwrap_err().to_string();
        assert!(error.starts_with("--seed: expected at most 63 bits"), "{error}");
        options.training.seed = Some(i64::MAX as u64);
        let printed = options.to_toml().unwrap();
        assert_eq!(Options::from_toml(&printed, "again").unwrap(), options);
    }

    /// Every option has a name of its own, and what is printed has only such names.
    #[test]
    fn names_are_those_in_files() {
        let names = Options::names();
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        let all = table(&Options::default().completed().unwrap());
        assert!(all.keys().all(|name| names.contains(name)), "{all:?}");
    }

    #[test]
    fn options_are_laid_over_others() {
        let options = |text| Options::from_toml(text, "test").unwrap();
        let given = options("epochs = 3");
        let all = given.over(Preset::Better.options().unwrap());
        assert_eq!(all.data.epochs, Some(3));
        assert!(table(&all).len() > 3);
        let sgd = options("optimizer = 'sgd'\nmomentum = 0.9\nlearning-rate = 0.5");
        let all = options("optimizer = 'adamw'").over(sgd);
        assert_eq!(all.optimizer.momentum, None);
        assert_eq!(all.schedule.learning_rate, Some(0.5));
    }
}
