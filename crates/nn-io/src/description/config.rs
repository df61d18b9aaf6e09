//! What a run is, from the keys of `training.config`: their rules are those of [`RunConfig`], and that they are of the
//! network at hand.

use nn_core::{Init, LayerSpec, Loss, Penalty};
use nn_train::{Augment, Clip, EarlyStop, Monitor, RunConfig, Shuffle};

use super::{count, ends, real32};
use crate::error::check_value;
use crate::{Error, limits, metadata};

/// The settings of a run of a network of these layers. Whether images are judged with their mirror images stands
/// elsewhere in the file.
pub(super) fn config(
    config: metadata::Config,
    layers: &[LayerSpec],
    mirror: bool,
) -> Result<RunConfig, Error> {
    let batch_size = config.batch_size;
    check_value(batch_size > 0, "training.config.batch_size", "1 or more", batch_size)?;
    let class_weights = config.class_weights.iter().enumerate();
    let class_weights = class_weights
        .map(|(i, &weight)| real32(&format!("training.config.class_weights[{i}]"), weight));
    let config = RunConfig {
        seed: config.seed,
        batch_size: count("training.config.batch_size", batch_size)?,
        accumulation: count("training.config.accumulation", config.accumulation)?,
        shuffle: match config.shuffle {
            None => Shuffle::EachEpoch,
            Some(metadata::Shuffle::Once) => Shuffle::Once,
        },
        loss: loss(config.loss),
        class_weights: class_weights.collect::<Result<_, _>>()?,
        penalties: config.penalties.into_iter().map(penalty).collect(),
        frozen: config.frozen,
        clip: config.clip.map(|clip| match clip {
            metadata::Clip::Value(limit) => Clip::Value(limit),
            metadata::Clip::Norm(limit) => Clip::Norm(limit),
        }),
        augment: augment(config.augmentation)?,
        averaging: config.averaging,
        monitor: match config.monitor {
            None => Monitor::Loss,
            Some(metadata::Monitor::Accuracy) => Monitor::Accuracy,
        },
        keep_best: config.keep_best,
        early_stop: config
            .early_stop
            .map(|metadata::EarlyStop { patience, min_delta }| EarlyStop { patience, min_delta }),
        mirror,
        init: config.init.map_or(Init::He, init),
        validates_on_test: config.validates_on_test,
    };
    config.validate().map_err(Error::Run)?;
    check_network(&config, layers)?;
    Ok(config)
}

fn loss(loss: metadata::Loss) -> Loss {
    use metadata::Loss as Wire;
    match loss {
        Wire::CrossEntropy { smoothing } => Loss::CrossEntropy { smoothing },
        Wire::Focal { gamma } => Loss::Focal { gamma },
        Wire::BinaryCrossEntropy {} => Loss::BinaryCrossEntropy,
        Wire::MeanSquaredError {} => Loss::MeanSquaredError,
        Wire::MeanAbsoluteError {} => Loss::MeanAbsoluteError,
        Wire::Huber { delta } => Loss::Huber { delta },
    }
}

fn init(init: metadata::Init) -> Init {
    use metadata::Init as Wire;
    match init {
        Wire::HeUniform => Init::HeUniform,
        Wire::Glorot => Init::Glorot,
        Wire::GlorotNormal => Init::GlorotNormal,
        Wire::Orthogonal => Init::Orthogonal,
        Wire::Book => Init::Book,
    }
}

fn penalty(penalty: metadata::Penalty) -> Penalty {
    let metadata::Penalty { weights_l1, weights_l2, biases_l1, biases_l2 } = penalty;
    Penalty { weights_l1, weights_l2, biases_l1, biases_l2 }
}

/// Pixels are counted within what a layer takes, so that nobody's sums of them overflow.
fn augment(augment: metadata::Augment) -> Result<Augment, Error> {
    let metadata::Augment { flip, shift, cutout } = augment;
    let pixels = |name: &str, found: u64| {
        let field = format!("training.config.augmentation.{name}");
        let expected = format!("at most {} pixels", limits::WIDTH);
        check_value(found <= limits::WIDTH as u64, &field, expected, found)?;
        count(&field, found)
    };
    Ok(Augment { flip, shift: pixels("shift", shift)?, cutout: pixels("cutout", cutout)? })
}

/// What [`RunConfig::check`] asks of a model, before there is one.
fn check_network(config: &RunConfig, layers: &[LayerSpec]) -> Result<(), Error> {
    // The loss that a file does not name is asked by whoever trains: files of before had it with any network.
    if let (true, Some(&last)) = (config.loss != Loss::default(), layers.last()) {
        config.loss.check(last).map_err(nn_train::Error::Objective).map_err(Error::Run)?;
    }
    let (_, outputs) = ends(layers);
    let n_dense = layers.iter().filter(|layer| layer.dense().is_some()).count();
    for (key, found, expected, of) in [
        ("class_weights", config.class_weights.len(), outputs, "a class"),
        ("penalties", config.penalties.len(), n_dense, "a dense layer"),
        ("frozen", config.frozen.len(), n_dense, "a dense layer"),
    ] {
        let field = format!("training.config.{key}");
        let valid = found == 0 || found == expected;
        check_value(valid, field, format!("{expected} elements, one {of}"), found)?;
    }
    Ok(())
}
