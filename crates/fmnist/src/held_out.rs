//! Holds out training images, by the rule of a run.

use fmnist_data::Split;
use nn_train::{HeldOut, RunConfig, stratified};

use crate::Error;

/// Splits `n` held-out images off the training set, by the rule of the run. Returns the remaining images, then the held-out
/// ones.
///
/// # Errors
///
/// If no image would be left.
pub fn hold_out(train: Split, n: usize, config: &RunConfig) -> Result<(Split, Split), Error> {
    if n >= train.len() {
        return Err(Error::TooManyHeldOut { n, images: train.len() });
    }
    Ok(match config.held_out {
        HeldOut::Last => train.hold_out(n),
        HeldOut::Stratified => {
            let indices = stratified(&train.labels, n, config.seed);
            train.take_out(&indices)
        }
    })
}
