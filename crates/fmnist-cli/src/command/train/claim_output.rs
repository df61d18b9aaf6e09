//! Decides which run it is, new or resumed, and locks the files that it will write.

use std::path::{Path, PathBuf};

use fmnist_data::Dataset;
use nn_io::{Checkpoint, CheckpointDir, DatasetId, ErrorKind, FileLock, ModelInfo, Newest};

use super::{
    args::Args,
    new_run::{NewRun, Run},
    resume::SavedRun,
    settings::Settings,
};
use crate::{console::Console, exit::Usage, source::DataSource};

/// A run whose data are not known yet.
pub(super) enum Plan {
    New(Box<NewRun>),
    Resume(Box<SavedRun>),
}

impl Plan {
    /// The dataset of the run.
    pub(super) fn source(&self) -> &DataSource {
        match self {
            Self::New(run) => &run.source,
            Self::Resume(run) => &run.source,
        }
    }

    /// The run, and what its file says about model and data.
    pub(super) fn into_run(
        self,
        dataset: &Dataset,
        console: &Console,
    ) -> anyhow::Result<(Run, ModelInfo)> {
        match self {
            Self::New(run) => run.into_run(dataset, console),
            Self::Resume(run) => run.into_run(dataset, console),
        }
    }
}

/// A run with exclusive access to its files.
pub(super) struct Claimed {
    pub(super) plan: Plan,
    /// The file that is resumed.
    pub(super) resumed: Option<PathBuf>,
    pub(super) output: PathBuf,
    pub(super) _lock: FileLock,
    pub(super) checkpoints: Option<CheckpointDir>,
}

/// Plans the run and claims its files, before anything that takes time.
pub(super) fn claim_output(
    args: &Args,
    settings: &Settings,
    console: &Console,
) -> anyhow::Result<Claimed> {
    let Args { resume, warm_start, output, checkpoint_dir, checkpoint_every, data_dir, .. } = args;
    let data_dir = data_dir.as_deref();
    let default_output = || PathBuf::from("fashion_mnist.model");
    let claim = |output: &Path| -> anyhow::Result<FileLock> {
        nn_io::check_output(output)?;
        Ok(FileLock::acquire(output)?)
    };
    let create = |directory: &PathBuf| {
        CheckpointDir::create(directory).map_err(|error| match error.kind() {
            ErrorKind::WouldOverwrite => anyhow::Error::new(error)
                .context(format!("to resume the run there, use --resume {}", directory.display())),
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
            "--warm-start: cannot be combined with --resume, which has its own weights",
        ));
    }
    match resume {
        None => {
            let run = NewRun::plan(settings, warm_start.as_deref(), data_dir)?;
            let plan = Plan::New(Box::new(run));
            let output = output.clone().unwrap_or_else(default_output);
            let lock = claim(&output)?;
            let checkpoints = new_checkpoints()?;
            Ok(Claimed { plan, resumed: None, output, _lock: lock, checkpoints })
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
            let run = SavedRun::plan(&path, checkpoint, settings, data_dir)?;
            let plan = Plan::Resume(Box::new(run));
            let output = output.clone().unwrap_or_else(default_output);
            let lock = claim(&output)?;
            let checkpoints = Some(checkpoints);
            Ok(Claimed { plan, resumed: Some(path), output, _lock: lock, checkpoints })
        }
        Some(file) => {
            let load = || SavedRun::plan(file, Checkpoint::load(file)?, settings, data_dir);
            load()?;
            let output = output.as_ref().unwrap_or(file).clone();
            let lock = claim(&output)?;
            // Again, since another run may have saved to it before it was locked.
            let plan = Plan::Resume(Box::new(load()?));
            let checkpoints = new_checkpoints()?;
            Ok(Claimed { plan, resumed: Some(file.clone()), output, _lock: lock, checkpoints })
        }
    }
}

/// Reports the model that will be replaced. It must be of the same dataset: a run that fell back to synthetic garments
/// must not replace one on the real images.
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
        let [old, new] = [&old.dataset, &info.dataset].map(|dataset| match dataset {
            Some(DatasetId { name, sha256 }) => format!("{name:?} (SHA-256 {}...)", &sha256[..8]),
            None => "unknown data".into(),
        });
        let found = format!("a model of {old} by one of {new}");
        return Err(nn_io::Error::WouldOverwrite { path: output.into(), found }.into());
    }
    console.message(&format!("replacing the model in {}", output.display()));
    Ok(())
}
