//! Detects that a run has diverged, before a step is taken and at the end of an epoch.

use nn_core::{LossSum, Model};
use nn_optim::{LARGEST_GRADIENT, Schedule};

use crate::{Error, gradients::Gradients, shards::Shards};

/// A number that is not finite or too large, and its origin in words.
pub(crate) struct Divergence {
    pub(crate) what: String,
    pub(crate) value: f64,
}

impl Divergence {
    /// The error for a run with this schedule at an epoch and a step, counted from 1.
    pub(crate) fn at(self, epoch: u64, step: u64, schedule: &Schedule) -> Error {
        let Self { what, value } = self;
        Error::Diverged { epoch, step, what, value, learning_rate: schedule.learning_rate }
    }
}

/// Checks that taking the step does not harm the parameters or the optimizer's state.
pub(crate) fn check_step(
    model: &Model,
    shards: &Shards,
    gradients: &Gradients,
    sums: LossSum,
) -> Result<(), Divergence> {
    let of_layer = |what: &str, layer: usize, value: f32| {
        let name = model.layers()[layer].layer.name();
        Divergence { what: format!("{what} of layer {layer} ({name})"), value: f64::from(value) }
    };
    if !sums.loss.is_finite() {
        return Err(match shards.first_not_finite() {
            Some((layer, value)) => of_layer("the output", layer, value),
            None => Divergence { what: "the loss".into(), value: sums.mean_loss() },
        });
    }
    // The gradient itself exists only in the threads' caches, one block at a time.
    if shards.gradient_bound() < f64::from(LARGEST_GRADIENT) {
        return Ok(());
    }
    match gradients.find_beyond(LARGEST_GRADIENT, shards, model) {
        None => Ok(()),
        Some((block, value)) => Err(of_layer("the gradient", block.layer, value)),
    }
}

/// Checks that the parameters and running statistics are finite. A variance can overflow although the loss is finite:
/// batch normalisation then turns its large inputs into small outputs.
///
/// Moments need no check, since they are finite if their parameters are. The check of the step bounds the moments of
/// squares, Adam's first moment is a mean of gradients, and SGD's momentum is added to the parameters.
pub(crate) fn check_params(model: &Model) -> Result<(), Divergence> {
    for tensor in model.architecture().tensors() {
        let values = model.param(&tensor.name).expect("the tensors are the model's");
        if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
            return Err(Divergence { what: tensor.name.clone(), value: f64::from(value) });
        }
    }
    Ok(())
}
