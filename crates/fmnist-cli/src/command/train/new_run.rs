//! A new run. Its settings are checked before the data are read, and the network is made after: the data give its inputs
//! and outputs, and some defaults.

use std::path::Path;

use fmnist_data::Dataset;
use nn_core::{Architecture, InstructionSet, Model, Scaling, Shape, TensorSpec};
use nn_io::{Checkpoint, DatasetId, InputSpec, ModelInfo};
use nn_train::TrainingState;

use super::settings::{N_VALIDATION, Settings, by_option};
use crate::{console::Console, exit::Usage, source::DataSource};

/// The default batch size, if there are as many training images.
const BATCH_SIZE: usize = 128;

/// By default one image in so many of a small set is held out, as 5,000 of Fashion-MNIST's 60,000.
const VALIDATION_SHARE: usize = 12;

/// A model and its state of training.
pub(in crate::command) struct Run {
    pub(in crate::command) model: Model,
    pub(in crate::command) state: TrainingState,
}

/// A new run whose data are not known yet.
pub(super) struct NewRun {
    pub(super) source: DataSource,
    settings: Settings,
    warm_start: Option<Checkpoint>,
}

impl NewRun {
    /// Checks the settings as far as possible without the data.
    pub(super) fn plan(
        settings: &Settings,
        warm_start: Option<&Path>,
        data_dir: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let source = settings.source(data_dir)?;
        let (inputs, outputs) = source.min_shape();
        architecture(settings, inputs, outputs)?;
        settings.schedule(1)?;
        let warm_start = warm_start.map(Checkpoint::load).transpose()?;
        Ok(Self { source, settings: settings.clone(), warm_start })
    }

    /// Makes the run, and what its file says about model and data.
    pub(super) fn into_run(
        self,
        dataset: &Dataset,
        console: &Console,
    ) -> anyhow::Result<(Run, ModelInfo)> {
        let (run, n_validation) = run(&self.settings, self.warm_start.as_ref(), dataset, console)?;
        let images = &dataset.train.images;
        let (width, height, mirror) = (images.width, images.height, run.state.config.tta_flip);
        let info = ModelInfo {
            producer: producer(),
            instruction_set: InstructionSet::current().name().into(),
            input: InputSpec {
                image: Some(Shape::image(height, width)),
                scaling: Some(Scaling::default()),
                mirror,
            },
            class_names: dataset.class_names.clone(),
            dataset: Some(DatasetId {
                name: dataset.name.to_string(),
                sha256: dataset.sha256.clone(),
            }),
            n_validation,
        };
        Ok((run, info))
    }
}

/// This program and its version, as a file names what wrote it.
pub(super) fn producer() -> String {
    format!("fmnist {}", env!("CARGO_PKG_VERSION"))
}

/// The network that the settings give between so many inputs and outputs. Fails if no file can hold the run.
fn architecture(
    settings: &Settings,
    inputs: usize,
    outputs: usize,
) -> anyhow::Result<Architecture> {
    let architecture = settings.architecture(inputs, outputs)?;
    let config = settings.config(&architecture, None)?;
    nn_io::check_size(&architecture, Some((&settings.optimizer()?, &config)))
        .map_err(|error| Usage::error(format!("--hidden: {error}")))?;
    Ok(architecture)
}

/// Makes the run. Also returns the number of held-out images.
pub(in crate::command) fn run(
    settings: &Settings,
    warm_start: Option<&Checkpoint>,
    dataset: &Dataset,
    console: &Console,
) -> anyhow::Result<(Run, usize)> {
    let images = &dataset.train.images;
    let (inputs, outputs) = (images.width * images.height, dataset.class_names.len());
    let architecture = architecture(settings, inputs, outputs)?;
    let share = images.count / VALIDATION_SHARE;
    let n_validation = settings.validation().unwrap_or(N_VALIDATION.min(share));
    let n_fit = images.count.saturating_sub(n_validation).max(1);
    let config = settings.config(&architecture, Some(BATCH_SIZE.min(n_fit)))?;
    let n_batches = n_fit.div_ceil(config.step_len()) as u64;
    let (optimizer, schedule) = (settings.optimizer()?, settings.schedule(n_batches)?);
    let mut model = Model::new(architecture, config.init, config.seed);
    if let Some(from) = warm_start {
        copy_weights(&mut model, &from.inference_model()?, console)?;
    }
    let state = TrainingState::new(&model, optimizer, schedule, config).map_err(by_option)?;
    Ok((Run { model, state }, n_validation))
}

/// Copies the weights of another model: all of them if the layers are the same, or else those of the layers that have the
/// same place and size.
fn copy_weights(model: &mut Model, from: &Model, console: &Console) -> anyhow::Result<()> {
    if from.architecture() == model.architecture() {
        *model = from.clone();
        console.message("starting with all weights of the model");
        return Ok(());
    }
    let architecture = model.architecture().clone();
    let mut copied = Vec::new();
    for at in architecture.layers() {
        // Running statistics start anew, as for any new run.
        let is_own = |it: &&TensorSpec| it.layer == at.place.index && !it.role.is_statistic();
        let own: Vec<_> = architecture.tensors().iter().filter(is_own).collect();
        let fits = |it: &&TensorSpec| {
            from.param(&it.name).is_some_and(|values| values.shape() == it.matrix_shape())
        };
        if own.is_empty() || !own.iter().all(fits) {
            continue;
        }
        for tensor in own {
            let Some(values) = from.param(&tensor.name) else { continue };
            let mut params = model.params_mut();
            params[tensor.range.clone()].iter_mut().zip(values.iter()).for_each(|(to, &x)| *to = x);
        }
        copied.push(at.name.as_str());
    }
    if copied.is_empty() {
        return Err(Usage::error(
            "--warm-start: expected a model with a layer of the same size at the same place, found none",
        ));
    }
    console.message(&format!("starting with {} of the model", copied.join(", ")));
    Ok(())
}
