//! Checks whether a network fits into a file, from its layers alone.

use nn_core::Architecture;
use nn_optim::OptimizerConfig;
use nn_train::RunConfig;

use crate::error::check_limit;
use crate::wire::tensor::{self, Contents};
use crate::wire::{header, layer};
use crate::{Error, limits};

/// Checks that a network fits into a file, before anything is allocated or trained. If there is a `run`, checks this
/// for its training state too. The result holds whatever else is in the file.
///
/// # Errors
///
/// If the network exceeds the limits of the format.
pub fn check_size(
    architecture: &Architecture,
    run: Option<(&OptimizerConfig, &RunConfig)>,
) -> Result<(), Error> {
    layer::write(architecture)?;
    if let Some((_, config)) = run {
        check_limit("class weights", limits::CLASSES, config.class_weights.len())?;
    }
    let contents = run.map(|(optimizer, config)| Contents::of(optimizer, config, true));
    let contents = contents.unwrap_or_default();
    let tensors = tensor::tensor_specs(architecture, contents);
    let n_params = architecture.n_params();
    let bytes = tensor::bytes_of(&tensors)
        .saturating_add(header::LEN as u64)
        .saturating_add(limits::METADATA);
    let limit = limits::ADDRESSABLE;
    if bytes > limit {
        let Contents { moments, average, best, decision: _ } = contents;
        let optimizer = if moments.is_empty() { "" } else { " and their optimizer's state" };
        let average = if average { " and their average" } else { "" };
        let best = if best { " and those of the best epoch" } else { "" };
        return Err(Error::Limit {
            what: format!("bytes of a file of {n_params} parameters{optimizer}{average}{best}"),
            limit,
            found: bytes,
        });
    }
    tensor::check_lens(&tensors)
}
