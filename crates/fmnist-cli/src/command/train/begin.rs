//! What a new run begins with, once its data are known: they say how many inputs and outputs the network
//! has, and what is sensible where a setting was left out.

use fmnist_data::Dataset;
use nn_core::{LayerSpec, Model, Param};
use nn_io::Checkpoint;
use nn_train::TrainingState;

use super::{
    settings::{Settings, by_option},
    setup::Run,
};
use crate::{console::Console, exit::Usage};

/// Images of a step, of a set that has as many to learn from.
const BATCH_SIZE: usize = 128;

/// Images held out, of a set that is large enough: of a smaller one, a share of it.
pub(super) const N_VALIDATION: usize = 5000;

/// Of so many images one is held out, of a small set: as 5,000 of Fashion-MNIST's 60,000.
const VALIDATION_SHARE: usize = 12;

/// The network of these settings between so many inputs and outputs, which must be one that a file can hold.
pub(super) fn layers(
    settings: &Settings,
    inputs: usize,
    outputs: usize,
) -> anyhow::Result<Vec<LayerSpec>> {
    let layers = settings.network.layers(inputs, outputs)?;
    let config = settings.config(&layers, None)?;
    nn_io::check_size(&layers, Some((&settings.optimizer()?, &config)))
        .map_err(|error| Usage::error(format!("--hidden: {error}")))?;
    Ok(layers)
}

/// Makes the run, and says how many images it holds out.
pub(in crate::command) fn run(
    settings: &Settings,
    warm_start: Option<&Checkpoint>,
    dataset: &Dataset,
    console: &Console,
) -> anyhow::Result<(Run, usize)> {
    let images = &dataset.train.images;
    let specs = layers(settings, images.width * images.height, dataset.class_names.len())?;
    let share = images.count / VALIDATION_SHARE;
    let n_validation = settings.validation().unwrap_or(N_VALIDATION.min(share));
    let n_fit = images.count.saturating_sub(n_validation).max(1);
    let config = settings.config(&specs, Some(BATCH_SIZE.min(n_fit)))?;
    let n_batches = n_fit.div_ceil(config.step_len()) as u64;
    let (optimizer, schedule) = (settings.optimizer()?, settings.schedule(n_batches)?);
    let mut model = Model::new(&specs, config.init, config.seed)?;
    if let Some(from) = warm_start {
        take_over(&mut model, &from.inference_model()?, console)?;
    }
    let state = TrainingState::new(&model, optimizer, schedule, config).map_err(by_option)?;
    Ok((Run { model, state }, n_validation))
}

/// Has a new model begin with what another of the same layers has learnt, or else with those of its layers that
/// have the same places and sizes.
fn take_over(model: &mut Model, from: &Model, console: &Console) -> anyhow::Result<()> {
    if from.specs() == model.specs() {
        *model = from.clone();
        console.message("beginning with all that the model has learnt");
        return Ok(());
    }
    let index = model.index().to_vec();
    let fits = |param: &Param| {
        from.param(&param.name).is_some_and(|it| it.shape() == (param.rows, param.columns))
    };
    let mut taken = Vec::new();
    for layer in index.chunk_by(|a, b| layer_of(a) == layer_of(b)).filter(|it| it.iter().all(fits))
    {
        for param in layer {
            let Some(values) = from.param(&param.name) else { continue };
            let mut params = model.params_mut();
            params[param.range.clone()].iter_mut().zip(values.iter()).for_each(|(to, &x)| *to = x);
        }
        taken.extend(layer.first().map(layer_of));
    }
    if taken.is_empty() {
        return Err(Usage::error(
            "--warm-start: expected a model with a layer of the same size at the same place, found none",
        ));
    }
    console.message(&format!("beginning with {} of the model", taken.join(", ")));
    Ok(())
}

/// As `dense0` of `dense0.weights`.
fn layer_of(param: &Param) -> &str {
    param.name.split('.').next().unwrap_or_default()
}
