//! What a run is, to the keys of `training.config`.

use nn_core::{Init, Loss, Penalty};
use nn_train::{Augment, Clip, EarlyStop, Monitor, RunConfig, Shuffle};

use super::unknown;
use crate::{Error, metadata};

pub(super) fn config(config: &RunConfig) -> Result<metadata::Config, Error> {
    let Augment { flip, shift, cutout } = config.augment;
    Ok(metadata::Config {
        seed: config.seed,
        batch_size: config.batch_size as u64,
        accumulation: config.accumulation as u64,
        shuffle: match config.shuffle {
            Shuffle::EachEpoch => None,
            Shuffle::Once => Some(metadata::Shuffle::Once),
        },
        loss: loss(config.loss)?,
        class_weights: config.class_weights.iter().copied().map(f64::from).collect(),
        penalties: config.penalties.iter().map(penalty).collect(),
        frozen: config.frozen.clone(),
        clip: config.clip.map(|clip| match clip {
            Clip::Value(limit) => metadata::Clip::Value(limit),
            Clip::Norm(limit) => metadata::Clip::Norm(limit),
        }),
        augmentation: metadata::Augment { flip, shift: shift as u64, cutout: cutout as u64 },
        averaging: config.averaging,
        monitor: match config.monitor {
            Monitor::Loss => None,
            Monitor::Accuracy => Some(metadata::Monitor::Accuracy),
        },
        keep_best: config.keep_best,
        early_stop: config
            .early_stop
            .map(|EarlyStop { patience, min_delta }| metadata::EarlyStop { patience, min_delta }),
        init: init(config.init)?,
        validates_on_test: config.validates_on_test,
    })
}

fn loss(loss: Loss) -> Result<metadata::Loss, Error> {
    use metadata::Loss as Wire;
    Ok(match loss {
        Loss::CrossEntropy { smoothing } => Wire::CrossEntropy { smoothing },
        Loss::Focal { gamma } => Wire::Focal { gamma },
        Loss::BinaryCrossEntropy => Wire::BinaryCrossEntropy {},
        Loss::MeanSquaredError => Wire::MeanSquaredError {},
        Loss::MeanAbsoluteError => Wire::MeanAbsoluteError {},
        Loss::Huber { delta } => Wire::Huber { delta },
        other => return Err(unknown("training.config.loss", other.name())),
    })
}

fn init(init: Init) -> Result<Option<metadata::Init>, Error> {
    use metadata::Init as Wire;
    Ok(match init {
        Init::He => None,
        Init::HeUniform => Some(Wire::HeUniform),
        Init::Glorot => Some(Wire::Glorot),
        Init::GlorotNormal => Some(Wire::GlorotNormal),
        Init::Orthogonal => Some(Wire::Orthogonal),
        Init::Book => Some(Wire::Book),
        other => return Err(unknown("training.config.init", other.name())),
    })
}

fn penalty(penalty: &Penalty) -> metadata::Penalty {
    let &Penalty { weights_l1, weights_l2, biases_l1, biases_l2 } = penalty;
    metadata::Penalty { weights_l1, weights_l2, biases_l1, biases_l2 }
}
