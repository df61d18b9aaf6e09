//! The built-in model, and the choice of the model that a command uses.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nn_io::Checkpoint;

use crate::{exit::Usage, outside::Outside};

/// Made by the commands in docs/predict.md.
static MODEL: &[u8] = include_bytes!("../model/fashion_mnist.model");

/// The model at `path`, or the built-in one.
pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Checkpoint> {
    match path {
        Some(path) => Ok(Checkpoint::load(path)?),
        None => Checkpoint::from_bytes(MODEL).context("the model built into this program"),
    }
}

/// The name of the model at `path`, or of the built-in one, for messages.
pub(crate) fn name(path: Option<&Path>) -> String {
    path.map_or_else(|| "the built-in model".into(), |path| Outside::from(path).to_string())
}

/// Splits off the first of `files` if it is a model. Fails if there is a model after a picture: the built-in one would
/// answer in its place.
pub(crate) fn split_model(
    mut files: Vec<PathBuf>,
) -> anyhow::Result<(Option<PathBuf>, Vec<PathBuf>)> {
    match files.iter().position(|path| is_model(path)) {
        None => Ok((None, files)),
        Some(0) => {
            let pictures = files.split_off(1);
            Ok((files.pop(), pictures))
        }
        Some(index) => {
            let [model, picture] = [&files[index], &files[0]].map(Outside::from);
            let more = if files.len() > 2 { " ..." } else { "" };
            Err(Usage::error(format!(
                "{model} is a model; the model comes first: fmnist predict {model} {picture}{more}"
            )))
        }
    }
}

/// Whether it is a model by content or by name. The name counts so that a damaged model is not read as a picture.
fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "model") || nn_io::is_model(path)
}
