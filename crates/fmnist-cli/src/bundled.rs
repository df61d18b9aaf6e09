//! The built-in model, and the choice of the model that a command uses.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nn_io::{Checkpoint, Newest};

use crate::{console::Console, exit::Usage, outside::Outside};

/// Made by the commands in docs/predict.md.
static MODEL: &[u8] = include_bytes!("../model/fashion_mnist.model");

/// The model at `path`, or the built-in one. If the model has its run and the processor its arithmetic, this process then
/// computes in that, so that the last digits are those of the run, too.
pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Checkpoint> {
    let checkpoint = match path {
        Some(path) => Checkpoint::load(path)?,
        None => Checkpoint::from_bytes(MODEL).context("the model built into this program")?,
    };
    choose_arithmetic(&checkpoint);
    Ok(checkpoint)
}

/// The same, with the model's name. In a directory of checkpoints, it is the newest undamaged one.
pub(crate) fn load_newest(
    path: Option<&Path>,
    console: &Console,
) -> anyhow::Result<(String, Checkpoint)> {
    let Some(directory) = path.filter(|path| path.is_dir()) else {
        return Ok((name(path), load(path)?));
    };
    let Newest { path, checkpoint, skipped } = Newest::load(directory)?;
    for error in skipped {
        console.warning(&format!("skipped: {error}"));
    }
    choose_arithmetic(&checkpoint);
    Ok((name(Some(&path)), checkpoint))
}

/// Selects the arithmetic of the model's run, if the processor has it.
fn choose_arithmetic(checkpoint: &Checkpoint) {
    if let Some(state) = &checkpoint.training {
        state.config.arithmetic.choose();
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
            let command = format!("fmnist predict {model} {picture}{more}");
            Err(Usage::error(match files[index].exists() {
                true => format!("{model} is a model; the model comes first: {command}"),
                false => format!(
                    "{model}: no such file; check the name, and give a model first: {command}"
                ),
            }))
        }
    }
}

/// Whether it is a model by content or by name. The name counts so that a damaged model is not read as a picture.
fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "model") || nn_io::is_model(path)
}
