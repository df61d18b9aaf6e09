//! How large a network may be, known from its layers alone.

use nn_core::LayerSpec;
use nn_optim::OptimizerConfig;
use nn_train::RunConfig;

use crate::error::check_limit;
use crate::tensor::{self, Contents};
use crate::{Error, header, limits};

/// Checks that a network of these layers, and its state of training where there is a `run`, fits into a file, whatever
/// else the file will say, before anything is trained or even allocated.
///
/// # Errors
///
/// If the layers make no network, or one beyond the format's limits.
pub fn check_size(
    layers: &[LayerSpec],
    run: Option<(&OptimizerConfig, &RunConfig)>,
) -> Result<(), Error> {
    check_layers(layers)?;
    let contents = run.map(|(optimizer, config)| Contents {
        moments: optimizer.moments(),
        average: config.averaging.is_some(),
        best: config.keep_best,
    });
    let contents = contents.unwrap_or_default();
    let tensors = tensor::tensor_specs(layers, contents)?;
    let n_params = nn_core::Model::parameter_count(layers).map_err(Error::Network)?;
    let bytes = tensor::bytes_of(&tensors)
        .saturating_add(header::LEN as u64)
        .saturating_add(limits::METADATA);
    if bytes > limits::FILE {
        let Contents { moments, average, best } = contents;
        let optimizer = if moments.is_empty() { "" } else { " and their optimizer's state" };
        let average = if average { " and their average" } else { "" };
        let best = if best { " and those of the best epoch" } else { "" };
        return Err(Error::Limit {
            what: format!("bytes of a file of {n_params} parameters{optimizer}{average}{best}"),
            limit: limits::FILE,
            found: bytes,
        });
    }
    Ok(())
}

/// The limits on layers, apart from what they add up to.
pub(crate) fn check_layers(layers: &[LayerSpec]) -> Result<(), Error> {
    check_limit("layers", limits::LAYERS, layers.len())?;
    let mut classes = 0;
    for (index, layer) in layers.iter().enumerate() {
        if let LayerSpec::Dense { inputs, outputs } = *layer {
            check_limit(&format!("inputs of layer {index}"), limits::WIDTH, inputs)?;
            check_limit(&format!("outputs of layer {index}"), limits::WIDTH, outputs)?;
            classes = outputs;
        }
    }
    check_limit("classes", limits::CLASSES, classes)
}
