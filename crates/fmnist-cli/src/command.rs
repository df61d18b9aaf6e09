//! The commands, one module each.

mod arithmetic;
pub(crate) mod calibrate;
pub(crate) mod completions;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod find_rate;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod train;
pub(crate) mod verify;

use std::path::PathBuf;

use clap::ValueEnum as _;
use fmnist::options::{self, Options, Preset};
use nn_io::SetAside;
use nn_train::Metrics;
use serde::Serialize;

use crate::{
    console::{Console, View},
    exit::Usage,
    help::SETTINGS,
    outside::Outside,
};

/// The options that name a preset or a file of settings.
#[derive(Debug, clap::Args)]
struct SettingsArgs {
    /// Built-in settings, which other options override [default: none]
    #[arg(long, value_enum, value_name = "NAME", help_heading = SETTINGS)]
    preset: Option<Preset>,

    /// TOML file of settings, which other options override [default: none]
    #[arg(long, value_name = "FILE", help_heading = SETTINGS)]
    config: Option<PathBuf>,
}

/// The options of a run. Those on the command line override the file, and the file overrides the preset.
struct LayeredOptions {
    options: Options,
    /// The options on the command line.
    given: Options,
    /// The options that these override, each set with the name of its source.
    below: Vec<(String, Options)>,
}

impl LayeredOptions {
    fn new(given: &Options, settings: &SettingsArgs) -> Result<Self, options::Error> {
        let mut below = Vec::new();
        if let Some(path) = &settings.config {
            below.push((Outside::from(path).to_string(), Options::read(path)?));
        }
        if let Some(preset) = settings.preset {
            let name = preset.to_possible_value().map(|value| value.get_name().to_owned());
            below.push((format!("the preset {}", name.unwrap_or_default()), preset.options()?));
        }
        let options = below.iter().fold(given.clone(), |all, (_, it)| all.over(it.clone()));
        Ok(Self { options, given: given.clone(), below })
    }

    /// Adds to the error of an option where its value comes from, unless that is the command line.
    fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let Some(options::Error::Option { option, problem }) = error.downcast_ref() else {
            return error;
        };
        let has = |options: &Options| {
            serde_json::to_value(options).is_ok_and(|all| all.get(option).is_some())
        };
        let source = self.below.iter().find(|(_, options)| has(options) && !has(&self.given));
        let Some((source, _)) = source else { return error };
        let problem = format!("{problem}; {source} sets it");
        options::Error::Option { option: option.clone(), problem }.into()
    }
}

/// Warns that a save renames the file that is there.
fn warn_of_rename(SetAside { from, to, replaced }: &SetAside, console: &Console) {
    let (from, to) = (Outside::from(from), Outside::from(to));
    let replaced = if *replaced { ", in place of an older one" } else { "" };
    console.warning(&format!("{from}: the old file is kept as {to}{replaced}"));
}

/// Options, as a file for `train --config`.
#[derive(Serialize)]
#[serde(transparent)]
struct OptionsView {
    options: Options,
    #[serde(skip)]
    toml: String,
}

impl OptionsView {
    fn new(options: Options) -> anyhow::Result<Self> {
        // Such a path would be escaped in the output, and be another one when the file is read.
        for (option, path) in [
            ("data-dir", &options.places.data_dir),
            ("output", &options.saves.output),
            ("checkpoint-dir", &options.saves.checkpoint_dir),
        ] {
            if let Some(path) = path.as_deref().map(Outside::from).filter(Outside::is_escaped) {
                return Err(Usage::error(format!(
                    "--{option}: expected a path without control characters, which a file of settings cannot have, \
                     found {path}"
                )));
            }
        }
        let toml = options.to_toml()?;
        Ok(Self { options, toml })
    }
}

impl View for OptionsView {
    fn text(&self) -> String {
        self.toml.trim_end().into()
    }
}

/// Loss and accuracy in JSON.
#[derive(Clone, Copy, Serialize)]
struct MetricsView {
    loss: f64,
    accuracy: f64,
}

impl From<Metrics> for MetricsView {
    fn from(Metrics { loss, accuracy }: Metrics) -> Self {
        Self { loss, accuracy }
    }
}
