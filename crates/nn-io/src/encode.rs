//! From a checkpoint to the bytes of its file.
//!
//! The bytes are read back before they are handed out, and compared with the checkpoint: an error here costs nothing, one
//! when the file is loaded costs the training. The record of an epoch is read back on its own, and once: see [`Encoder`].

use std::io;

use nn_train::TrainingState;

use crate::decode::Rest;
use crate::error::check_value;
use crate::wire::header::{self, Header};
use crate::wire::history::EncodedHistory;
use crate::wire::layer;
use crate::wire::metadata::{Description, Metadata};
use crate::wire::tensor::{self, Contents, Role, TensorSpec};
use crate::wire::training::TrainingDescription;
use crate::{CheckpointRef, Error, VERSION, limits};

impl CheckpointRef<'_> {
    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// If [`crate::Checkpoint::from_bytes`] would refuse them, or read another checkpoint: a value is not finite, parts do
    /// not fit each other, or a limit is exceeded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        Ok(Encoder::default().encode(self)?.bytes)
    }
}

/// Encodes the states of a run, one after another.
///
/// It gives the bytes that [`CheckpointRef::to_bytes`] gives, whatever checkpoints it is given. But the records of a run's
/// epochs are encoded and read back only once, so that a save after thousands of epochs takes hardly longer than the first.
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
        let mut bytes = Vec::with_capacity(encoding.file_len as usize);
        bytes.extend_from_slice(&encoding.start);
        encoding.for_each_block(|block| bytes.extend_from_slice(block));

        let tensors = bytes.get(encoding.start.len()..).unwrap_or_default();
        let mut rest = Rest::new(encoding.start.len() as u64, encoding.file_len.into(), tensors);
        encoding.description.check_tensors(&mut rest, &encoding.tensors)?;
        let step = checkpoint.training.map(|training| training.optimizer.step());
        Ok(Encoded { bytes, step })
    }
}

/// The bytes of a file, which were read back and compared with the checkpoint: to be saved in one place or several.
#[derive(Debug)]
pub struct Encoded {
    bytes: Vec<u8>,
    step: Option<u64>,
}

impl Encoded {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of steps of the training; `None` for a model for inference only.
    pub fn step(&self) -> Option<u64> {
        self.step
    }
}

/// A file that has no memory of its own for its tensors.
pub(crate) struct Encoding<'a> {
    file_len: u32,
    /// Header and metadata.
    pub(crate) start: Vec<u8>,
    /// What `start` says, read back.
    description: Description,
    /// The elements of each of its tensors.
    tensors: Vec<&'a [f32]>,
}

impl<'a> Encoding<'a> {
    /// The parts of a checkpoint's file, checked except that the tensors are not read back from bytes.
    pub(crate) fn new(
        checkpoint: CheckpointRef<'a>,
        history: &mut EncodedHistory,
    ) -> Result<Self, Error> {
        let architecture = checkpoint.model.architecture();
        let layers = layer::write(architecture)?;
        let specs = tensor::tensor_specs(architecture, contents(&checkpoint)?);
        let file_len = tensor::bytes_of(&specs).saturating_add(header::LEN as u64);
        fit(file_len)?;
        let tensors = tensors(&checkpoint, &specs)?;
        let metadata = Metadata::new(&checkpoint, layers, &tensors)?;
        history.update(checkpoint.training.map_or(&[], |training| &training.history))?;
        let (metadata_bytes, read) = metadata.encode(history)?;

        let file_len = fit(file_len.saturating_add(metadata_bytes.len() as u64))?;
        let header = Header {
            version: VERSION,
            features: metadata.features(),
            n_tensors: fit(tensors.len() as u64)?,
            metadata_len: metadata_bytes.len() as u64,
            file_len: file_len.into(),
            metadata_crc: crc32fast::hash(&metadata_bytes),
        };
        let start = [header.to_bytes(), metadata_bytes].concat();

        let header = Header::parse(&start, file_len.into())?;
        let rest = Rest::new(start.len() as u64, file_len.into(), io::empty());
        let description = Description::new(read, &header, &rest)?;
        check_same(&checkpoint, &description)?;
        for (spec, values) in &tensors {
            tensor::check_elements(spec, values)?;
        }
        let tensors = tensors.into_iter().map(|(_, values)| values).collect();
        Ok(Self { file_len, start, description, tensors })
    }

    /// Passes on the bytes of the tensors, in blocks.
    pub(crate) fn for_each_block(&self, mut f: impl FnMut(&[u8])) {
        for ((spec, _), values) in self.description.tensors.iter().zip(&self.tensors) {
            f(&spec.prefix());
            tensor::for_each_block(values, &mut f);
        }
    }
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

/// What the file holds in addition to the layers. The checkpoint must not have more.
fn contents(checkpoint: &CheckpointRef<'_>) -> Result<Contents, Error> {
    let Some(training) = checkpoint.training else { return Ok(Contents::default()) };
    let TrainingState { optimizer, config, progress, average, best, .. } = training;
    let contents = Contents::of(&optimizer.config(), config, progress.epoch > 0);
    let fits = average.is_none() || contents.average;
    check_value(fits, "average.parameters", "none, as the run keeps no average", "some")?;
    let fits = best.is_none() || contents.best;
    let expected = "none, as the run keeps none or no epoch is complete";
    check_value(fits, "best.parameters", expected, "some")?;
    Ok(contents)
}

/// The tensors' elements, as many as the layers need.
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
    let take = |spec: &'s TensorSpec| {
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
        Ok((spec, values))
    };
    let tensors = specs.iter().map(take).collect::<Result<_, Error>>()?;
    // A model without statistics has no tensor whose length was just checked.
    let found = best.map_or(0, |best| best.statistics.len());
    let expected = checkpoint.model.statistics().len();
    let words = format!("{expected} elements, as the layers need");
    check_value(best.is_none() || found == expected, "best.statistics", words, found)?;
    Ok(tensors)
}

/// Checks that the metadata, as they were read back, are those of the checkpoint.
fn check_same(given: &CheckpointRef<'_>, read: &Description) -> Result<(), Error> {
    let [(read_inputs, read_layers), (inputs, layers)] =
        [&read.architecture, given.model.architecture()].map(|it| (it.input().len(), it.specs()));
    same("layers", read_inputs == inputs && read_layers == layers)?;
    same("the description of the model", read.info == *given.info)?;
    let (Some(read), Some(given)) = (&read.training, given.training) else {
        return same("training", read.training.is_none() == given.training.is_none());
    };
    let TrainingDescription { optimizer, step, schedule, config, progress, history } = read;
    // These two are not written but derived: from `input.mirror`, and from the samples and outputs.
    let (mirror, found) = (config.tta_flip, given.config.tta_flip);
    let expected = format!("{mirror}, as input.mirror is");
    check_value(mirror == found, "mirror of the run's settings", expected, found)?;
    let [expected, found] = [progress, &given.progress].map(|it| it.sums.n_predictions);
    let words = format!("{expected}, as samples and outputs make");
    check_value(expected == found, "predictions of the progress", words, found)?;

    let (config_given, step_given) = (given.optimizer.config(), given.optimizer.step());
    same("training.optimizer", (*optimizer, *step) == (config_given, step_given))?;
    same("training.schedule", *schedule == given.schedule)?;
    same("training.config", *config == given.config)?;
    same("training.progress", *progress == given.progress)?;
    same("training.history", *history == given.history)
}

/// The error if a part comes back from the bytes as another one.
fn same(field: &str, same: bool) -> Result<(), Error> {
    check_value(same, field, "what a file can say", "something that would be read as another value")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tested here and not with a model of a gibibyte.
    #[test]
    fn no_file_is_beyond_the_limit() {
        assert_eq!(fit(limits::FILE).unwrap(), 1 << 30);
        for bytes in [limits::FILE + 1, u64::from(u32::MAX) + 1, u64::MAX] {
            assert!(matches!(fit(bytes), Err(Error::Limit { found, .. }) if found == bytes));
        }
    }
}
