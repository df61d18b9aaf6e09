//! Which run it is, new or carried on, and the files that are its own from then on.

use std::path::{Path, PathBuf};

use nn_io::{Checkpoint, CheckpointDir, DatasetId, ErrorKind, FileLock, ModelInfo, Newest};

use super::{
    Args,
    settings::Settings,
    setup::{self, Plan},
};
use crate::{console::Console, exit::Usage};

/// A run whose files are ours alone.
pub(super) struct Opened {
    pub(super) plan: Plan,
    /// The file that is carried on.
    pub(super) resumed: Option<PathBuf>,
    pub(super) output: PathBuf,
    pub(super) _lock: FileLock,
    pub(super) checkpoints: Option<CheckpointDir>,
}

/// Finds out, before anything that takes time, which run it is, and that it can be saved where it shall
/// be, and nobody else saves there.
pub(super) fn open(args: &Args, settings: &Settings, console: &Console) -> anyhow::Result<Opened> {
    let Args { resume, warm_start, output, checkpoint_dir, checkpoint_every, data_dir, .. } = args;
    let data_dir = data_dir.as_deref();
    let default_output = || PathBuf::from("fashion_mnist.model");
    let claim = |output: &Path| -> anyhow::Result<FileLock> {
        nn_io::check_output(output)?;
        Ok(FileLock::acquire(output)?)
    };
    let create = |directory: &PathBuf| {
        CheckpointDir::create(directory).map_err(|error| match error.kind() {
            ErrorKind::WouldOverwrite => anyhow::Error::new(error).context(format!(
                "to carry the run there on, use --resume {}",
                directory.display()
            )),
            _ => error.into(),
        })
    };
    let new_checkpoints = || checkpoint_dir.as_ref().map(create).transpose();
    if checkpoint_dir.is_some() && checkpoint_dir == output {
        return Err(Usage::error("--output: expected another path than --checkpoint-dir"));
    }
    let is_directory = resume.as_ref().is_some_and(|path| path.is_dir());
    if checkpoint_every.is_some() && checkpoint_dir.is_none() && !is_directory {
        return Err(Usage::error("--checkpoint-every: needs --checkpoint-dir"));
    }
    if warm_start.is_some() && resume.is_some() {
        return Err(Usage::error(
            "--warm-start: expected no --resume, which has weights of its own",
        ));
    }
    match resume {
        None => {
            let plan = setup::new_run(settings, warm_start.as_deref(), data_dir)?;
            let output = output.clone().unwrap_or_else(default_output);
            let lock = claim(&output)?;
            let checkpoints = new_checkpoints()?;
            Ok(Opened { plan, resumed: None, output, _lock: lock, checkpoints })
        }
        Some(directory) if is_directory => {
            let is_same =
                |other: &PathBuf| other.canonicalize().ok() == directory.canonicalize().ok();
            let (checkpoints, newest) = match checkpoint_dir {
                Some(other) if !is_same(other) => {
                    let newest = Newest::load(directory)?;
                    (create(other)?, newest)
                }
                _ => CheckpointDir::open(directory)?,
            };
            let Newest { path, checkpoint, skipped } = newest;
            for error in skipped {
                console.warning(&format!("skipped: {error}"));
            }
            let plan = setup::resumed_run(&path, checkpoint, settings, data_dir)?;
            let output = output.clone().unwrap_or_else(default_output);
            let lock = claim(&output)?;
            let checkpoints = Some(checkpoints);
            Ok(Opened { plan, resumed: Some(path), output, _lock: lock, checkpoints })
        }
        Some(file) => {
            let load = || setup::resumed_run(file, Checkpoint::load(file)?, settings, data_dir);
            load()?;
            let output = output.as_ref().unwrap_or(file).clone();
            let lock = claim(&output)?;
            // Once more, as another run may have saved to it before it was locked.
            let plan = load()?;
            let checkpoints = new_checkpoints()?;
            Ok(Opened { plan, resumed: Some(file.clone()), output, _lock: lock, checkpoints })
        }
    }
}

/// Names the model that will be replaced. It must be one of the same dataset: a run that fell back to
/// synthetic garments is no match for one on the real images.
pub(super) fn check_replaced(
    output: &Path,
    info: &ModelInfo,
    console: &Console,
) -> anyhow::Result<()> {
    if !output.exists() {
        return Ok(());
    }
    if let Ok(Checkpoint { info: old, .. }) = Checkpoint::load(output)
        && old.dataset != info.dataset
    {
        let [old, new] = [old.dataset, info.dataset.clone()]
            .map(|DatasetId { name, sha256 }| format!("{name:?} (SHA-256 {}...)", &sha256[..8]));
        let found = format!("a model of {old} by one of {new}");
        return Err(nn_io::Error::WouldOverwrite { path: output.into(), found }.into());
    }
    console.message(&format!("replacing the model in {}", output.display()));
    Ok(())
}
