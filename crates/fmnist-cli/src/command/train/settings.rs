//! What makes a run the run it is: options, a file of them, or a preset, and what was saved.
//!
//! Options have the same names on the command line, in a file and in a preset, which is a file built into the
//! program. Where an option is given more than once, the command line goes before the file, and the file before the
//! preset. A saved run can be said in the same options, which is how those given on `--resume` are held against it.

mod choice;
mod file;
mod list;
mod network;
mod objective;
mod optimizing;
mod preset;
mod rates;
mod steps;

use std::{fmt::Display, path::Path};

use anyhow::Context as _;
use fmnist_data::ImageSize;
use nn_core::{LayerSpec, Model};
use nn_io::ModelInfo;
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    exit::Usage,
    source::{Choice, Source},
};
use file::Options;
use network::Network;
use objective::Objective;
use optimizing::{OPTIMIZER, Optimizing};
pub(in crate::command) use preset::Preset;
pub(super) use rates::{Change, EPOCHS};
use rates::{Rates, SCHEDULE, own_steps};
use steps::Steps;

/// What makes a run the run it is. Absent is the default, or when resuming what was saved.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Settings of a run")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Settings {
    /// The images to train on [default: auto]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::command) dataset: Option<Choice>,

    /// The size of an image, which pictures in folders are made to have [default: that of the first
    /// picture; of CSV files, square]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    image_size: Option<ImageSize>,

    /// Epochs in all, those before --resume included [default: 10; of a cosine or one-cycle that is carried
    /// on, its own]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=nn_io::limits::HISTORY as u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::command) epochs: Option<u64>,

    #[command(flatten)]
    #[serde(flatten)]
    pub(in crate::command) network: Network,

    #[command(flatten)]
    #[serde(flatten)]
    steps: Steps,

    #[command(flatten)]
    #[serde(flatten)]
    objective: Objective,

    #[command(flatten)]
    #[serde(flatten)]
    optimizing: Optimizing,

    #[command(flatten)]
    #[serde(flatten)]
    pub(in crate::command) rates: Rates,
}

/// Options that are not compared here when a run is carried on: those of the learning rate and of epochs, which
/// [`Rates`] sees to, and the dataset, which has been seen to.
const NOT_COMPARED: [&str; 11] = [
    "epochs",
    "learning-rate",
    "warmup-epochs",
    "step-epochs",
    "schedule",
    "decay",
    "decay-factor",
    "minimum-rate",
    "patience",
    "min-delta",
    "dataset",
];

impl Settings {
    /// These options, and where they do not say, those of the file, and where that does not, of the preset.
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
            options = file::parse(preset.text(), preset.name())?;
        }
        if let Some(path) = file {
            put_over(&mut options, file::read(path)?);
        }
        // What JSON has no number for.
        if let Some((option, _)) = table(self).iter().find(|(_, value)| value.is_null()) {
            let message = format!("--{option}: expected a finite number, found inf or NaN");
            return Err(Usage::error(message));
        }
        put_over(&mut options, self.options());
        file::settings(&options).map_err(Usage::error)
    }

    /// The same, as the command line has them.
    fn options(&self) -> Options {
        table(self).into_iter().map(|(name, value)| (name, plain(&value))).collect()
    }

    /// As a file of them.
    ///
    /// Fails where a number is beyond the 63 bits that TOML has, as a seed may be.
    pub(in crate::command) fn to_toml(&self) -> anyhow::Result<String> {
        toml::to_string(self).context("the settings as TOML, whose numbers have 63 bits")
    }

    /// The options that give this run, all of them said that have a value; without how many batches an epoch has,
    /// none that counts epochs of the schedule.
    pub(in crate::command) fn of(
        layers: &[LayerSpec],
        state: &TrainingState,
        info: &ModelInfo,
        n_batches: Option<u64>,
    ) -> Self {
        let dataset = Choice::of_model(info).ok();
        let image_size = ImageSize::new(info.input.width, info.input.height)
            .filter(|_| dataset.is_some_and(Choice::takes_size));
        let mut all = Self::of_state(layers, state, n_batches);
        all.steps.validation = Some(info.n_validation);
        Self { dataset, image_size, ..all }
    }

    /// The same, but for what depends on data.
    fn of_state(layers: &[LayerSpec], state: &TrainingState, n_batches: Option<u64>) -> Self {
        Self {
            dataset: None,
            image_size: None,
            epochs: own_steps(&state.schedule).zip(n_batches).map(|(steps, n)| steps.div_ceil(n)),
            network: Network::of(layers, state.config.init),
            steps: Steps::of(&state.config),
            objective: Objective::of(&state.config),
            optimizing: Optimizing::of(&state.optimizer.config()),
            rates: Rates::of(&state.schedule, n_batches),
        }
    }

    /// All options of a new run that has these, those that were left out said, but for what follows from data of
    /// the user's own: how many are held out, and how many are a batch.
    pub(super) fn completed(&self) -> anyhow::Result<Self> {
        // So many batches that no part of an epoch is rounded away.
        const N_BATCHES: u64 = 1_000_000;
        let layers = self.network.layers(1, 1)?;
        let config = self.config(&layers, None)?;
        let model = Model::new(&layers, config.init, 0)?;
        let schedule = self.schedule(N_BATCHES)?;
        // How many classes there are, which their weights must be as many as, the data say.
        let for_any_classes = RunConfig { class_weights: Vec::new(), ..config.clone() };
        let state = TrainingState::new(&model, self.optimizer()?, schedule, for_any_classes)?;
        let state = TrainingState { config, ..state };
        let mut all = Self::of_state(&layers, &state, Some(N_BATCHES));
        let dataset = self.dataset.unwrap_or(Choice::Auto);
        all.steps.validation = self.steps.validation;
        if dataset.is_own() {
            all.steps.batch_size = self.steps.batch_size;
        } else {
            all.steps.validation.get_or_insert(super::begin::N_VALIDATION);
        }
        all.epochs = Some(self.epochs.unwrap_or(EPOCHS));
        all.dataset = Some(dataset);
        // What was given stays as it was: not all of it is the same after there and back.
        let mut options = all.options();
        options.extend(self.options());
        file::settings(&options).map_err(Usage::error)
    }

    /// What a run over these layers is, with batches of so many images where that is not said.
    pub(super) fn config(
        &self,
        layers: &[LayerSpec],
        batch_size: Option<usize>,
    ) -> anyhow::Result<RunConfig> {
        let n_dense = layers.iter().filter(|layer| layer.dense().is_some()).count();
        let mut config = RunConfig { init: self.network.init(), ..RunConfig::default() };
        self.objective.configure(n_dense, &mut config)?;
        self.steps.configure(n_dense, &mut config)?;
        config.batch_size =
            self.batch_size().or(batch_size).unwrap_or(RunConfig::default().batch_size);
        config.validate().map_err(by_option)?;
        config.loss.check(LayerSpec::Softmax).map_err(by_option)?;
        Ok(config)
    }

    /// The optimizer of a new run.
    pub(super) fn optimizer(&self) -> anyhow::Result<OptimizerConfig> {
        self.optimizing.optimizer()
    }

    /// The learning rates of a new run whose epochs have `n_batches`.
    pub(super) fn schedule(&self, n_batches: u64) -> anyhow::Result<Schedule> {
        self.rates.new_schedule(self.optimizing.default_rates(), self.epochs, n_batches)
    }

    /// Where the images are.
    pub(in crate::command) fn source(&self, data_dir: Option<&Path>) -> anyhow::Result<Source> {
        Source::new(self.dataset.unwrap_or(Choice::Auto), data_dir, self.image_size)
    }

    pub(super) fn batch_size(&self) -> Option<usize> {
        self.steps.batch_size.map(usize::from)
    }

    pub(super) fn validation(&self) -> Option<usize> {
        self.steps.validation
    }

    /// The error where an option is given that is not what the saved run has.
    pub(super) fn agree_with(
        &self,
        saved: &Settings,
        saved_state: &TrainingState,
    ) -> anyhow::Result<()> {
        self.optimizing.check_options_of(saved_state.optimizer.config().name())?;
        self.rates.agree(&saved_state.schedule)?;
        let (saved, given) = (table(saved), table(self));
        for (key, given) in given.iter().filter(|(key, _)| !NOT_COMPARED.contains(&key.as_str())) {
            let saved = saved.get(key).map_or_else(|| "none".into(), plain);
            agree(&format!("--{key}"), Some(&plain(given)), &saved)?;
        }
        Ok(())
    }
}

/// Puts options over others, less those that do not go with a choice which is another then, and those of an early stop
/// that is none.
fn put_over(options: &mut Options, above: Options) {
    for choice in [&OPTIMIZER, &SCHEDULE] {
        if let Some(chosen) = above.get(choice.option) {
            options.retain(|name, _| choice.allows(name, chosen));
        }
    }
    if above.get("early-stop").is_some_and(|epochs| epochs == "0") {
        options.remove("early-stop-delta");
    }
    options.extend(above);
}

/// What the libraries call a setting, and the option that gives it.
const OPTIONS: [(&str, &str); 21] = [
    ("learning rate", "--learning-rate"),
    ("decay", "--decay"),
    ("factor", "--decay-factor"),
    ("minimum", "--minimum-rate"),
    ("min_delta", "--min-delta"),
    ("momentum", "--momentum"),
    ("weight_decay", "--weight-decay"),
    ("label smoothing", "--label-smoothing"),
    ("gamma of the focal loss", "--focal-gamma"),
    ("class weight", "--class-weights"),
    ("class weights, one a class", "--class-weights"),
    ("weights_l1", "--l1"),
    ("weights_l2", "--l2"),
    ("biases_l1", "--bias-l1"),
    ("biases_l2", "--bias-l2"),
    ("norm of the gradient", "--clip-norm"),
    ("limit of the gradient", "--clip-value"),
    ("decay of the average", "--average"),
    ("least improvement", "--early-stop-delta"),
    ("lowest rate", "--from"),
    ("highest rate", "--to"),
];

/// The error of a setting that is outside its range, by the name of its option.
pub(in crate::command) fn by_option(error: impl Display) -> anyhow::Error {
    let message = error.to_string();
    let named = OPTIONS.iter().find_map(|(name, option)| {
        let rest = message.strip_prefix(name)?.strip_prefix(':')?;
        Some(format!("{option}:{rest}"))
    });
    Usage::error(named.unwrap_or(message))
}

/// An option that has a value, as the command line has it.
fn as_text<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// The options that are given, by name.
fn table(options: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(table)) => table,
        other => unreachable!("options are a table of numbers, texts and lists, not {other:?}"),
    }
}

/// A value as the command line has it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".into(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The error where a setting was given and is not the saved one.
pub(super) fn agree<T: PartialEq + Display>(
    option: &str,
    given: Option<&T>,
    saved: &T,
) -> anyhow::Result<()> {
    match given {
        Some(given) if given != saved => Err(Usage::error(format!(
            "{option}: the saved run has {saved}, not {given}; \
             leave the option out to carry the run on, or begin a new run without --resume"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// Every preset is understood, and completed it says all that it says itself.
    #[test]
    fn presets_are_settings() {
        for &preset in Preset::value_variants() {
            let settings = Settings::default().over(None, Some(preset)).unwrap();
            let all = table(&settings.completed().unwrap());
            for (key, value) in table(&settings) {
                assert_eq!(all.get(&key), Some(&value), "{preset:?}: {key}");
            }
            let printed = settings.completed().unwrap().to_toml().unwrap();
            let again = file::settings(&file::parse(&printed, "again").unwrap()).unwrap();
            assert_eq!(table(&again), all, "{preset:?}: printed and read again");
        }
    }

    #[test]
    fn the_command_line_goes_before_the_preset() {
        let given = Settings { epochs: Some(3), ..Settings::default() };
        let settings = given.over(None, Some(Preset::Better)).unwrap();
        assert_eq!(settings.epochs, Some(3));
        assert!(table(&settings).len() > 3);
    }
}
