//! The commands, one module each.

pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod find_rate;
pub(crate) mod inspect;
pub(crate) mod predict;
pub(crate) mod train;

use std::path::Path;

use fmnist::options::{Options, Preset};
use nn_train::Metrics;
use serde::Serialize;

use crate::console::View;

/// The options on the command line, over those of the file, over those of the preset.
fn layered(
    given: &Options,
    file: Option<&Path>,
    preset: Option<Preset>,
) -> Result<Options, fmnist::options::Error> {
    let file = file.map(Options::read).transpose()?.unwrap_or_default();
    let preset = preset.map(Preset::options).transpose()?.unwrap_or_default();
    Ok(given.clone().over(file).over(preset))
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
    fn new(options: Options) -> Result<Self, fmnist::options::Error> {
        let toml = options.to_toml()?;
        Ok(Self { options, toml })
    }
}

impl View for OptionsView {
    fn text(&self) -> String {
        self.toml.trim_end().into()
    }
}

/// Loss and accuracy, as JSON has them.
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
