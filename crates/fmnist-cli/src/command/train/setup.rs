//! Making the run that was asked for: a new one from settings, or the saved one that settings must
//! not contradict.

use std::{fmt::Display, path::Path};

use anyhow::Context as _;
use fmnist_data::{Dataset, ImageSize};
use nn_core::{LayerSpec, Model, Scaling};
use nn_io::{Checkpoint, DatasetId, InputSpec, ModelInfo};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::TrainingState;

use super::{
    begin::Begin,
    settings::{Hidden, OptimizerName, Settings},
};
use crate::{
    console::Console,
    exit::Usage,
    source::{Choice, Place, Source},
};

/// A model and its state of training.
pub(super) struct Run {
    pub(super) model: Model,
    pub(super) state: TrainingState,
}

/// A run that is known before its data are.
pub(super) enum Plan {
    New { begin: Begin, source: Source },
    Resume { run: Box<Run>, source: Source, info: Box<ModelInfo> },
}

/// Plans a new run. Whatever is wrong with its settings is found here, but for what only the data tell.
pub(super) fn new_run(settings: &Settings, place: &Place) -> anyhow::Result<Plan> {
    let choice = settings.dataset.unwrap_or(Choice::Auto);
    let source = Source::new(choice, place.data_dir.as_deref(), place.image_size)?;
    let begin = Begin {
        hidden: settings.hidden.clone().unwrap_or(Hidden(vec![128, 128])),
        optimizer: settings.optimizer()?,
        schedule: settings.schedule()?,
        seed: settings.seed.unwrap_or(0),
        batch_size: settings.batch_size.map(usize::from),
        n_validation: settings.validation,
    };
    let (inputs, outputs) = source.least_shape();
    begin.layers(inputs, outputs)?;
    Ok(Plan::New { begin, source })
}

/// The saved run of this file, to be carried on, which the settings must not contradict.
pub(super) fn resumed_run(
    path: &Path,
    checkpoint: Checkpoint,
    settings: &Settings,
    place: &Place,
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
    let sizes: Vec<usize> = model.specs().iter().filter_map(outputs).collect();
    let Schedule::InverseTime { learning_rate, decay } = state.schedule;
    let hidden = Hidden(sizes[..sizes.len().saturating_sub(1)].to_vec());
    let given_dataset = settings.dataset.filter(|&choice| choice != Choice::Auto);
    agree("--hidden", settings.hidden.as_ref(), &hidden)?;
    agree("--batch-size", settings.batch_size.map(usize::from).as_ref(), &state.config.batch_size)?;
    agree_on_optimizer(settings, &state.optimizer.config())?;
    agree("--learning-rate", settings.learning_rate.as_ref(), &learning_rate)?;
    agree("--decay", settings.decay.as_ref(), &decay)?;
    agree("--validation", settings.validation.as_ref(), &info.n_validation)?;
    agree("--seed", settings.seed.as_ref(), &state.config.seed)?;
    agree("--dataset", given_dataset.as_ref(), &dataset)?;
    if let Some(size) = ImageSize::new(info.input.width, info.input.height) {
        agree("--image-size", place.image_size.as_ref(), &size)?;
    }
    let source = Source::of_model(&info, place.data_dir.as_deref())?;
    let run = Box::new(Run { model, state });
    Ok(Plan::Resume { run, source, info: Box::new(info) })
}

/// The error where the optimizer, or a setting of it, was given and is not the saved one.
fn agree_on_optimizer(settings: &Settings, saved: &OptimizerConfig) -> anyhow::Result<()> {
    let name = settings.optimizer.map(OptimizerName::name);
    agree("--optimizer", name.as_ref(), &saved.name())?;
    settings.check_options_of(saved.name())?;
    match saved {
        OptimizerConfig::Sgd(sgd) => {
            agree("--momentum", settings.momentum.as_ref(), &sgd.momentum)?;
            agree("--nesterov", settings.nesterov.then_some(&true), &sgd.nesterov)
        }
        OptimizerConfig::AdamW(adamw) => {
            agree("--weight-decay", settings.weight_decay.as_ref(), &adamw.weight_decay)
        }
        OptimizerConfig::Adam(_) | OptimizerConfig::Adagrad(_) | OptimizerConfig::RmsProp(_) => {
            Ok(())
        }
    }
}

fn outputs(spec: &LayerSpec) -> Option<usize> {
    match *spec {
        LayerSpec::Dense { outputs, .. } => Some(outputs),
        LayerSpec::Relu | LayerSpec::Softmax => None,
    }
}

/// The error where a setting was given and is not the saved one.
fn agree<T: PartialEq + Display>(option: &str, given: Option<&T>, saved: &T) -> anyhow::Result<()> {
    match given {
        Some(given) if given != saved => Err(Usage::error(format!(
            "{option}: the saved run has {saved}, not {given}; \
             leave the option out to carry the run on, or begin a new run without --resume"
        ))),
        _ => Ok(()),
    }
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
            Plan::New { begin, .. } => {
                let (run, n_validation) = begin.run(dataset)?;
                let Scaling { mean, std } = Scaling::default();
                let images = &dataset.train.images;
                let info = ModelInfo {
                    producer,
                    instruction_set: instruction_set.into(),
                    input: InputSpec { width: images.width, height: images.height, mean, std },
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
