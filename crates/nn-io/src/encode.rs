//! From a checkpoint to the bytes of its file.
//!
//! What is written has passed every check of reading: an error here costs nothing, one when the
//! file is read again costs the training.

mod config;

use nn_core::{Activation, LayerSpec};
use nn_optim::{
    AdagradConfig, AdamConfig, AdamWConfig, Decay, Optimizer, OptimizerConfig, RmsPropConfig,
    Schedule, SgdConfig,
};
use nn_train::{EpochRecord, Metrics, TrainingState};

use crate::description::Description;
use crate::error::check_value;
use crate::header::{self, Header, VERSION};
use crate::metadata::{self, Metadata};
use crate::tensor::{self, Contents, Role, TensorSpec};
use crate::{CheckpointRef, Error, limits};

pub(crate) fn encode(checkpoint: &CheckpointRef<'_>) -> Result<Vec<u8>, Error> {
    let layers = checkpoint.model.specs();
    let specs = tensor::tensor_specs(&layers, contents(checkpoint)?)?;
    let file_len = tensor::bytes_of(&specs).saturating_add(header::LEN as u64);
    fit(file_len)?;
    let tensors = tensors(checkpoint, &specs)?;
    let metadata = metadata(checkpoint, &layers, &tensors)?;
    let (features, metadata_bytes) = (metadata.features(), metadata.to_bytes()?);
    let description = Description::try_from(metadata)?;
    check_derived(checkpoint, &description)?;

    let file_len = fit(file_len.saturating_add(metadata_bytes.len() as u64))?;
    let header = Header {
        version: VERSION,
        features,
        n_tensors: fit(tensors.len() as u64)?,
        metadata_len: metadata_bytes.len() as u64,
        file_len: u64::from(file_len),
        metadata_crc: crc32fast::hash(&metadata_bytes),
    };
    let mut bytes = Vec::with_capacity(file_len as usize);
    bytes.extend(header.to_bytes());
    bytes.extend(metadata_bytes);
    for (spec, values) in &tensors {
        bytes.extend(spec.prefix());
        tensor::for_each_block(values, |block| bytes.extend_from_slice(block));
    }
    Ok(bytes)
}

/// A length of the file or in it, which the limit keeps within 32 bits.
fn fit(bytes: u64) -> Result<u32, Error> {
    match u32::try_from(bytes) {
        Ok(fits) if bytes <= limits::FILE => Ok(fits),
        _ => {
            let what = "bytes of the file".into();
            Err(Error::Limit { what, limit: limits::FILE, found: bytes })
        }
    }
}

/// What the file holds beside the layers, checked not to be less than what there is.
fn contents(checkpoint: &CheckpointRef<'_>) -> Result<Contents<'static>, Error> {
    let Some(training) = checkpoint.training else { return Ok(Contents::default()) };
    let TrainingState { optimizer, config, progress, average, best, .. } = training;
    let contents = Contents {
        moments: optimizer.config().moments(),
        average: config.averaging.is_some(),
        best: config.keep_best && progress.epoch > 0,
    };
    let superfluous = average.is_some() && !contents.average;
    let expected = "none, as the run keeps no average";
    check_value(!superfluous, "average.parameters", expected, "some")?;
    let superfluous = best.is_some() && !contents.best;
    let expected = "none, as the run keeps none or no epoch is complete";
    check_value(!superfluous, "best.parameters", expected, "some")?;
    Ok(contents)
}

/// The tensors' elements, checked.
fn tensors<'a>(
    checkpoint: &CheckpointRef<'a>,
    specs: &'a [TensorSpec],
) -> Result<Vec<(&'a TensorSpec, &'a [f32])>, Error> {
    let mut params = checkpoint.model.params();
    let mut statistics = checkpoint.model.statistics();
    let training = checkpoint.training;
    let optimizer = training.iter().map(|training| &training.optimizer);
    let mut moments = optimizer.flat_map(|optimizer| optimizer.moments());
    let average = training.and_then(|training| training.average.as_ref());
    let best = training.and_then(|training| training.best.as_ref());
    let take = |spec: &'a TensorSpec| {
        let values = match spec.role {
            Role::Parameters => params.split_off(..spec.len),
            Role::Statistics => statistics.split_off(..spec.len),
            Role::Moment => moments.next().map(|moment| moment.as_slice()),
            Role::Average => average.map(|average| average.as_slice()),
            Role::BestParameters => best.map(|best| best.params.as_slice()),
            Role::BestStatistics => best.map(|best| best.statistics.as_slice()),
        };
        let values = values.unwrap_or_default();
        let expected = format!("{} elements, as the layers need", spec.len);
        check_value(values.len() == spec.len, &spec.name, expected, values.len())?;
        tensor::check_elements(spec, values)?;
        Ok((spec, values))
    };
    let tensors = specs.iter().map(take).collect::<Result<_, Error>>()?;
    // Of a model without statistics, no tensor has told.
    let found = best.map_or(0, |best| best.statistics.len());
    let expected = checkpoint.model.statistics().len();
    let words = format!("{expected} elements, as the layers need");
    check_value(best.is_none() || found == expected, "best.statistics", words, found)?;
    Ok(tensors)
}

/// Checks what is not written, since reading derives it: it would come back as another.
fn check_derived(checkpoint: &CheckpointRef<'_>, written: &Description) -> Result<(), Error> {
    let (Some(training), Some(written)) = (checkpoint.training, &written.training) else {
        return Ok(());
    };
    let (mirror, found) = (written.config.mirror, training.config.mirror);
    let expected = format!("{mirror}, as input.mirror is");
    check_value(mirror == found, "mirror of the run's settings", expected, found)?;
    let [expected, found] =
        [written.progress, training.progress].map(|progress| progress.sums.n_predictions);
    let words = format!("{expected}, as samples and outputs make");
    check_value(expected == found, "predictions of the progress", words, found)
}

fn metadata(
    checkpoint: &CheckpointRef<'_>,
    layers: &[LayerSpec],
    tensors: &[(&TensorSpec, &[f32])],
) -> Result<Metadata, Error> {
    let info = checkpoint.info;
    Ok(Metadata {
        producer: info.producer.clone(),
        instruction_set: info.instruction_set.clone(),
        input: metadata::Input {
            width: info.input.width as u64,
            height: info.input.height as u64,
            mean: f64::from(info.input.mean),
            std: f64::from(info.input.std),
            mirror: info.input.mirror,
        },
        layers: layers.iter().map(layer).collect::<Result<_, _>>()?,
        class_names: info.class_names.clone(),
        dataset: metadata::Dataset {
            name: info.dataset.name.clone(),
            sha256: info.dataset.sha256.clone(),
        },
        n_validation: info.n_validation as u64,
        training: checkpoint.training.map(training).transpose()?,
        tensors: tensors
            .iter()
            .map(|(spec, values)| metadata::Tensor {
                name: spec.name.clone(),
                shape: spec.shape.clone(),
                crc32: tensor::crc32(values),
            })
            .collect(),
    })
}

fn layer(layer: &LayerSpec) -> Result<metadata::Layer, Error> {
    use metadata::Layer as Wire;
    Ok(match *layer {
        LayerSpec::Dense { inputs, outputs } => {
            Wire::Dense { inputs: inputs as u64, outputs: outputs as u64 }
        }
        LayerSpec::Activation(activation) => match activation {
            Activation::Relu => Wire::Relu {},
            Activation::LeakyRelu { slope } => Wire::LeakyRelu { slope },
            Activation::Elu { alpha } => Wire::Elu { alpha },
            Activation::Sigmoid => Wire::Sigmoid {},
            Activation::Tanh => Wire::Tanh {},
            Activation::Gelu => Wire::Gelu {},
            Activation::Silu => Wire::Silu {},
            Activation::Linear => Wire::Linear {},
            other => return Err(unknown("layers", other.name())),
        },
        LayerSpec::Softmax => Wire::Softmax {},
        LayerSpec::Dropout { rate } => Wire::Dropout { rate },
        LayerSpec::LayerNorm { epsilon } => Wire::LayerNorm { epsilon },
        LayerSpec::BatchNorm { momentum, epsilon } => Wire::BatchNorm { momentum, epsilon },
    })
}

/// The error of a kind that the format has no name for yet.
fn unknown(field: &str, kind: &str) -> Error {
    let expected = "a kind that the format has";
    Error::Value { field: field.into(), expected: expected.into(), found: kind.into() }
}

fn training(training: &TrainingState) -> Result<metadata::Training, Error> {
    let sums = training.progress.sums;
    Ok(metadata::Training {
        optimizer: optimizer(&training.optimizer),
        schedule: schedule(training.schedule),
        config: config::config(&training.config)?,
        progress: metadata::Progress {
            epoch: training.progress.epoch,
            batch: training.progress.batch,
            loss: sums.loss,
            correct: sums.correct,
            n_samples: sums.n_samples,
        },
        history: training.history.iter().map(record).collect(),
    })
}

fn optimizer(optimizer: &Optimizer) -> metadata::Optimizer {
    let step = optimizer.step();
    match optimizer.config() {
        OptimizerConfig::Sgd(SgdConfig { momentum, nesterov }) => {
            metadata::Optimizer::Sgd { momentum, nesterov, step }
        }
        OptimizerConfig::Adagrad(AdagradConfig { epsilon }) => {
            metadata::Optimizer::Adagrad { epsilon, step }
        }
        OptimizerConfig::RmsProp(RmsPropConfig { rho, epsilon }) => {
            metadata::Optimizer::Rmsprop { rho, epsilon, step }
        }
        OptimizerConfig::Adam(AdamConfig { beta_1, beta_2, epsilon, amsgrad }) => {
            metadata::Optimizer::Adam { beta_1, beta_2, epsilon, amsgrad, step }
        }
        OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }) => {
            let AdamConfig { beta_1, beta_2, epsilon, amsgrad } = adam;
            metadata::Optimizer::Adamw { beta_1, beta_2, epsilon, weight_decay, amsgrad, step }
        }
    }
}

fn schedule(schedule: Schedule) -> metadata::Schedule {
    use metadata::Schedule as Wire;
    let Schedule { learning_rate, warmup, decay } = schedule;
    match decay {
        Decay::Constant => Wire::Constant { learning_rate, warmup },
        Decay::InverseTime { decay } => Wire::InverseTime { learning_rate, decay, warmup },
        Decay::Step { every, factor } => Wire::Step { learning_rate, every, factor, warmup },
        Decay::Exponential { factor } => Wire::Exponential { learning_rate, factor, warmup },
        Decay::Cosine { steps, minimum } => Wire::Cosine { learning_rate, steps, minimum, warmup },
        Decay::OneCycle { steps } => Wire::OneCycle { learning_rate, steps },
        Decay::Plateau { factor, patience, min_delta } => {
            Wire::Plateau { learning_rate, factor, patience, min_delta, warmup }
        }
    }
}

fn record(record: &EpochRecord) -> metadata::Record {
    metadata::Record {
        train: metrics(&record.train),
        validation: record.validation.as_ref().map(metrics),
        penalty: record.penalty,
        learning_rate: record.learning_rate,
    }
}

fn metrics(metrics: &Metrics) -> metadata::Metrics {
    metadata::Metrics { loss: metrics.loss, accuracy: metrics.accuracy }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Here and not on a model of a gibibyte.
    #[test]
    fn no_file_is_beyond_the_limit() {
        assert_eq!(fit(limits::FILE).unwrap(), 1 << 30);
        for bytes in [limits::FILE + 1, u64::from(u32::MAX) + 1, u64::MAX] {
            assert!(matches!(fit(bytes), Err(Error::Limit { found, .. }) if found == bytes));
        }
    }
}
