//! From a checkpoint to the bytes of its file.
//!
//! What is written has passed every check of reading: an error here costs nothing, one when the
//! file is read again costs the training.

use nn_core::LayerSpec;
use nn_optim::{
    AdagradConfig, AdamConfig, AdamWConfig, Decay, Optimizer, OptimizerConfig, RmsPropConfig,
    Schedule, SgdConfig,
};
use nn_train::{EpochRecord, Metrics, TrainingState};

use crate::description::Description;
use crate::error::check_value;
use crate::header::{self, Header, VERSION};
use crate::metadata::{self, Metadata};
use crate::tensor::{self, Role, TensorSpec};
use crate::{CheckpointRef, Error, limits};

pub(crate) fn encode(checkpoint: &CheckpointRef<'_>) -> Result<Vec<u8>, Error> {
    let layers = checkpoint.model.specs();
    let optimizer = checkpoint.training.map(|training| training.optimizer.config());
    let moments = optimizer.map(|optimizer| optimizer.moments()).unwrap_or_default();
    let specs = tensor::tensor_specs(&layers, moments)?;
    let file_len = tensor::bytes_of(&specs).saturating_add(header::LEN as u64);
    fit(file_len)?;
    let tensors = tensors(checkpoint, &specs)?;
    let metadata = metadata(checkpoint, &layers, &tensors);
    let (features, metadata_bytes) = (metadata.features(), metadata.to_bytes()?);
    Description::try_from(metadata)?;

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

/// The tensors' elements, checked.
fn tensors<'a>(
    checkpoint: &CheckpointRef<'a>,
    specs: &'a [TensorSpec],
) -> Result<Vec<(&'a TensorSpec, &'a [f32])>, Error> {
    let mut params = checkpoint.model.params();
    let optimizer = checkpoint.training.iter().map(|training| &training.optimizer);
    let mut moments = optimizer.flat_map(|optimizer| optimizer.moments());
    let take = |spec: &'a TensorSpec| {
        let values = match spec.role {
            Role::Parameters => params.split_off(..spec.len),
            Role::Moment(_) => moments.next().map(|moment| moment.as_slice()),
        };
        let values = values.unwrap_or_default();
        let expected = format!("{} elements, as the layers need", spec.len);
        check_value(values.len() == spec.len, &spec.name, expected, values.len())?;
        tensor::check_elements(spec, values)?;
        Ok((spec, values))
    };
    specs.iter().map(take).collect()
}

fn metadata(
    checkpoint: &CheckpointRef<'_>,
    layers: &[LayerSpec],
    tensors: &[(&TensorSpec, &[f32])],
) -> Metadata {
    let info = checkpoint.info;
    Metadata {
        producer: info.producer.clone(),
        instruction_set: info.instruction_set.clone(),
        input: metadata::Input {
            width: info.input.width as u64,
            height: info.input.height as u64,
            mean: f64::from(info.input.mean),
            std: f64::from(info.input.std),
        },
        layers: layers.iter().map(layer).collect(),
        class_names: info.class_names.clone(),
        dataset: metadata::Dataset {
            name: info.dataset.name.clone(),
            sha256: info.dataset.sha256.clone(),
        },
        n_validation: info.n_validation as u64,
        training: checkpoint.training.map(training),
        tensors: tensors
            .iter()
            .map(|(spec, values)| metadata::Tensor {
                name: spec.name.clone(),
                shape: spec.shape.clone(),
                crc32: tensor::crc32(values),
            })
            .collect(),
    }
}

fn layer(layer: &LayerSpec) -> metadata::Layer {
    match *layer {
        LayerSpec::Dense { inputs, outputs } => {
            metadata::Layer::Dense { inputs: inputs as u64, outputs: outputs as u64 }
        }
        LayerSpec::Relu => metadata::Layer::Relu {},
        LayerSpec::Softmax => metadata::Layer::Softmax {},
    }
}

fn training(training: &TrainingState) -> metadata::Training {
    let sums = training.progress.sums;
    metadata::Training {
        optimizer: optimizer(&training.optimizer),
        schedule: schedule(training.schedule),
        config: metadata::Config {
            seed: training.config.seed,
            batch_size: training.config.batch_size as u64,
        },
        progress: metadata::Progress {
            epoch: training.progress.epoch,
            batch: training.progress.batch,
            loss: sums.loss,
            correct: sums.correct,
            n_samples: sums.n_samples,
        },
        history: training.history.iter().map(record).collect(),
    }
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
