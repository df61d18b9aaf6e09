//! What makes a run the run it is: options, a file of them, or a preset, and what was saved.
//!
//! Options have the same names on the command line, in a file and in a preset, which is a file built into the
//! program. Where an option is given more than once, the command line goes before the file, and the file before the
//! preset. A saved run can be said in the same options, which is how those given on `--resume` are held against it.

mod network;
mod objective;
mod optimizing;
mod rates;
mod steps;

use std::{fmt::Display, fs, path::Path};

use anyhow::Context as _;
use clap::ValueEnum;
use nn_core::{Init, LayerSpec, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{exit::Usage, source::Choice};
use network::Network;
use objective::Objective;
use optimizing::Optimizing;
pub(super) use rates::{Change, EPOCHS};
use rates::{Rates, own_steps};
use steps::Steps;

/// What makes a run the run it is. Absent is the default, or when resuming what was saved.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
#[command(next_help_heading = "Settings of a run")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct Settings {
    /// The images to train on [default: auto]
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::command) dataset: Option<Choice>,

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
/// [`Rates`] sees to; the dataset, which has been seen to; and those that a saved run no longer tells.
const NOT_COMPARED: [&str; 13] = [
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
    "validate-on-test",
    "init",
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
        let mut table = Map::new();
        if let Some(preset) = preset {
            table.extend(parse(preset.text(), preset.name())?);
        }
        if let Some(path) = file {
            let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
            table.extend(parse(&text, &path.display().to_string())?);
        }
        let given = self.table();
        // What JSON has no number for.
        if let Some((option, _)) = given.iter().find(|(_, value)| value.is_null()) {
            let message = format!("--{option}: expected a finite number, found inf or NaN");
            return Err(Usage::error(message));
        }
        table.extend(given);
        Settings::try_from(table)
    }

    /// Those that are given, by name.
    fn table(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(table)) => table,
            other => unreachable!("options are a table of numbers, texts and lists, not {other:?}"),
        }
    }

    /// As a file of them.
    ///
    /// Fails where a number is beyond the 63 bits that TOML has, as a seed may be.
    pub(in crate::command) fn to_toml(&self) -> anyhow::Result<String> {
        toml::to_string(self).context("the settings as TOML, whose numbers have 63 bits")
    }

    /// The options that give this run, all of them said that have a value; of what is not known without its data,
    /// how many batches an epoch has, only what was so before.
    pub(in crate::command) fn of(
        layers: &[LayerSpec],
        state: &TrainingState,
        n_validation: Option<usize>,
        n_batches: Option<u64>,
    ) -> Self {
        let epochs = own_steps(&state.schedule).zip(n_batches).map(|(steps, n)| steps.div_ceil(n));
        Self {
            dataset: None,
            epochs,
            network: Network::of(layers),
            steps: Steps::of(&state.config, n_validation),
            objective: Objective::of(&state.config),
            optimizing: Optimizing::of(&state.optimizer.config()),
            rates: Rates::of(&state.schedule, n_batches.unwrap_or(1)),
        }
    }

    /// All options of a new run that has these, those that were left out said.
    pub(super) fn completed(&self) -> anyhow::Result<Self> {
        // So many batches that no part of an epoch is rounded away.
        const N_BATCHES: u64 = 1_000_000;
        let layers = self.network.layers(1, 1);
        let config = self.config(&layers, None)?;
        let n_validation = self.steps.validation.or(Some(super::begin::N_VALIDATION));
        let model = Model::new(&layers, Init::Book, 0)?;
        let schedule = self.schedule(N_BATCHES)?;
        // How many classes there are, which their weights must be as many as, the data say.
        let for_any_classes = RunConfig { class_weights: Vec::new(), ..config.clone() };
        let state = TrainingState::new(&model, self.optimizer()?, schedule, for_any_classes)?;
        let state = TrainingState { config, ..state };
        let all = Self::of(&layers, &state, n_validation, Some(N_BATCHES));
        let network = all.network.with_init(self.network.init());
        let epochs = Some(self.epochs.unwrap_or(EPOCHS));
        let mut steps = all.steps;
        steps.validate_on_test = self.steps.validate_on_test;
        let dataset = Some(self.dataset.unwrap_or(Choice::Auto));
        Ok(Self { dataset, epochs, network, steps, ..all })
    }

    /// What a run over these layers is, with batches of so many images where that is not said.
    pub(super) fn config(
        &self,
        layers: &[LayerSpec],
        batch_size: Option<usize>,
    ) -> anyhow::Result<RunConfig> {
        let n_dense = layers.iter().filter(|layer| layer.dense().is_some()).count();
        let mut config = RunConfig::default();
        self.objective.configure(n_dense, &mut config)?;
        self.steps.configure(n_dense, &mut config)?;
        config.batch_size =
            self.batch_size().or(batch_size).unwrap_or(RunConfig::default().batch_size);
        config.validate().map_err(Usage::error)?;
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

    pub(super) fn batch_size(&self) -> Option<usize> {
        self.steps.batch_size.map(usize::from)
    }

    pub(super) fn validation(&self) -> Option<usize> {
        self.steps.validation
    }

    /// Whether each epoch is measured by the test set.
    pub(super) fn validates_on_test(&self) -> bool {
        self.steps.validate_on_test.unwrap_or(false)
    }

    /// The error where an option is given that is not what the saved run has.
    pub(super) fn agree_with(
        &self,
        saved: &Settings,
        saved_state: &TrainingState,
    ) -> anyhow::Result<()> {
        self.optimizing.check_options_of(saved_state.optimizer.config().name())?;
        self.rates.agree(&saved_state.schedule)?;
        let (saved, given) = (saved.table(), self.table());
        for (key, given) in given.iter().filter(|(key, _)| !NOT_COMPARED.contains(&key.as_str())) {
            let saved = saved.get(key).map_or_else(|| "none".into(), plain);
            agree(&format!("--{key}"), Some(&plain(given)), &saved)?;
        }
        Ok(())
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

impl TryFrom<Map<String, Value>> for Settings {
    type Error = anyhow::Error;

    fn try_from(table: Map<String, Value>) -> anyhow::Result<Self> {
        serde_json::from_value(Value::Object(table)).map_err(Usage::error)
    }
}

/// The options of a file. Each must be one that there is.
fn parse(text: &str, name: &str) -> anyhow::Result<Map<String, Value>> {
    let table: Map<String, Value> = toml::from_str(text).map_err(|error: toml::de::Error| {
        Usage::error(format!("{name}: {}", error.to_string().trim_end()))
    })?;
    let understood = Settings::try_from(table.clone()).with_context(|| name.to_owned());
    let understood = understood.map_err(|error| Usage::error(format!("{error:#}")))?.table();
    match table.keys().find(|key| !understood.contains_key(*key)) {
        None => Ok(table),
        Some(key) => Err(Usage::error(format!(
            "{name}: {key}: expected an option of `fmnist train` without its dashes, as those that \
             --print-config shows"
        ))),
    }
}

/// Settings that are built into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::command) enum Preset {
    /// The run of the book "Neural Networks from Scratch", in its own lines
    Nnfs,
    /// The default network, trained better in the same time
    Better,
    /// A larger network, in about a minute on two cores
    DenseFast,
    /// The most accurate that there is of dense layers
    DenseBest,
}

impl Preset {
    fn name(self) -> &'static str {
        match self {
            Self::Nnfs => "nnfs",
            Self::Better => "better",
            Self::DenseFast => "dense-fast",
            Self::DenseBest => "dense-best",
        }
    }

    /// Its file.
    fn text(self) -> &'static str {
        match self {
            Self::Nnfs => include_str!("../../../presets/nnfs.toml"),
            Self::Better => include_str!("../../../presets/better.toml"),
            Self::DenseFast => include_str!("../../../presets/dense-fast.toml"),
            Self::DenseBest => include_str!("../../../presets/dense-best.toml"),
        }
    }
}

/// The error where an option is given that a choice, as `--optimizer`, has not for what was `chosen`. Each of
/// `options` says for which it is, and whether it is given.
fn check_options(
    choice: &str,
    chosen: &str,
    options: &[(&str, &[&str], bool)],
) -> anyhow::Result<()> {
    let wrong = options.iter().find(|(_, of, given)| *given && !of.contains(&chosen));
    let Some((option, of, _)) = wrong else { return Ok(()) };
    let (names, have) = match of {
        [name] => ((*name).to_owned(), "has"),
        [names @ .., last] => (format!("{} or {last}", names.join(", ")), "have"),
        [] => return Ok(()),
    };
    Err(Usage::error(format!(
        "{option}: expected {choice} {names}, which alone {have} it, found {chosen}"
    )))
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
    use super::*;

    /// Every preset is understood, and completed it says all that it says itself.
    #[test]
    fn presets_are_settings() {
        for &preset in Preset::value_variants() {
            let settings = Settings::default().over(None, Some(preset)).unwrap();
            let all = settings.completed().unwrap().table();
            for (key, value) in settings.table() {
                assert_eq!(all.get(&key), Some(&value), "{preset:?}: {key}");
            }
            let again = parse(&settings.completed().unwrap().to_toml().unwrap(), "again").unwrap();
            assert_eq!(again, all, "{preset:?}: printed and read again");
        }
    }

    #[test]
    fn the_command_line_goes_before_the_preset() {
        let given = Settings { epochs: Some(3), ..Settings::default() };
        let settings = given.over(None, Some(Preset::Better)).unwrap();
        assert_eq!(settings.epochs, Some(3));
        assert!(settings.table().len() > 3);
    }

    #[test]
    fn options_that_there_are_not_are_refused_by_name() {
        for (text, expected) in [
            ("epoch = 3", "run.toml: epoch: expected an option"),
            ("epochs = \"three\"", "run.toml: invalid type"),
            ("norm = \"bath\"", "run.toml: unknown variant"),
            ("epochs = ", "run.toml: TOML parse error at line 1"),
        ] {
            let error = parse(text, "run.toml").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
