//! The built-in model, and the choice of the model that a command uses.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nn_io::Checkpoint;

use crate::outside::Outside;

/// Made by the commands in docs/predict.md.
static MODEL: &[u8] = include_bytes!("../model/fashion_mnist.model");

/// The model at `path`, or the bundled one.
pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Checkpoint> {
    match path {
        Some(path) => Ok(Checkpoint::load(path)?),
        None => Checkpoint::from_bytes(MODEL).context("the model built into this program"),
    }
}

/// The name of the model at `path`, or of the bundled one, for messages.
pub(crate) fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| "the built-in model".into(), |path| Outside::from(path).to_string())
}

/// Splits off the first of `files` if it is a model by content or by name. The name counts so that a damaged model is not
/// read as a picture.
pub(crate) fn split_model(mut files: Vec<PathBuf>) -> (Option<PathBuf>, Vec<PathBuf>) {
    let named = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "model");
    if files.first().is_some_and(|path| named(path) || nn_io::is_model(path)) {
        let rest = files.split_off(1);
        (files.pop(), rest)
    } else {
        (None, files)
    }
}
