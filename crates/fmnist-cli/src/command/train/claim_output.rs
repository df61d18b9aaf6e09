//! Decides whether a run is new or resumed, and locks the files that it will write.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fmnist::{
    Saves,
    options::{ArithmeticName, DataSource, DatasetKind, Error, Options, SaveOptions},
};
use nn_core::Model;
use nn_io::{Checkpoint, CheckpointDir, ErrorKind, Newest};

use super::{args::Args, new_run};
use crate::{command::arithmetic, console::Console, data, exit::Usage, outside::Outside};

/// A run whose data are not loaded yet.
pub(super) enum Plan {
    New {
        /// The model whose weights it starts with.
        warm_start: Option<Box<Model>>,
    },
    Resume {
        path: PathBuf,
        checkpoint: Box<Checkpoint>,
    },
}

/// A run with exclusive access to its files.
pub(super) struct Claimed {
    pub(super) plan: Plan,
    pub(super) source: DataSource,
    pub(super) saves: Saves,
}

/// Plans the run and claims its files. This comes before anything slow, so that a run that could not be saved fails at
/// once.
pub(super) fn claim_output(
    args: &Args,
    options: &Options,
    console: &Console,
) -> anyhow::Result<Claimed> {
    let Args { resume, warm_start, .. } = args;
    let given = &options.saves;
    if given.checkpoint_dir.is_some() && given.checkpoint_dir == given.output {
        return Err(Usage::error("--output: expected a different path from --checkpoint-dir"));
    }
    let is_directory = resume.as_ref().is_some_and(|path| path.is_dir());
    if given.checkpoint_every.is_some() && given.checkpoint_dir.is_none() && !is_directory {
        return Err(Usage::error("--checkpoint-every: needs --checkpoint-dir"));
    }
    if warm_start.is_some() && resume.is_some() {
        return Err(Usage::error(
            "--warm-start: cannot be combined with --resume, which has its own weights",
        ));
    }
    match resume {
        None => {
            let source = new_run::plan(options)?;
            let load = |path: &PathBuf| -> anyhow::Result<Box<Model>> {
                Ok(Box::new(Checkpoint::load(path)?.into_inference()?.model))
            };
            let plan = Plan::New { warm_start: warm_start.as_ref().map(load).transpose()? };
            let saves = claim(given, None, None)?;
            Ok(Claimed { plan, source, saves })
        }
        Some(directory) if is_directory => {
            let is_same =
                |other: &PathBuf| other.canonicalize().ok() == directory.canonicalize().ok();
            let (checkpoints, newest) = match &given.checkpoint_dir {
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
            let source = source_of(&path, &checkpoint, options)?;
            let saves = claim(given, Some(checkpoints), None)?;
            let (path, checkpoint) = furthest(&saves, path, checkpoint);
            Ok(Claimed { plan: resume_from(path, checkpoint, options)?, source, saves })
        }
        Some(file) => {
            let load = || -> anyhow::Result<(Checkpoint, DataSource)> {
                let checkpoint = Checkpoint::load(file)?;
                let source = source_of(file, &checkpoint, options)?;
                Ok((checkpoint, source))
            };
            load()?;
            let saves = claim(given, None, Some(file))?;
            // Loaded again, since another run may have saved to the file before it was locked.
            let (checkpoint, source) = load()?;
            let (path, checkpoint) = match saves.output() == file {
                true => (file.clone(), checkpoint),
                false => furthest(&saves, file.clone(), checkpoint),
            };
            Ok(Claimed { plan: resume_from(path, checkpoint, options)?, source, saves })
        }
    }
}

/// Claims the output and the checkpoint directory of a run. `directory` is a checkpoint directory that is open already.
/// `resumed` is the resumed file, which is the output unless the options give another.
fn claim(
    given: &SaveOptions,
    directory: Option<CheckpointDir>,
    resumed: Option<&Path>,
) -> anyhow::Result<Saves> {
    // The directory comes first, since the output is in it unless --output gives another path.
    let directory = match (directory, &given.checkpoint_dir) {
        (None, Some(directory)) => Some(create(directory)?),
        (directory, _) => directory,
    };
    let every = given.checkpoint_every.unwrap_or(1);
    Ok(match (directory, &given.output) {
        (None, output) => {
            let default = Path::new("fashion_mnist.model");
            Saves::claim(output.as_deref().or(resumed).unwrap_or(default))?
        }
        (Some(directory), None) => Saves::in_directory(directory, every)?,
        (Some(directory), Some(output)) => {
            Saves::claim(output)?.with_checkpoints(directory, every)?
        }
    })
}

/// Creates a checkpoint directory. If it has the checkpoints of another run, the error says how to resume that run.
fn create(directory: &Path) -> anyhow::Result<CheckpointDir> {
    CheckpointDir::create(directory).map_err(|error| match error.kind() {
        ErrorKind::WouldOverwrite => {
            let hint =
                format!("; to resume the run there, use --resume {}", Outside::from(directory));
            let message = error.to_string() + &hint;
            anyhow::Error::new(error).context(message)
        }
        _ => error.into(),
    })
}

/// The latest state of the run: the one in the output, if that is later than the checkpoint. An output must never go
/// back to an earlier state. It is saved after every epoch, but checkpoints may be saved less often.
fn furthest(saves: &Saves, path: PathBuf, checkpoint: Checkpoint) -> (PathBuf, Checkpoint) {
    match saves.later_state(&checkpoint) {
        Some(later) => (saves.output().to_owned(), later),
        None => (path, checkpoint),
    }
}

/// Resumes this run, in the arithmetic of the options or in its own. This comes last, when no later state can replace the
/// checkpoint.
fn resume_from(path: PathBuf, checkpoint: Checkpoint, options: &Options) -> anyhow::Result<Plan> {
    let file = Outside::from(&path).to_string();
    let state = checkpoint.training.as_ref().ok_or(fmnist::Error::ForInference);
    let saved = state.with_context(|| file.clone())?.config.arithmetic;
    let given = options.training.arithmetic.map(ArithmeticName::value);
    arithmetic::of_resumed_run(&file, saved, given)?;
    Ok(Plan::Resume { path, checkpoint: Box::new(checkpoint) })
}

/// The dataset of a saved run. Fails if the options ask for another.
fn source_of(
    path: &Path,
    checkpoint: &Checkpoint,
    options: &Options,
) -> anyhow::Result<DataSource> {
    let info = &checkpoint.info;
    let name = Outside::from(path).to_string();
    let saved = DatasetKind::of_model(info).context(name.clone())?;
    if checkpoint.training.is_none() {
        return Err(fmnist::Error::ForInference).context(name);
    }
    match options.data.dataset {
        Some(given) if given != DatasetKind::Auto && given != saved => {
            Err(Error::not_saved("dataset", saved, given).into())
        }
        _ => data::source_of(info, options.places.data_dir.as_deref(), Some(path), &name),
    }
}
