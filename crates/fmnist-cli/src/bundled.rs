//! The model that is part of the program, and which model a command is about.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nn_io::Checkpoint;

/// `data/fashion_mnist.model` of the workspace, made by the command in the README.
static MODEL: &[u8] = include_bytes!("../../../data/fashion_mnist.model");

/// The model at `path`, or the bundled one.
pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Checkpoint> {
    match path {
        Some(path) => Ok(Checkpoint::load(path)?),
        None => Checkpoint::from_bytes(MODEL).context("the model built into this program"),
    }
}

/// What to call the model at `path`, or the bundled one.
pub(crate) fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| "the built-in model".into(), |path| path.display().to_string())
}

/// Takes the model off the front of `files`, where the first of them is one: by its content, or by its
/// name, so that a damaged one is not taken for a picture.
pub(crate) fn split_model(mut files: Vec<PathBuf>) -> (Option<PathBuf>, Vec<PathBuf>) {
    let named = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "model");
    if files.first().is_some_and(|path| named(path) || nn_io::is_model(path)) {
        let rest = files.split_off(1);
        (files.pop(), rest)
    } else {
        (None, files)
    }
}
