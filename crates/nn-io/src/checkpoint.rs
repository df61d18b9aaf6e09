//! The contents of a model file, as plain data.

use std::fmt;

use nn_core::{Model, Scaling, Shape};
use nn_optim::Optimizer;
use nn_train::{TrainingState, decision::Decision};

use crate::{Error, VERSION, Version};

/// The input of a network: images or tables, bytes or floats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InputSpec {
    /// The shape of an image, whose pixels are the input row by row, with one channel (grey) or three, next to each other.
    /// `None` for the features of a table.
    pub image: Option<Shape>,
    /// How bytes are scaled. `None` if the inputs are floats.
    pub scaling: Option<Scaling>,
    /// Whether the predictions for an image and its mirror image are averaged, for images only. It must be equal to the
    /// run's [`nn_train::RunConfig::tta_flip`].
    pub mirror: bool,
    /// How a picture becomes an image, for images only. `None` if that follows from the dataset.
    pub preparation: Option<Preparation>,
}

/// How a picture becomes an image that a model can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// As Fashion-MNIST was made: the garment in it, bright on black, scaled to the size and centred.
    Garment,
    /// As MNIST was made: the ink in it, bright on black, scaled into 20/28 of the size, with its centre of mass in the
    /// middle.
    Ink,
    /// As it is: made grey, scaled to fit into the size and centred.
    Plain,
}

impl Preparation {
    /// Its name in model files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Garment => "garment",
            Self::Ink => "ink",
            Self::Plain => "plain",
        }
    }
}

/// The name and digest of the dataset that a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetId {
    /// The name of the dataset.
    pub name: String,
    /// The SHA-256 of its bytes, as 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The name of the directory that a custom dataset was read from, for people: it does not identify the dataset. Like
    /// all strings of a file, it has at most 255 bytes and no control characters.
    pub directory: Option<String>,
    /// Whether rows and columns of its images are exchanged as they are read.
    pub transposed: bool,
}

impl DatasetId {
    /// Whether both are the same data, wherever they were read from.
    pub fn is_same_data(&self, other: &Self) -> bool {
        self.name == other.name && self.sha256 == other.sha256
    }
}

impl fmt::Display for DatasetId {
    /// Formats it as `fashion-mnist` or, with the name of a directory, as `shapes (folder)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.directory {
            Some(directory) => write!(f, "{directory} ({})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The description of a model: its producer, input, class names and dataset. Everything is optional:
/// `ModelInfo::default()` is enough for a regression model for tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelInfo {
    /// The program that wrote the file, such as `fmnist 0.1.0`.
    pub producer: String,
    /// The instruction set that the machine computed with, by its name in [`nn_core::InstructionSet`]. It does not
    /// affect results.
    pub instruction_set: String,
    /// The input of the network.
    pub input: InputSpec,
    /// The name of each output; empty if the outputs have no names.
    pub class_names: Vec<String>,
    /// The dataset that the model was trained on, if known.
    pub dataset: Option<DatasetId>,
    /// The number of samples of the training set that were held out for validation.
    pub n_validation: usize,
    /// When an answer is sure, if that was measured. For classifiers of images only.
    pub decision: Option<Decision>,
}

impl ModelInfo {
    /// Whether both have the same dataset, wherever it was read from, or none.
    pub(crate) fn is_of_same_dataset(&self, other: &Self) -> bool {
        match (&self.dataset, &other.dataset) {
            (Some(one), Some(two)) => one.is_same_data(two),
            (one, two) => one.is_none() && two.is_none(),
        }
    }

    /// The version of a file with this description: the lowest that has all its keys.
    pub fn version(&self) -> Version {
        let has_more = |it: &DatasetId| it.directory.is_some() || it.transposed;
        let minor = match (self.dataset.as_ref().is_some_and(has_more), self.input.preparation) {
            (true, _) => 2,
            (false, Some(_)) => 1,
            (false, None) => 0,
        };
        Version { minor, ..VERSION }
    }
}

/// The contents of a model file: a network, its description and the state of its training.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Architecture, parameters and running statistics.
    pub model: Model,
    /// The description of the model.
    pub info: ModelInfo,
    /// The training state, from which a run resumes; `None` in a file for inference only.
    pub training: Option<TrainingState>,
}

/// A [`Checkpoint`] of borrowed parts, to save a run without copying it.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointRef<'a> {
    /// Architecture, parameters and running statistics.
    pub model: &'a Model,
    /// The description of the model.
    pub info: &'a ModelInfo,
    /// The training state, from which a run resumes; `None` in a file for inference only.
    pub training: Option<&'a TrainingState>,
}

impl Checkpoint {
    /// The model to predict with: that of the best epoch, or with averaged parameters, if the run keeps them; otherwise
    /// the model itself.
    ///
    /// # Errors
    ///
    /// If the training state is of another model. This cannot happen to a checkpoint that was read from a file.
    pub fn inference_model(&self) -> Result<Model, Error> {
        match &self.training {
            Some(training) => training.inference_model(&self.model).map_err(Error::Run),
            None => Ok(self.model.clone()),
        }
    }

    /// Turns this into a checkpoint for inference only: with the model of [`Checkpoint::inference_model`], and without
    /// the training state, whose memory is freed.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::inference_model`].
    pub fn into_inference(self) -> Result<Self, Error> {
        let Self { model, info, training } = self;
        let model = match training {
            Some(training) => training.into_inference_model(model).map_err(Error::Run)?,
            None => model,
        };
        Ok(Self { model, info, training: None })
    }

    /// As [`CheckpointRef::is_of_same_run`].
    pub fn is_of_same_run(&self, other: &Self) -> bool {
        self.view().is_of_same_run(&other.view())
    }

    /// Borrows the checkpoint as a [`CheckpointRef`], which has the methods to save it and to compute its digests.
    pub fn view(&self) -> CheckpointRef<'_> {
        let Self { model, info, training } = self;
        CheckpointRef { model, info, training: training.as_ref() }
    }
}

impl CheckpointRef<'_> {
    /// Whether both checkpoints are states of the same run: they have the same architecture, data and settings, and one
    /// history begins with the other. The learning rate may change when a run is resumed, but not before its first
    /// epoch is complete.
    pub fn is_of_same_run(&self, other: &CheckpointRef<'_>) -> bool {
        let (Some(one), Some(two)) = (self.training, other.training) else { return false };
        let data = |info: &ModelInfo| (info.input, info.n_validation);
        let (short, long) = match one.history.len() <= two.history.len() {
            true => (&one.history, &two.history),
            false => (&two.history, &one.history),
        };
        self.model.architecture() == other.model.architecture()
            && data(self.info) == data(other.info)
            && self.info.is_of_same_dataset(other.info)
            && one.config == two.config
            && one.optimizer.config() == two.optimizer.config()
            && long.starts_with(short)
            && (!short.is_empty() || one.schedule == two.schedule)
    }

    /// Whether this checkpoint can replace `old` without losing anything that was trained: it is the same state, or a
    /// later state of the same run.
    pub(crate) fn continues(&self, old: &Checkpoint) -> bool {
        let old = old.view();
        let [one, two] = [*self, old].map(|it| it.training.map(|training| &training.optimizer));
        let is_later = one.map(Optimizer::step) >= two.map(Optimizer::step);
        is_later && self.is_of_same_run(&old) || self.model == old.model && one == two
    }
}
