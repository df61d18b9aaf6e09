//! What a model file holds, as the rest of a program sees it.

use std::path::Path;

use nn_core::Model;
use nn_train::TrainingState;
use sha2::{Digest as _, Sha256};

use crate::disk::SystemDisk;
use crate::{Error, decode, encode, file, tensor};

/// How an image becomes an input column: `x = (pixel - mean) * (1 / std)`, row by row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputSpec {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The pixel value, 0 to 255, that becomes 0.
    pub mean: f32,
    /// The difference in pixel values that becomes 1; above 0.
    pub std: f32,
    /// Whether an image is judged by the mean of the outputs of it and of its mirror image, left to right. A run's
    /// [`nn_train::RunConfig::mirror`] is the same.
    pub mirror: bool,
}

/// Which dataset a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetId {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its bytes, as 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What a file says beside the network and its training.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelInfo {
    /// The program that wrote the file, such as `fmnist 0.1.0`.
    pub producer: String,
    /// What its machine computed with, as [`nn_core::InstructionSet`] names it; training continues to
    /// the same bits only on the same.
    pub instruction_set: String,
    /// What the network takes.
    pub input: InputSpec,
    /// The name of each output.
    pub class_names: Vec<String>,
    /// What the model was trained on.
    pub dataset: DatasetId,
    /// How many samples of the training set were held out for validation.
    pub n_validation: usize,
}

/// All that a model file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Architecture, parameters and running statistics.
    pub model: Model,
    /// What the file says beside them.
    pub info: ModelInfo,
    /// What training needs to continue; `None` in a file for inference only.
    pub training: Option<TrainingState>,
}

/// A [`Checkpoint`] of borrowed parts, so that a run saves itself without a copy.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointRef<'a> {
    /// Architecture, parameters and running statistics.
    pub model: &'a Model,
    /// What the file says beside them.
    pub info: &'a ModelInfo,
    /// What training needs to continue; `None` in a file for inference only.
    pub training: Option<&'a TrainingState>,
}

impl Checkpoint {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or breaks any rule of the format.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::from_bytes(&file::read(path)?).map_err(Error::file(path))
    }

    /// All that is wrong with the contents of a file: the first thing, where nothing can be known of what
    /// is behind it, or else every damaged tensor. Of a file that [`Checkpoint::load`] reads, nothing.
    pub fn damage(path: impl AsRef<Path>) -> Vec<Error> {
        match file::read(path.as_ref()) {
            Ok(bytes) => decode::damage(&bytes),
            Err(error) => vec![error],
        }
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    ///
    /// If they break any rule of the format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        decode::decode(bytes)
    }

    /// The model that is asked for classes: of the best epoch, or with averaged parameters, where the training has
    /// them; else the model itself.
    ///
    /// # Errors
    ///
    /// If the training is of another model, which of a checkpoint that was read it is not.
    pub fn inference_model(&self) -> Result<Model, Error> {
        match &self.training {
            Some(training) => training.inference_model(&self.model).map_err(Error::Run),
            None => Ok(self.model.clone()),
        }
    }

    /// Its parts, borrowed; saving and digests are there.
    pub fn view(&self) -> CheckpointRef<'_> {
        let Self { model, info, training } = self;
        CheckpointRef { model, info, training: training.as_ref() }
    }
}

impl CheckpointRef<'_> {
    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// If [`Checkpoint::from_bytes`] would refuse them: a value is not finite, parts do not fit each
    /// other, or a limit is passed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        encode::encode(self)
    }

    /// Replaces the file by this checkpoint, as a whole: whoever reads, and whatever fails, sees the
    /// old file or the new one. Returns once it is on the disk.
    ///
    /// It does not look at what it replaces ([`crate::check_output`] does, before a run) and takes
    /// no lock ([`crate::FileLock`] is for the whole run). Behind a symbolic link the file is
    /// replaced, and the link stays.
    ///
    /// # Errors
    ///
    /// If [`CheckpointRef::to_bytes`] fails, or writing does.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        file::replace(&SystemDisk, path, &self.to_bytes().map_err(Error::file(path))?)
    }

    /// Does all that [`CheckpointRef::save`] does, but leaves the file of before, or the room for one: so
    /// a run knows before its first step that there is room for what it will save.
    ///
    /// # Errors
    ///
    /// As those of [`CheckpointRef::save`].
    pub fn rehearse_save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = self.to_bytes().map_err(Error::file(path))?;
        // The second save has the first beside it.
        file::rehearse(&SystemDisk, path, &bytes, if path.exists() { 1 } else { 2 })
    }

    /// SHA-256 of the layers' parameters and running statistics, in hexadecimal.
    pub fn weights_sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for values in [self.model.params(), self.model.statistics()] {
            tensor::for_each_block(values, |bytes| hasher.update(bytes));
        }
        hex(&hasher.finalize())
    }

    /// SHA-256 of all but `producer` and `instruction_set`, in hexadecimal: of the model, what it
    /// takes and was trained on and, where there is one, the whole state of training. Equal for
    /// equal runs, whenever and wherever they ran.
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`].
    pub fn state_sha256(&self) -> Result<String, Error> {
        let info = ModelInfo {
            producer: String::new(),
            instruction_set: String::new(),
            ..self.info.clone()
        };
        let bytes = CheckpointRef { info: &info, ..*self }.to_bytes()?;
        let state = bytes.get(crate::header::LEN..).unwrap_or_default();
        Ok(hex(&Sha256::digest(state)))
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
