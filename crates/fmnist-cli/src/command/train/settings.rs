//! The settings of a run: options on the command line, in a file or in a preset, and what was saved.
//!
//! Options have the same names in all three; a preset is a file that is built into the program. The command line
//! overrides the file, and the file overrides the preset. A saved run is described in the same options, so that those
//! given on `--resume` can be compared with it.

mod change;
mod file;
mod kind;
mod list;
mod loss;
mod network;
mod optimizer;
mod option;
mod preset;
mod schedule;
mod training;

use std::path::Path;

use anyhow::Context as _;
use fmnist_data::ImageSize;
use nn_core::{Architecture, Model};
use nn_io::ModelInfo;
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};
use serde::Serialize;

use crate::{
    exit::Usage,
    source::{DataSource, DatasetKind},
};
pub(super) use change::Change;
use file::Options;
use loss::LossOptions;
use network::NetworkOptions;
use optimizer::{OPTIMIZERS, OptimizerOptions};
pub(super) use option::agree;
pub(in crate::command) use option::by_option;
use option::{as_text, check_finite, plain, table};
pub(in crate::command) use preset::Preset;
use schedule::{SCHEDULES, ScheduleOptions};
use training::TrainingOptions;
pub(super) use training::{EPOCHS, N_VALIDATION};

/// The settings of a run. Without one, a new run has the default, and a resumed run what was saved.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Settings of a run")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Settings {
    /// The images to train on [default: auto]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::command) dataset: Option<DatasetKind>,

    /// The size of an image: pictures in folders are fitted to it [default: the size of the first picture; with
    /// csv, square]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    image_size: Option<ImageSize>,

    /// Total number of epochs, including those before --resume [default: 10; when resuming cosine or one-cycle,
    /// the saved number]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=nn_io::limits::HISTORY as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::command) epochs: Option<u64>,

    #[command(flatten)]
    #[serde(flatten)]
    network: NetworkOptions,

    #[command(flatten)]
    #[serde(flatten)]
    training: TrainingOptions,

    #[command(flatten)]
    #[serde(flatten)]
    loss: LossOptions,

    #[command(flatten)]
    #[serde(flatten)]
    optimizer: OptimizerOptions,

    #[command(flatten)]
    #[serde(flatten)]
    pub(super) schedule: ScheduleOptions,
}

impl Settings {
    /// These options, completed by those of the file, and then by those of the preset.
    pub(in crate::command) fn over(
        &self,
        file: Option<&Path>,
        preset: Option<Preset>,
    ) -> anyhow::Result<Settings> {
        if file.is_none() && preset.is_none() {
            return Ok(self.clone());
        }
        let mut options = Options::new();
        if let Some(preset) = preset {
            options = file::parse::<Self>(preset.text(), preset.name())?;
        }
        if let Some(path) = file {
            override_with(&mut options, file::read::<Self>(path)?);
        }
        check_finite(&table(self))?;
        override_with(&mut options, self.options());
        file::settings(&options).map_err(Usage::error)
    }

    /// These options in the form of the command line.
    fn options(&self) -> Options {
        table(self).into_iter().map(|(name, value)| (name, plain(&value))).collect()
    }

    /// These options as a file.
    ///
    /// Fails if a number exceeds the 63 bits of TOML, as a seed can.
    pub(in crate::command) fn to_toml(&self) -> anyhow::Result<String> {
        toml::to_string(self)
            .context("cannot write the settings as TOML, whose numbers have 63 bits")
    }

    /// The options that give this run, complete. Without the number of batches of an epoch, those of the schedule
    /// that count in epochs are left out.
    pub(in crate::command) fn of(
        architecture: &Architecture,
        state: &TrainingState,
        info: &ModelInfo,
        n_batches: Option<u64>,
    ) -> Self {
        let dataset = DatasetKind::of_model(info).ok();
        let image = info.input.image;
        let image_size = image
            .and_then(|image| ImageSize::new(image.width, image.height))
            .filter(|_| dataset.is_some_and(DatasetKind::takes_size));
        let mut all = Self::of_state(architecture, state, n_batches);
        all.training.validation = Some(info.n_validation);
        Self { dataset, image_size, ..all }
    }

    /// The same without the options of the dataset.
    fn of_state(
        architecture: &Architecture,
        state: &TrainingState,
        n_batches: Option<u64>,
    ) -> Self {
        Self {
            dataset: None,
            image_size: None,
            epochs: schedule::end(&state.schedule)
                .zip(n_batches)
                .map(|((_, steps), n)| steps.div_ceil(n)),
            network: NetworkOptions::of(architecture, state.config.init),
            training: TrainingOptions::of(&state.config),
            loss: LossOptions::of(&state.config),
            optimizer: OptimizerOptions::of(&state.optimizer.config()),
            schedule: ScheduleOptions::of(&state.schedule, n_batches),
        }
    }

    /// These options with every default filled in, except those that depend on a custom dataset: the number of
    /// held-out images and the batch size.
    pub(super) fn completed(&self) -> anyhow::Result<Self> {
        // Enough batches that no fraction of an epoch is lost in rounding.
        const N_BATCHES: u64 = 1_000_000;
        let architecture = self.network.architecture(1, 1)?;
        let config = self.config(&architecture, None)?;
        let model = Model::new(architecture, config.init, 0);
        let schedule = self.schedule(N_BATCHES)?;
        // The number of class weights can only be checked with the data.
        let for_any_classes = RunConfig { class_weights: Vec::new(), ..config.clone() };
        let state = TrainingState::new(&model, self.optimizer()?, schedule, for_any_classes)?;
        let state = TrainingState { config, ..state };
        let mut all = Self::of_state(model.architecture(), &state, Some(N_BATCHES));
        let dataset = self.dataset.unwrap_or(DatasetKind::Auto);
        all.training.validation = self.training.validation;
        if dataset.is_custom() {
            all.training.batch_size = self.training.batch_size;
        } else {
            all.training.validation.get_or_insert(N_VALIDATION);
        }
        all.epochs = Some(self.epochs.unwrap_or(EPOCHS));
        all.dataset = Some(dataset);
        // Given options stay as they are: a round trip can change them.
        let mut options = all.options();
        options.extend(self.options());
        file::settings(&options).map_err(Usage::error)
    }

    /// The configuration of a run of this network, and with this batch size if no option gives it.
    pub(super) fn config(
        &self,
        architecture: &Architecture,
        batch_size: Option<usize>,
    ) -> anyhow::Result<RunConfig> {
        let n_dense = architecture.weighted_layers().count();
        let mut config = RunConfig { init: self.network.init(), ..RunConfig::default() };
        self.loss.configure(n_dense, &mut config)?;
        self.training.configure(n_dense, &mut config)?;
        config.batch_size = self
            .training
            .batch_size
            .map(usize::from)
            .or(batch_size)
            .unwrap_or(RunConfig::default().batch_size);
        config.validate().map_err(by_option)?;
        config.loss.check(architecture.last().layer).map_err(by_option)?;
        Ok(config)
    }

    /// The network between the data's inputs and outputs.
    pub(super) fn architecture(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> anyhow::Result<Architecture> {
        self.network.architecture(inputs, outputs)
    }

    /// The optimizer of a new run.
    pub(super) fn optimizer(&self) -> anyhow::Result<OptimizerConfig> {
        self.optimizer.config()
    }

    /// The schedule of a new run whose epochs have `n_batches`.
    pub(super) fn schedule(&self, n_batches: u64) -> anyhow::Result<Schedule> {
        self.schedule.new_schedule(self.optimizer.default_rates()?, self.epochs, n_batches)
    }

    /// The dataset, given its directory.
    pub(in crate::command) fn source(&self, data_dir: Option<&Path>) -> anyhow::Result<DataSource> {
        DataSource::new(self.dataset.unwrap_or(DatasetKind::Auto), data_dir, self.image_size)
    }

    /// The number of held-out images.
    pub(super) fn validation(&self) -> Option<usize> {
        self.training.validation
    }

    /// Fails if a given option differs from the saved run. The dataset is checked elsewhere, and what counts in epochs
    /// when the data are known.
    pub(super) fn agree_with(
        &self,
        saved: &Settings,
        saved_state: &TrainingState,
    ) -> anyhow::Result<()> {
        let given = table(self);
        check_finite(&given)?;
        self.optimizer.check_options_of(saved_state.optimizer.config().name())?;
        self.schedule.agree(&saved_state.schedule)?;
        let (saved, of_schedule) = (table(saved), table(&self.schedule));
        let is_compared =
            |key: &str| !of_schedule.contains_key(key) && !["epochs", "dataset"].contains(&key);
        for (key, given) in given.iter().filter(|(key, _)| is_compared(key)) {
            let saved = saved.get(key).map_or_else(|| "none".into(), plain);
            agree(&format!("--{key}"), Some(&plain(given)), &saved)?;
        }
        Ok(())
    }
}

/// Overrides options with others. Options of another optimizer or schedule than the one chosen are dropped, and so is the
/// threshold of early stopping if there is none.
fn override_with(options: &mut Options, above: Options) {
    if let Some(chosen) = above.get(OPTIMIZERS.option) {
        options.retain(|name, _| OPTIMIZERS.allows(name, chosen));
    }
    if let Some(chosen) = above.get(SCHEDULES.option) {
        options.retain(|name, _| SCHEDULES.allows(name, chosen));
    }
    if above.get("early-stop").is_some_and(|epochs| epochs == "0") {
        options.remove("early-stop-delta");
    }
    options.extend(above);
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// Every preset is valid, and completing it changes none of its options.
    #[test]
    fn presets_are_settings() {
        for &preset in Preset::value_variants() {
            let settings = Settings::default().over(None, Some(preset)).unwrap();
            let all = table(&settings.completed().unwrap());
            for (key, value) in table(&settings) {
                assert_eq!(all.get(&key), Some(&value), "{preset:?}: {key}");
            }
            let printed = settings.completed().unwrap().to_toml().unwrap();
            let again: Settings =
                file::settings(&file::parse::<Settings>(&printed, "again").unwrap()).unwrap();
            assert_eq!(table(&again), all, "{preset:?}: printed and read again");
        }
    }

    #[test]
    fn the_command_line_overrides_the_preset() {
        let given = Settings { epochs: Some(3), ..Settings::default() };
        let settings = given.over(None, Some(Preset::Better)).unwrap();
        assert_eq!(settings.epochs, Some(3));
        assert!(table(&settings).len() > 3);
    }
}
