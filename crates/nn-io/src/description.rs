//! From metadata to what they mean: sections 7 and 8 of FORMAT.md.
//!
//! Reading and writing both pass through here, so a value that exists has kept every rule, and
//! nothing is written that could not be read.

mod config;

use nn_core::{Activation, LayerSpec, LossSum};
use nn_optim::{
    AdagradConfig, AdamConfig, AdamWConfig, Decay, OptimizerConfig, RmsPropConfig, Schedule,
    SgdConfig,
};
use nn_train::{EpochRecord, Metrics, Progress, RunConfig};

use crate::error::{check_limit, check_value, is_command};
use crate::tensor::{Contents, TensorSpec, tensor_specs};
use crate::{DatasetId, Error, InputSpec, ModelInfo, limits, metadata, size};

/// A checkpoint without its tensors.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) layers: Vec<LayerSpec>,
    pub(crate) info: ModelInfo,
    pub(crate) training: Option<TrainingDescription>,
    pub(crate) tensors: Vec<TensorSpec>,
}

/// A state of training without the numbers that are tensors.
#[derive(Debug)]
pub(crate) struct TrainingDescription {
    pub(crate) optimizer: OptimizerConfig,
    pub(crate) step: u64,
    pub(crate) schedule: Schedule,
    pub(crate) config: RunConfig,
    pub(crate) progress: Progress,
    pub(crate) history: Vec<EpochRecord>,
}

impl TryFrom<metadata::Metadata> for Description {
    type Error = Error;

    fn try_from(metadata: metadata::Metadata) -> Result<Self, Error> {
        let layers = layers(&metadata.layers)?;
        let contents = metadata.training.as_ref().map(contents).unwrap_or_default();
        let tensors = tensor_specs(&layers, contents)?;
        check_tensors(&metadata.tensors, &tensors)?;
        check_string("producer", &metadata.producer)?;
        check_string("instruction_set", &metadata.instruction_set)?;
        let (inputs, outputs) = ends(&layers);
        let input = input(&metadata.input, inputs)?;
        check_classes(&metadata.class_names, outputs)?;
        check_dataset(&metadata.dataset)?;
        let info = ModelInfo {
            producer: metadata.producer,
            instruction_set: metadata.instruction_set,
            input,
            class_names: metadata.class_names,
            dataset: DatasetId { name: metadata.dataset.name, sha256: metadata.dataset.sha256 },
            n_validation: count("n_validation", metadata.n_validation)?,
        };
        let training = metadata.training;
        let training = training
            .map(|training| TrainingDescription::new(training, &layers, info.input.mirror))
            .transpose()?;
        Ok(Self { layers, info, training, tensors })
    }
}

/// What a file with this training holds beside the layers.
fn contents(training: &metadata::Training) -> Contents<'static> {
    Contents {
        moments: optimizer(&training.optimizer).0.moments(),
        average: training.config.averaging.is_some(),
        // The first epoch is the best so far.
        best: training.config.keep_best && training.progress.epoch > 0,
    }
}

impl TrainingDescription {
    /// That of a network of these layers.
    fn new(
        training: metadata::Training,
        layers: &[LayerSpec],
        mirror: bool,
    ) -> Result<Self, Error> {
        let (optimizer, step) = optimizer(&training.optimizer);
        optimizer.validate().map_err(Error::Optimizer)?;

        let schedule = schedule(&training.schedule);
        schedule.validate().map_err(Error::Optimizer)?;

        let config = config::config(training.config, layers, mirror)?;

        let progress = progress(&training.progress, &config, ends(layers).1)?;
        let n_records = training.history.len();
        check_limit("completed epochs", limits::HISTORY, n_records)?;
        let expected = format!("{} records, one a completed epoch", progress.epoch);
        check_value(progress.epoch == n_records as u64, "training.history", expected, n_records)?;
        let has_penalties = !config.penalties.is_empty();
        let history = training.history.iter().enumerate();
        let history = history
            .map(|(i, it)| record(&format!("training.history[{i}]"), it, has_penalties))
            .collect::<Result<_, _>>()?;
        Ok(Self { optimizer, step, schedule, config, progress, history })
    }
}

/// The optimizer, not yet checked, and its count of steps.
fn optimizer(optimizer: &metadata::Optimizer) -> (OptimizerConfig, u64) {
    match *optimizer {
        metadata::Optimizer::Sgd { momentum, nesterov, step } => {
            (OptimizerConfig::Sgd(SgdConfig { momentum, nesterov }), step)
        }
        metadata::Optimizer::Adagrad { epsilon, step } => {
            (OptimizerConfig::Adagrad(AdagradConfig { epsilon }), step)
        }
        metadata::Optimizer::Rmsprop { rho, epsilon, step } => {
            (OptimizerConfig::RmsProp(RmsPropConfig { rho, epsilon }), step)
        }
        metadata::Optimizer::Adam { beta_1, beta_2, epsilon, amsgrad, step } => {
            (OptimizerConfig::Adam(AdamConfig { beta_1, beta_2, epsilon, amsgrad }), step)
        }
        metadata::Optimizer::Adamw { beta_1, beta_2, epsilon, weight_decay, amsgrad, step } => {
            let adam = AdamConfig { beta_1, beta_2, epsilon, amsgrad };
            (OptimizerConfig::AdamW(AdamWConfig { adam, weight_decay }), step)
        }
    }
}

/// The schedule, not yet checked.
fn schedule(schedule: &metadata::Schedule) -> Schedule {
    use metadata::Schedule as Wire;
    let (learning_rate, warmup, decay) = match *schedule {
        Wire::Constant { learning_rate, warmup } => (learning_rate, warmup, Decay::Constant),
        Wire::InverseTime { learning_rate, decay, warmup } => {
            (learning_rate, warmup, Decay::InverseTime { decay })
        }
        Wire::Step { learning_rate, every, factor, warmup } => {
            (learning_rate, warmup, Decay::Step { every, factor })
        }
        Wire::Exponential { learning_rate, factor, warmup } => {
            (learning_rate, warmup, Decay::Exponential { factor })
        }
        Wire::Cosine { learning_rate, steps, minimum, warmup } => {
            (learning_rate, warmup, Decay::Cosine { steps, minimum })
        }
        Wire::OneCycle { learning_rate, steps } => (learning_rate, 0, Decay::OneCycle { steps }),
        Wire::Plateau { learning_rate, factor, patience, min_delta, warmup } => {
            (learning_rate, warmup, Decay::Plateau { factor, patience, min_delta })
        }
    };
    Schedule { learning_rate, warmup, decay }
}

fn layers(layers: &[metadata::Layer]) -> Result<Vec<LayerSpec>, Error> {
    use metadata::Layer as Wire;
    let activation = |activation| Ok(LayerSpec::Activation(activation));
    let layers = layers
        .iter()
        .map(|layer| match *layer {
            Wire::Dense { inputs, outputs } => Ok(LayerSpec::Dense {
                inputs: count("inputs", inputs)?,
                outputs: count("outputs", outputs)?,
            }),
            Wire::Relu {} => activation(Activation::Relu),
            Wire::LeakyRelu { slope } => activation(Activation::LeakyRelu { slope }),
            Wire::Elu { alpha } => activation(Activation::Elu { alpha }),
            Wire::Sigmoid {} => activation(Activation::Sigmoid),
            Wire::Tanh {} => activation(Activation::Tanh),
            Wire::Gelu {} => activation(Activation::Gelu),
            Wire::Silu {} => activation(Activation::Silu),
            Wire::Linear {} => activation(Activation::Linear),
            Wire::Softmax {} => Ok(LayerSpec::Softmax),
            Wire::Dropout { rate } => Ok(LayerSpec::Dropout { rate }),
            Wire::LayerNorm { epsilon } => Ok(LayerSpec::LayerNorm { epsilon }),
            Wire::BatchNorm { momentum, epsilon } => Ok(LayerSpec::BatchNorm { momentum, epsilon }),
        })
        .collect::<Result<Vec<_>, Error>>()?;
    size::check_layers(&layers)?;
    Ok(layers)
}

/// Inputs of the first and outputs of the last dense layer; of a chain, those of the network.
fn ends(layers: &[LayerSpec]) -> (usize, usize) {
    let mut dense = layers.iter().filter_map(|layer| layer.dense());
    let first = dense.next().unwrap_or_default();
    let last = dense.next_back().unwrap_or(first);
    (first.0, last.1)
}

fn check_tensors(found: &[metadata::Tensor], expected: &[TensorSpec]) -> Result<(), Error> {
    let names = format!("{} tensors, as layers and training need", expected.len());
    check_value(found.len() == expected.len(), "tensors", names, found.len())?;
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = found.name == expected.name && found.shape == expected.shape;
        let found = format!("{:?} of shape {:?}", found.name, found.shape);
        let expected = format!("{:?} of shape {:?}", expected.name, expected.shape);
        check_value(same, format!("tensors[{i}]"), expected, found)?;
    }
    Ok(())
}

fn input(input: &metadata::Input, inputs: usize) -> Result<InputSpec, Error> {
    let &metadata::Input { width, height, mean, std, mirror } = input;
    let fits = width.checked_mul(height) == Some(inputs as u64);
    let expected = format!("{inputs} pixels, as the first layer takes");
    check_value(fits, "input", expected, format!("{width} x {height}"))?;
    let (mean, std) = (real32("input.mean", mean)?, real32("input.std", std)?);
    let divides = std > 0.0 && (1.0 / std).is_finite();
    check_value(divides, "input.std", "a number above 0 to divide by", std)?;
    let (width, height) = (count("input.width", width)?, count("input.height", height)?);
    Ok(InputSpec { width, height, mean, std, mirror })
}

fn check_classes(names: &[String], outputs: usize) -> Result<(), Error> {
    let expected = format!("{outputs} names, one an output");
    check_value(names.len() == outputs, "class_names", expected, names.len())?;
    for (i, name) in names.iter().enumerate() {
        let field = format!("class_names[{i}]");
        check_value(!name.is_empty(), &field, "a name", "an empty string")?;
        check_string(&field, name)?;
    }
    Ok(())
}

fn check_dataset(dataset: &metadata::Dataset) -> Result<(), Error> {
    check_string("dataset.name", &dataset.name)?;
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let digits = dataset.sha256.len() == 64 && dataset.sha256.bytes().all(is_digit);
    let found = format!("{:?}", dataset.sha256);
    check_value(digits, "dataset.sha256", "64 lower-case hexadecimal digits", found)
}

/// Strings are shown in terminals.
fn check_string(field: &str, string: &str) -> Result<(), Error> {
    check_limit(&format!("bytes of {field}"), limits::STRING, string.len())?;
    let plain = !string.chars().any(is_command);
    check_value(plain, field, "no control characters", format!("{string:?}"))
}

fn progress(
    progress: &metadata::Progress,
    config: &RunConfig,
    outputs: usize,
) -> Result<Progress, Error> {
    let &metadata::Progress { epoch, batch, loss, correct, n_samples } = progress;
    check_value(loss.is_finite(), "training.progress.loss", "a finite number", loss)?;
    let step_len = config.step_len() as u64;
    let most = batch.saturating_mul(step_len);
    let expected = format!("at most {most}, in {batch} batches of {step_len}");
    check_value(n_samples <= most, "training.progress.n_samples", expected, n_samples)?;
    let predictions = config.loss.predictions(outputs) as u64;
    let n_predictions = n_samples.saturating_mul(predictions);
    let expected = format!("at most {n_predictions}, of as many samples");
    let expected = match predictions {
        1 => expected,
        _ => format!("{expected} times {predictions} outputs"),
    };
    check_value(correct <= n_predictions, "training.progress.correct", expected, correct)?;
    let sums = LossSum { loss, correct, n_samples, n_predictions };
    Ok(Progress { epoch, batch, sums })
}

fn record(
    field: &str,
    record: &metadata::Record,
    has_penalties: bool,
) -> Result<EpochRecord, Error> {
    let train = metrics(field, &record.train)?;
    let validation = record.validation.as_ref().map(|it| metrics(field, it)).transpose()?;
    let &metadata::Record { penalty, learning_rate, .. } = record;
    let valid = penalty.is_finite() && penalty >= 0.0;
    check_value(valid, field, "a finite penalty, 0 or above", penalty)?;
    let valid = penalty == 0.0 || has_penalties;
    check_value(valid, field, "no penalty, as the run has no penalties", penalty)?;
    check_value(learning_rate.is_finite(), field, "a finite learning_rate", learning_rate)?;
    Ok(EpochRecord { train, validation, penalty, learning_rate })
}

fn metrics(field: &str, metrics: &metadata::Metrics) -> Result<Metrics, Error> {
    let &metadata::Metrics { loss, accuracy } = metrics;
    check_value(loss.is_finite(), field, "a finite loss", loss)?;
    let share = (0.0..=1.0).contains(&accuracy);
    check_value(share, field, "an accuracy of 0 to 1", accuracy)?;
    Ok(Metrics { loss, accuracy })
}

/// A number of the file as one of this machine.
fn count(field: &str, value: u64) -> Result<usize, Error> {
    let expected = "a number that this machine can count to";
    usize::try_from(value).map_err(|_| Error::Value {
        field: field.into(),
        expected: expected.into(),
        found: value.to_string(),
    })
}

/// A real that is exactly a finite `f32`.
fn real32(field: &str, value: f64) -> Result<f32, Error> {
    #[allow(clippy::cast_possible_truncation, reason = "that it loses nothing is checked next")]
    let narrow = value as f32;
    let exact = narrow.is_finite() && f64::from(narrow).to_bits() == value.to_bits();
    check_value(exact, field, "a finite number with the precision of 32 bits", value)?;
    Ok(narrow)
}
