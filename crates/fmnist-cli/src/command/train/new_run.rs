//! Makes a new run. Its settings are checked before the data are read. The network is made afterwards, since the data
//! determine its inputs, its outputs and some defaults.

use fmnist::options::{ColourName, DataShape, DataSource, Error, Options, Recipe};
use fmnist_data::{Colour, Dataset, ReadOptions};
use nn_core::{Model, Scaling, TensorSpec};
use nn_train::TrainingState;

use crate::{command::arithmetic, console::Console, exit::Usage};

/// Checks the options as far as possible without the data. Returns where to get the data.
pub(in crate::command) fn plan(options: &Options) -> anyhow::Result<DataSource> {
    let kind = options.data.dataset.unwrap_or_default();
    let size = options.data.image_size.map(|size| size.0);
    let colour = options.data.colour.map_or(Colour::Grey, ColourName::value);
    let read = ReadOptions { size, colour, transpose: options.data.transpose.unwrap_or_default() };
    let source =
        DataSource::new(kind, options.places.data_dir.as_deref(), read).map_err(|error| {
            if options.data.dataset.is_none() { without_kind(error) } else { error }
        })?;
    let recipe = options.recipe(&source.min_shape())?;
    arithmetic::of_new_run(recipe.config.arithmetic)?;
    Ok(source)
}

/// The error of options that the default kind of dataset does not take, if the user gave no kind: `auto` would be news.
fn without_kind(error: Error) -> Error {
    match error {
        Error::Option { option, problem } => {
            let problem = match problem.strip_suffix(", found auto") {
                Some(expected) => format!("{expected}; --dataset is not given"),
                None => problem,
            };
            Error::Option { option, problem }
        }
        other => other,
    }
}

/// A run that has taken no step.
pub(in crate::command) struct NewRun {
    pub(in crate::command) model: Model,
    pub(in crate::command) state: TrainingState,
    /// How pixels are scaled.
    pub(in crate::command) scaling: Scaling,
    /// The number of held-out images.
    pub(in crate::command) n_validation: usize,
    pub(in crate::command) epochs: u64,
}

/// Makes a new run, with initial weights or those of another model.
pub(in crate::command) fn run(
    options: &Options,
    warm_start: Option<&Model>,
    dataset: &Dataset,
    console: &Console,
) -> anyhow::Result<NewRun> {
    let recipe = options.recipe(&DataShape::of(dataset))?;
    let scaling = recipe.scale.scaling(&dataset.train.images);
    let Recipe { architecture, optimizer, schedule, config, n_validation, epochs, .. } = recipe;
    let mut model = Model::new(architecture, config.init, config.seed);
    if let Some(from) = warm_start {
        copy_weights(&mut model, from, console)?;
    }
    let state = TrainingState::new(&model, optimizer, schedule, config).map_err(Error::of_run)?;
    Ok(NewRun { model, state, scaling, n_validation, epochs })
}

/// Copies the weights of another model: all of them if the architectures are equal, otherwise those of each layer that
/// has the same size in the same place.
fn copy_weights(model: &mut Model, from: &Model, console: &Console) -> anyhow::Result<()> {
    if from.architecture() == model.architecture() {
        *model = from.clone();
        console.message("starting with all weights of the --warm-start model");
        return Ok(());
    }
    let architecture = model.architecture().clone();
    let mut copied = Vec::new();
    for at in architecture.layers() {
        // Running statistics start from their initial values, as in any new run.
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
            "--warm-start: expected a model with a layer of the same size in the same place, found none",
        ));
    }
    console.message(&format!(
        "starting with the weights of {} of the --warm-start model",
        copied.join(", ")
    ));
    Ok(())
}
