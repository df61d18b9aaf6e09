//! Making the run that was asked for: a new one from settings, or the saved one that settings must
//! not contradict.

use std::path::Path;

use anyhow::Context as _;
use fmnist_data::Dataset;
use nn_core::{Model, Scaling};
use nn_io::{Checkpoint, DatasetId, InputSpec, ModelInfo};
use nn_train::TrainingState;

use super::{
    begin,
    settings::{Settings, agree},
};
use crate::{
    console::Console,
    source::{Choice, Source},
};

/// A model and its state of training.
pub(in crate::command) struct Run {
    pub(in crate::command) model: Model,
    pub(in crate::command) state: TrainingState,
}

/// A run that is known before its data are.
pub(super) enum Plan {
    New { settings: Box<Settings>, warm_start: Option<Box<Checkpoint>>, source: Source },
    Resume { run: Box<Run>, source: Source, info: Box<ModelInfo> },
}

/// Plans a new run. Whatever is wrong with its settings is found here, but for what only the data tell.
pub(super) fn new_run(
    settings: &Settings,
    warm_start: Option<&Path>,
    data_dir: Option<&Path>,
) -> anyhow::Result<Plan> {
    let source = settings.source(data_dir)?;
    let (inputs, outputs) = source.least_shape();
    begin::layers(settings, inputs, outputs)?;
    settings.schedule(1)?;
    let warm_start = warm_start.map(Checkpoint::load).transpose()?.map(Box::new);
    Ok(Plan::New { settings: Box::new(settings.clone()), warm_start, source })
}

/// The saved run of this file, to be carried on, which the settings must not contradict.
pub(super) fn resumed_run(
    path: &Path,
    checkpoint: Checkpoint,
    settings: &Settings,
    data_dir: Option<&Path>,
) -> anyhow::Result<Plan> {
    let Checkpoint { model, info, training } = checkpoint;
    let dataset = Choice::of_model(&info)?;
    let state = training.with_context(|| {
        format!(
            "{}: the model is for inference only and has no optimizer state to carry on with; \
             resume from the file that `train` wrote",
            path.display()
        )
    })?;
    let given_dataset = settings.dataset.filter(|&choice| choice != Choice::Auto);
    agree("--dataset", given_dataset.as_ref(), &dataset)?;
    let saved = Settings::of(&model.specs(), &state, &info, None);
    settings.agree_with(&saved, &state)?;
    let source = Source::of_model(&info, data_dir)?;
    let run = Box::new(Run { model, state });
    Ok(Plan::Resume { run, source, info: Box::new(info) })
}

impl Plan {
    /// The dataset that the run is on.
    pub(super) fn source(&self) -> &Source {
        match self {
            Plan::New { source, .. } | Plan::Resume { source, .. } => source,
        }
    }

    /// The run, and what its file says beside it. A saved run goes on only with the very data that
    /// it began with.
    pub(super) fn into_run(
        self,
        dataset: &Dataset,
        console: &Console,
    ) -> anyhow::Result<(Run, ModelInfo)> {
        let instruction_set = nn_core::InstructionSet::current().name();
        let producer = format!("fmnist {}", env!("CARGO_PKG_VERSION"));
        match self {
            Plan::New { settings, warm_start, .. } => {
                let (run, n_validation) =
                    begin::run(&settings, warm_start.as_deref(), dataset, console)?;
                let Scaling { mean, std } = Scaling::default();
                let images = &dataset.train.images;
                let info = ModelInfo {
                    producer,
                    instruction_set: instruction_set.into(),
                    input: InputSpec {
                        width: images.width,
                        height: images.height,
                        mean,
                        std,
                        mirror: run.state.config.mirror,
                    },
                    class_names: dataset.class_names.clone(),
                    dataset: DatasetId {
                        name: dataset.name.to_string(),
                        sha256: dataset.sha256.clone(),
                    },
                    n_validation,
                };
                Ok((run, info))
            }
            Plan::Resume { run, mut info, .. } => {
                if dataset.sha256 != info.dataset.sha256 {
                    let (expected, found) = (&info.dataset.sha256, &dataset.sha256);
                    anyhow::bail!(
                        "the dataset is not the one that the run began with: \
                         expected SHA-256 {expected}, found {found}; bring the first one back"
                    );
                }
                if info.instruction_set != instruction_set {
                    console.warning(&format!(
                        "the run began on {}, this machine has {instruction_set}: \
                         the result will be as good, but not the same to the bit",
                        info.instruction_set
                    ));
                }
                (info.producer, info.instruction_set) = (producer, instruction_set.into());
                Ok((*run, *info))
            }
        }
    }
}
