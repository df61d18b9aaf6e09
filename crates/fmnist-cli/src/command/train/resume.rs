//! A saved run that is resumed. Given settings must agree with the saved ones, and the data must be the same.

use std::path::Path;

use anyhow::Context as _;
use fmnist_data::Dataset;
use nn_core::InstructionSet;
use nn_io::{Checkpoint, ModelInfo};

use super::{
    new_run::{Run, producer},
    settings::{Settings, agree},
};
use crate::{
    console::Console,
    source::{DataSource, DatasetKind},
};

/// A saved run whose data are not known yet.
pub(super) struct SavedRun {
    pub(super) source: DataSource,
    run: Run,
    info: ModelInfo,
}

impl SavedRun {
    /// Checks that the settings agree with the saved run, as far as possible without the data.
    pub(super) fn plan(
        path: &Path,
        checkpoint: Checkpoint,
        settings: &Settings,
        data_dir: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let Checkpoint { model, info, training } = checkpoint;
        let dataset = DatasetKind::of_model(&info)?;
        let state = training.with_context(|| {
            format!(
                "{}: the model is for inference only and has no optimizer state to resume from; \
                 use the file that `train` wrote",
                path.display()
            )
        })?;
        let given_dataset = settings.dataset.filter(|&kind| kind != DatasetKind::Auto);
        agree("--dataset", given_dataset.as_ref(), &dataset)?;
        let saved = Settings::of(model.architecture(), &state, &info, None);
        settings.agree_with(&saved, &state)?;
        let source = DataSource::of_model(&info, data_dir)?;
        Ok(Self { source, run: Run { model, state }, info })
    }

    /// The run, and what its file says about model and data. Fails if the data are not those of the saved run.
    pub(super) fn into_run(
        self,
        dataset: &Dataset,
        console: &Console,
    ) -> anyhow::Result<(Run, ModelInfo)> {
        let Self { run, mut info, .. } = self;
        if let Some(saved) = info.dataset.as_ref().filter(|saved| saved.sha256 != dataset.sha256) {
            let (expected, found) = (&saved.sha256, &dataset.sha256);
            anyhow::bail!(
                "the dataset is not the one of the saved run: \
                 expected SHA-256 {expected}, found {found}; restore the original data"
            );
        }
        let instruction_set = InstructionSet::current().name();
        if info.instruction_set != instruction_set {
            console.warning(&format!(
                "the run began with {}, this machine has {instruction_set}: \
                 the result will be as good, but not bit-for-bit identical",
                info.instruction_set
            ));
        }
        (info.producer, info.instruction_set) = (producer(), instruction_set.into());
        Ok((run, info))
    }
}
