//! Everything that is not a tensor: the map of section 3 of FORMAT.md.
//!
//! The serde types of this crate only describe the file. Their fields and variants and the order of these are the
//! format, so they are never renamed. The types of the other crates have no serde. Reals are `f64` and integers `u64`,
//! whatever the program computes with, so that serde never converts a value silently.

use std::io::Cursor;

use nn_core::Architecture;
use serde::{Deserialize, Serialize};

use super::form::{check_string, count, list};
use super::history::EncodedHistory;
use super::info::{self, Dataset, Decision, DecisionDescription, Input};
use super::layer::{self, Layer};
use super::pack::{form, pack};
use super::tensor::{self, Contents, Tensor, TensorSpec};
use super::training::{Training, TrainingDescription};
use crate::error::{check_limit, quotable};
use crate::{CheckpointRef, Error, ModelInfo, VERSION, Version, limits};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Metadata {
    producer: String,
    instruction_set: String,
    input: Input,
    #[serde(deserialize_with = "list::<_, _, { limits::LAYERS }>")]
    layers: Vec<Layer>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "list::<_, _, { limits::CLASSES }>")]
    class_names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dataset: Option<Dataset>,
    n_validation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training: Option<Training>,
    #[serde(deserialize_with = "list::<_, _, { TENSORS }>")]
    tensors: Vec<Tensor>,
}

/// The largest number of tensors of a file: four for each layer, three moments of the optimizer, the average, two of the
/// best epoch, and four of the decision.
const TENSORS: usize = 4 * limits::LAYERS + 10;

/// The last key of the metadata, on its own.
#[derive(Serialize)]
struct Tensors<'a> {
    tensors: &'a [Tensor],
}

/// The meaning of metadata: a checkpoint without its tensors. All rules have been checked.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) architecture: Architecture,
    pub(crate) info: ModelInfo,
    pub(crate) decision: Option<DecisionDescription>,
    pub(crate) training: Option<TrainingDescription>,
    /// The tensors that follow, each with its checksum.
    pub(crate) tensors: Vec<(TensorSpec, u32)>,
}

impl Metadata {
    /// The metadata of a checkpoint with these layers and tensors, without its history. Only fails if the format cannot
    /// express them; [`Metadata::read`] checks the rules.
    pub(crate) fn new(
        checkpoint: &CheckpointRef<'_>,
        layers: Vec<Layer>,
        tensors: &[(&TensorSpec, &[f32])],
    ) -> Result<Self, Error> {
        let info = checkpoint.info;
        check_limit("classes", limits::CLASSES, info.class_names.len())?;
        Ok(Self {
            producer: info.producer.clone(),
            instruction_set: info.instruction_set.clone(),
            input: Input::new(&info.input),
            layers,
            class_names: info.class_names.clone(),
            decision: info.decision.as_ref().map(Decision::new),
            dataset: info.dataset.as_ref().map(Dataset::new),
            n_validation: info.n_validation as u64,
            training: checkpoint.training.map(Training::new).transpose()?,
            tensors: tensors.iter().map(|(spec, values)| Tensor::new(spec, values)).collect(),
        })
    }

    /// The meaning of the metadata, with all rules checked.
    pub(crate) fn read(self) -> Result<Description, Error> {
        let architecture = layer::read(&self.layers)?;
        let mirror = self.input.mirror;
        let training = self.training.map(|it| it.read(&architecture, mirror)).transpose()?;
        let input = self.input.read(architecture.input().len())?;
        let contents = training
            .as_ref()
            .map(|it| Contents::of(&it.optimizer, &it.config, it.progress.epoch > 0));
        let mut contents = contents.unwrap_or_default();
        let decision = match &self.decision {
            Some(decision) => {
                let shape = info::decision_shape(&architecture, &input)?;
                contents.decision = Some(shape);
                Some(decision.read(shape)?)
            }
            None => None,
        };
        let specs = tensor::tensor_specs(&architecture, contents);
        tensor::check_lens(&specs)?;
        Tensor::check_all(&self.tensors, &specs)?;
        check_string("producer", &self.producer)?;
        check_string("instruction_set", &self.instruction_set)?;
        if !self.class_names.is_empty() {
            info::check_classes(&self.class_names, architecture.output().len())?;
        }
        let info = ModelInfo {
            producer: self.producer,
            instruction_set: self.instruction_set,
            input,
            class_names: self.class_names,
            dataset: self.dataset.map(Dataset::read).transpose()?,
            n_validation: count("n_validation", self.n_validation)?,
            // Assembled when its tensors have been read.
            decision: None,
        };
        let tensors = specs.into_iter().zip(self.tensors.iter().map(|it| it.crc32)).collect();
        Ok(Description { architecture, info, decision, training, tensors })
    }

    /// The required features of the header that these metadata need.
    pub(crate) fn features(&self) -> u32 {
        let layers = self.layers.iter().fold(0, |bits, layer| bits | layer.features());
        let training = self.training.as_ref().map_or(0, Training::features);
        let partial = match self.class_names.is_empty() || self.dataset.is_none() {
            true => info::PARTIAL,
            false => 0,
        };
        let decision = if self.decision.is_some() { info::DECISION } else { 0 };
        self.input.features() | partial | decision | layers | training
    }

    /// Encodes these metadata, whose history is empty, with `history` in its place. Returns the bytes, and the metadata
    /// that were read back from them.
    pub(crate) fn encode(&self, history: &EncodedHistory) -> Result<(Vec<u8>, Self), Error> {
        let without = pack(self)?;
        let mut read = Self::parse(&without, VERSION)?;
        let Some(training) = &mut read.training else { return Ok((without, read)) };
        training.set_history(history);
        // The bytes end with the empty history, which is one byte, and the key `tensors`. A map of that key alone is as
        // long, since it begins with a marker of one byte.
        let after = pack(&Tensors { tensors: &self.tensors })?;
        let before = without.get(..without.len().saturating_sub(after.len()));
        let after = after.get(1..).unwrap_or_default();
        let bytes = [before.unwrap_or_default(), &history.to_bytes(), after].concat();
        Ok((bytes, read))
    }

    /// Reads the metadata of a file of the given version.
    ///
    /// Serde accepts unknown keys, numbers of another type, arrays for maps, and longer forms than needed. To find
    /// these, the metadata are written again: in a file of a version that is fully known, the bytes must be the same.
    pub(crate) fn parse(bytes: &[u8], version: Version) -> Result<Self, Error> {
        let mut deserializer = rmp_serde::Deserializer::new(Cursor::new(bytes));
        // The deserializer already refuses the depth that it is given.
        deserializer.set_max_depth(limits::DEPTH + 1);
        let parsed = Self::deserialize(&mut deserializer);
        let end = deserializer.position();
        let metadata = parsed.map_err(|error| {
            // The message may quote the file.
            form(end, format!("invalid before here: {}", quotable(&error.to_string())))
        })?;
        if end != bytes.len() as u64 {
            return Err(form(end, "expected the end of the metadata, found more".into()));
        }
        let newer = version.minor > VERSION.minor;
        if !newer {
            let canonical = pack(&metadata)?;
            if canonical != bytes {
                let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
                let reason = "not in the form of this version: \
                    an unknown key, a different order or a different type";
                return Err(form(same as u64, reason.into()));
            }
        }
        Ok(metadata)
    }
}
