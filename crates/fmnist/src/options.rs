//! The options of a run, declared once for the command line, TOML files, presets and saved runs.
//!
//! An option is a field, which is `None` if it is not given. [`Options::over`] overrides options with others.
//! [`Options::recipe`] fills in the defaults and resolves the options to a new run. [`Options::of`] does the reverse for a
//! saved run. To add an option, add a field to its group, and use it in the group's two conversions.

mod class_weights;
mod colour;
mod error;
mod file;
mod form;
mod group;
mod kind;
mod list;
mod loss;
mod network;
mod optimizer;
mod preset;
mod recipe;
mod resume;
mod run;
mod scale;
mod schedule;
mod source;
mod training;

use std::path::Path;

use fmnist_data::ImageSize;
use nn_core::Model;
use nn_io::ModelInfo;
use nn_train::TrainingState;
use serde::{Deserialize, Serialize};

use crate::preparation::preparation_of;
use group::{Group as _, plain, table};
use kind::Choice as _;
use list::{check_count, check_len};
use recipe::{EPOCHS, N_VALIDATION};

pub use class_weights::{Balanced, ClassWeights};
pub use colour::ColourName;
pub use error::Error;
pub use list::{Element, List};
pub use loss::LossOptions;
pub use network::{ActivationName, InitName, NetworkOptions, NormName};
pub use optimizer::{OptimizerName, OptimizerOptions};
pub use preset::Preset;
pub use recipe::Recipe;
pub use resume::{Change, Resumed, Subject};
pub use run::{DataOptions, PlaceOptions, PreparationName, SaveOptions, Size};
pub use scale::Scale;
pub use schedule::{ScheduleName, ScheduleOptions};
pub use source::{DataShape, DataSource, DatasetKind, HoldOut, TrainShape};
pub use training::{ArithmeticName, MonitorName, ShuffleName, TrainingOptions};

/// The options of a run. One that is not given has its default in a new run, and its saved value in a resumed run.
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

    /// The dataset, and the number of epochs.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub data: DataOptions,

    /// The network.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub network: NetworkOptions,

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

    /// Batches, augmentation, clipping, held-out images.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub training: TrainingOptions,

    /// Output and checkpoints.
    #[cfg_attr(feature = "clap", command(flatten))]
    #[serde(flatten)]
    pub saves: SaveOptions,
}

/// A saved run, borrowed from its parts.
#[derive(Clone, Copy, Debug)]
pub struct SavedRun<'a> {
    /// The model.
    pub model: &'a Model,
    /// The training state.
    pub state: &'a TrainingState,
    /// Information about the model, from its file.
    pub info: &'a ModelInfo,
}

impl Options {
    /// Reads options from a TOML file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has an unknown option or an invalid value; the error names the line.
    pub fn read(path: &Path) -> Result<Self, Error> {
        file::read(path)
    }

    /// Parses options from TOML text. Messages call the text `name`.
    ///
    /// # Errors
    ///
    /// As [`Options::read`].
    pub fn from_toml(text: &str, name: &str) -> Result<Self, Error> {
        file::parse(text, name)
    }

    /// Writes these options as TOML.
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

    /// The name and the value of each option that is given, as on the command line.
    pub fn listed(&self) -> Vec<(String, String)> {
        table(self).iter().map(|(name, value)| (name.clone(), plain(value))).collect()
    }

    /// Overrides other options with these. If an optimizer or a schedule is chosen here, the options of `below` that it
    /// does not have are dropped. So is the threshold of early stopping, if early stopping is turned off here.
    #[must_use]
    pub fn over(self, mut below: Self) -> Self {
        if self.training.early_stop == Some(0) {
            below.training.early_stop_delta = None;
        }
        below.optimizer = kind::kept(&self.optimizer, below.optimizer);
        below.schedule = kind::kept(&self.schedule, below.schedule);
        self.or(below)
    }

    /// Fills in every default, except those that depend on a custom dataset: the number of held-out images and the batch
    /// size.
    ///
    /// # Errors
    ///
    /// If an option is outside its range or conflicts with another.
    pub fn completed(&self) -> Result<Self, Error> {
        let recipe = self.recipe(&DataShape { inputs: 1, outputs: 1, train: None })?;
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
            data: DataOptions {
                dataset: Some(dataset),
                epochs: Some(EPOCHS),
                image_size: None,
                colour: dataset.is_custom().then_some(ColourName::Grey),
                transpose: dataset.takes_transpose().then_some(false),
                scale: Some(Scale::Auto),
                prepare: Some(match dataset.is_custom() {
                    true => PreparationName::Plain,
                    false => PreparationName::Garment,
                }),
            },
            network: NetworkOptions::defaults(),
            training,
            loss: LossOptions::of(&recipe.config),
            optimizer: OptimizerOptions::defaults(self.optimizer.chosen()),
            schedule: self.schedule.completed(self.optimizer.default_rates()),
        };
        Ok(self.clone().or(defaults))
    }

    /// The options that would make a saved run, with every one filled in. Without the number of batches in an epoch, options
    /// that count in epochs are left out.
    pub fn of(run: SavedRun<'_>, n_batches: Option<u64>) -> Self {
        let SavedRun { model, state, info } = run;
        let dataset = DatasetKind::of_model(info).ok();
        let is_custom = dataset.is_some_and(DatasetKind::is_custom);
        let takes_size = dataset.is_some_and(DatasetKind::takes_size);
        let takes_transpose = dataset.is_some_and(DatasetKind::takes_transpose);
        let image = info.input.image.filter(|_| takes_size);
        let image_size = image.and_then(|image| ImageSize::new(image.width, image.height));
        let epochs = schedule::end(&state.schedule)
            .zip(n_batches)
            .map(|((_, steps), n)| steps.div_ceil(n).clamp(1, nn_io::limits::HISTORY as u64));
        Self {
            places: PlaceOptions::default(),
            saves: SaveOptions::default(),
            data: DataOptions {
                dataset,
                image_size: image_size.map(Size),
                colour: source::colour_of(info).filter(|_| is_custom),
                transpose: info
                    .dataset
                    .as_ref()
                    .map(|dataset| dataset.transposed)
                    .filter(|_| takes_transpose),
                scale: info.input.scaling.and_then(Scale::of),
                prepare: PreparationName::of(&preparation_of(info)),
                epochs,
            },
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

    /// Checks the ranges of single options and the lengths of lists, before memory for them is allocated.
    fn check(&self) -> Result<(), Error> {
        self.network.check()?;
        check_len("freeze", &self.training.freeze, nn_io::limits::LAYERS, "layers")?;
        let n_weights = self.loss.class_weights.as_ref().map_or(0, |it| it.given().len());
        check_count("class-weights", n_weights, nn_io::limits::CLASSES, "weights")?;
        if self.data.colour == Some(ColourName::Rgb)
            && !matches!(self.data.prepare, None | Some(PreparationName::Plain))
        {
            let problem =
                "pictures in colour are taken as they are; leave out this option or --colour rgb";
            return Err(Error::option("prepare", problem));
        }
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

    /// The names of all options, without dashes, and what their values must be.
    fn forms() -> Vec<(String, String)> {
        [
            PlaceOptions::forms(),
            SaveOptions::forms(),
            DataOptions::forms(),
            NetworkOptions::forms(),
            TrainingOptions::forms(),
            LossOptions::forms(),
            OptimizerOptions::forms(),
            ScheduleOptions::forms(),
        ]
        .concat()
    }

    /// These options, with those of `below` where one is not given.
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
    use super::*;

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

    /// Every option has its own name, and printed options have only these names.
    #[test]
    fn names_are_those_in_files() {
        let names: Vec<String> = Options::forms().into_iter().map(|(name, _)| name).collect();
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
