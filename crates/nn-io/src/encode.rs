//! Encodes a checkpoint as the bytes of a file.
//!
//! The bytes are read back and compared with the checkpoint before they are returned. An error here costs nothing; an
//! error when the file is loaded costs the whole training. The record of an epoch is read back separately, and only
//! once: see [`Encoder`].

use std::io;

use nn_train::TrainingState;

use crate::decode::Rest;
use crate::error::check_value;
use crate::wire::header::{self, Header};
use crate::wire::history::EncodedHistory;
use crate::wire::info::{self, DecisionDescription};
use crate::wire::layer;
use crate::wire::metadata::{Description, Metadata};
use crate::wire::tensor::{self, Contents, Role, TensorSpec};
use crate::wire::training::TrainingDescription;
use crate::{CheckpointRef, Error, ModelInfo, limits};

impl CheckpointRef<'_> {
    /// Encodes this checkpoint as the bytes of a file.
    ///
    /// # Errors
    ///
    /// If [`crate::Checkpoint::from_bytes`] would refuse the bytes or read a different checkpoint: a value is not
    /// finite, parts do not fit each other, or a limit is exceeded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(Encoder::default().encode(self)?.bytes)
    }
}

/// Encodes the states of a run, one after another.
///
/// The bytes are always those of [`CheckpointRef::to_bytes`]. But an encoder encodes and reads back the record of each
/// epoch only once, so that a save after thousands of epochs takes hardly longer than the first.
#[derive(Debug, Default)]
pub struct Encoder {
    history: EncodedHistory,
}

impl Encoder {
    /// Encodes a checkpoint.
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`].
    pub fn encode(&mut self, checkpoint: &CheckpointRef<'_>) -> Result<Encoded, Error> {
        let encoding = Encoding::new(*checkpoint, &mut self.history)?;
        // The length is within the limit for this machine, so it fits.
        let len = usize::try_from(encoding.file_len).unwrap_or_default();
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(&encoding.start);
        encoding.for_each_piece(|piece| bytes.extend_from_slice(piece));

        let tensors = bytes.get(encoding.start.len()..).unwrap_or_default();
        let mut rest = Rest::new(encoding.start.len() as u64, encoding.file_len, tensors);
        encoding.description.check_tensors(&mut rest, &encoding.tensors)?;
        let step = checkpoint.training.map(|training| training.optimizer.step());
        Ok(Encoded { bytes, step })
    }
}

/// The checked bytes of a model file, which can be saved in one or more places.
#[derive(Debug)]
pub struct Encoded {
    bytes: Vec<u8>,
    step: Option<u64>,
}

impl Encoded {
    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of steps that the run has taken; `None` for a model for inference only.
    pub fn step(&self) -> Option<u64> {
        self.step
    }
}

/// An encoded file that borrows its tensors.
pub(crate) struct Encoding<'a> {
    file_len: u64,
    /// Header and metadata.
    pub(crate) start: Vec<u8>,
    /// The contents of `start`, read back.
    description: Description,
    /// The elements of each of its tensors.
    tensors: Vec<&'a [f32]>,
}

impl<'a> Encoding<'a> {
    /// Encodes a checkpoint. Everything is checked, except that the tensors are not read back from bytes.
    pub(crate) fn new(
        checkpoint: CheckpointRef<'a>,
        history: &mut EncodedHistory,
    ) -> Result<Self, Error> {
        let architecture = checkpoint.model.architecture();
        let layers = layer::write(architecture)?;
        let specs = tensor::tensor_specs(architecture, contents(&checkpoint)?);
        let file_len = tensor::bytes_of(&specs).saturating_add(header::LEN as u64);
        fit(file_len)?;
        tensor::check_lens(&specs)?;
        let tensors = tensors(&checkpoint, &specs)?;
        let metadata = Metadata::new(&checkpoint, layers, &tensors)?;
        history.update(checkpoint.training.map_or(&[], |training| &training.history))?;
        let (metadata_bytes, read) = metadata.encode(history)?;

        let file_len = fit(file_len.saturating_add(metadata_bytes.len() as u64))?;
        let header = Header {
            version: checkpoint.info.version(),
            features: metadata.features(),
            n_tensors: u32::try_from(tensors.len()).unwrap_or(u32::MAX),
            metadata_len: metadata_bytes.len() as u64,
            file_len,
            metadata_crc: crc32fast::hash(&metadata_bytes),
        };
        let start = [header.to_bytes(), metadata_bytes].concat();

        let header = Header::parse(&start, file_len)?;
        let rest = Rest::new(start.len() as u64, file_len, io::empty());
        let description = Description::new(read, &header, &rest)?;
        check_same(&checkpoint, &description)?;
        for (spec, values) in &tensors {
            tensor::check_elements(spec, values)?;
        }
        let tensors = tensors.into_iter().map(|(_, values)| values).collect();
        Ok(Self { file_len, start, description, tensors })
    }

    /// Calls `f` with the bytes of the tensors, piece by piece.
    pub(crate) fn for_each_piece(&self, mut f: impl FnMut(&[u8])) {
        for ((spec, _), values) in self.description.tensors.iter().zip(&self.tensors) {
            f(&spec.prefix());
            f(&tensor::data(values));
        }
    }
}

/// Checks that a length is within the limit on files.
fn fit(bytes: u64) -> Result<u64, Error> {
    let limit = limits::ADDRESSABLE;
    match bytes <= limit {
        true => Ok(bytes),
        false => Err(Error::Limit { what: "bytes of the file".into(), limit, found: bytes }),
    }
}

/// What the file holds in addition to the layers. Fails if the checkpoint has more than that.
fn contents(checkpoint: &CheckpointRef<'_>) -> Result<Contents, Error> {
    let decision = match checkpoint.info.decision {
        Some(_) => {
            Some(info::decision_shape(checkpoint.model.architecture(), &checkpoint.info.input)?)
        }
        None => None,
    };
    let Some(training) = checkpoint.training else {
        return Ok(Contents { decision, ..Contents::default() });
    };
    let TrainingState { optimizer, config, progress, average, best, .. } = training;
    let contents = Contents::of(&optimizer.config(), config, progress.epoch > 0);
    let contents = Contents { decision, ..contents };
    let fits = average.is_none() || contents.average;
    check_value(fits, "average.parameters", "none, as the run keeps no average", "some")?;
    let fits = best.is_none() || contents.best;
    let expected = "none, as the run keeps no best epoch, or no epoch is complete";
    check_value(fits, "best.parameters", expected, "some")?;
    Ok(contents)
}

/// The elements of each tensor. Fails if their number is not what the layers need.
fn tensors<'a, 's>(
    checkpoint: &CheckpointRef<'a>,
    specs: &'s [TensorSpec],
) -> Result<Vec<(&'s TensorSpec, &'a [f32])>, Error> {
    let mut params = checkpoint.model.params();
    let mut statistics = checkpoint.model.statistics();
    let training = checkpoint.training;
    let optimizer = training.iter().map(|training| &training.optimizer);
    let mut moments = optimizer.flat_map(|optimizer| optimizer.moments());
    let average = training.and_then(|training| training.average.as_ref());
    let best = training.and_then(|training| training.best.as_ref());
    let mut decision = checkpoint.info.decision.iter().flat_map(|it| it.buffers());
    let take = |spec: &'s TensorSpec| {
        let values = match spec.role {
            Role::Parameters => params.split_off(..spec.len),
            Role::Statistics => statistics.split_off(..spec.len),
            Role::Moment => moments.next().map(|moment| moment.as_slice()),
            Role::Average => average.map(|average| average.as_slice()),
            Role::BestParameters => best.map(|best| best.params.as_slice()),
            Role::BestStatistics => best.map(|best| best.statistics.as_slice()),
            Role::Decision => decision.next().map(|buffer| buffer.as_slice()),
        };
        let values = values.unwrap_or_default();
        let expected = format!("{} elements, as the layers need", spec.len);
        check_value(values.len() == spec.len, &spec.name, expected, values.len())?;
        Ok((spec, values))
    };
    let tensors = specs.iter().map(take).collect::<Result<_, Error>>()?;
    // If the model has no statistics, they have no tensor, so their length was not checked above.
    let found = best.map_or(0, |best| best.statistics.len());
    let expected = checkpoint.model.statistics().len();
    let words = format!("{expected} elements, as the layers need");
    check_value(best.is_none() || found == expected, "best.statistics", words, found)?;
    Ok(tensors)
}

/// Checks that the metadata that were read back are those of the checkpoint.
fn check_same(given: &CheckpointRef<'_>, read: &Description) -> Result<(), Error> {
    let [(read_inputs, read_layers), (inputs, layers)] =
        [&read.architecture, given.model.architecture()].map(|it| (it.input().len(), it.specs()));
    same("layers", read_inputs == inputs && read_layers == layers)?;
    let (decision, info) = (given.info.decision.as_ref(), &read.info);
    let of_given = ModelInfo { decision: None, ..given.info.clone() };
    same("the description of the model", *info == of_given)?;
    same("decision", read.decision == decision.map(DecisionDescription::new))?;
    let (Some(read), Some(given)) = (&read.training, given.training) else {
        return same("training", read.training.is_none() == given.training.is_none());
    };
    let TrainingDescription { optimizer, step, schedule, config, progress, history } = read;
    // Two values are not written but derived: `tta_flip` from `input.mirror`, and the number of predictions from the
    // samples and outputs.
    let (mirror, found) = (config.tta_flip, given.config.tta_flip);
    let expected = format!("{mirror}, as input.mirror is");
    check_value(mirror == found, "tta_flip of the run's settings", expected, found)?;
    let [expected, found] = [progress, &given.progress].map(|it| it.sums.n_predictions);
    let words = format!("{expected}, from samples and outputs");
    check_value(expected == found, "predictions of the progress", words, found)?;

    let (config_given, step_given) = (given.optimizer.config(), given.optimizer.step());
    same("training.optimizer", (*optimizer, *step) == (config_given, step_given))?;
    same("training.schedule", *schedule == given.schedule)?;
    same("training.config", *config == given.config)?;
    same("training.progress", *progress == given.progress)?;
    same("training.history", *history == given.history)
}

/// Fails if a part was read back as a different value.
fn same(field: &str, same: bool) -> Result<(), Error> {
    check_value(same, field, "a value that a file can hold", "one that would be read differently")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tested here, since a test with a model of eight gibibytes would take too much memory.
    #[test]
    fn no_file_is_beyond_the_limit() {
        assert_eq!(fit(limits::ADDRESSABLE).unwrap(), limits::ADDRESSABLE);
        const { assert!(cfg!(target_pointer_width = "32") || limits::ADDRESSABLE == 8 << 30) };
        for bytes in [limits::ADDRESSABLE + 1, limits::FILE + 1, u64::MAX] {
            assert!(matches!(fit(bytes), Err(Error::Limit { found, .. }) if found == bytes));
        }
    }
}
