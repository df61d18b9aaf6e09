//! What a model file holds, as the rest of a program sees it: plain data.

use nn_core::{Model, Scaling, Shape};
use nn_train::TrainingState;

use crate::Error;

/// What an input of the network is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InputSpec {
    /// The shape of a greyscale image, whose pixels are the input row by row. `None` for the features of a table.
    pub image: Option<Shape>,
    /// How a byte becomes an input. `None` for inputs that are floats already.
    pub scaling: Option<Scaling>,
    /// Whether the predictions for an image and its mirror image, left to right, are averaged. A run's
    /// [`nn_train::RunConfig::tta_flip`] is the same. Only images have it.
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

/// What a file says in addition to the network and its training. Everything may be absent:
/// `ModelInfo::default()` is that of a regressor of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelInfo {
    /// The program that wrote the file, such as `fmnist 0.1.0`.
    pub producer: String,
    /// The instructions that its machine computed with, as [`nn_core::InstructionSet`] names them. A resumed run is
    /// bit-for-bit identical to an uninterrupted one only with the same ones.
    pub instruction_set: String,
    /// What the network takes.
    pub input: InputSpec,
    /// The name of each output; empty if they have none.
    pub class_names: Vec<String>,
    /// What the model was trained on, if that is known.
    pub dataset: Option<DatasetId>,
    /// How many samples of the training set were held out for validation.
    pub n_validation: usize,
}

/// Everything that a model file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Architecture, parameters and running statistics.
    pub model: Model,
    /// What the file says in addition.
    pub info: ModelInfo,
    /// What training needs to continue; `None` in a file for inference only.
    pub training: Option<TrainingState>,
}

/// A [`Checkpoint`] of borrowed parts, so that a run saves itself without a copy.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointRef<'a> {
    /// Architecture, parameters and running statistics.
    pub model: &'a Model,
    /// What the file says in addition.
    pub info: &'a ModelInfo,
    /// What training needs to continue; `None` in a file for inference only.
    pub training: Option<&'a TrainingState>,
}

impl Checkpoint {
    /// The model to predict with: that of the best epoch, or with averaged parameters, if the training keeps them; else
    /// the model itself.
    ///
    /// # Errors
    ///
    /// If the training is of another model; never for a checkpoint that was read from a file.
    pub fn inference_model(&self) -> Result<Model, Error> {
        match &self.training {
            Some(training) => training.inference_model(&self.model).map_err(Error::Run),
            None => Ok(self.model.clone()),
        }
    }

    /// The checkpoint for inference only: with the model that [`Checkpoint::inference_model`] gives, and without its
    /// training, whose memory is freed.
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

    /// Whether both are states of one run, earlier and later: of the same model, data and settings, and one history begins
    /// with the other. The learning rate may change when a run is resumed, but not before its first epoch is complete.
    pub fn is_of_same_run(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (&self.training, &other.training) else { return false };
        let data = |it: &Self| (it.info.input, it.info.dataset.clone(), it.info.n_validation);
        let (short, long) = match one.history.len() <= two.history.len() {
            true => (&one.history, &two.history),
            false => (&two.history, &one.history),
        };
        self.model.architecture() == other.model.architecture()
            && data(self) == data(other)
            && one.config == two.config
            && one.optimizer.config() == two.optimizer.config()
            && long.starts_with(short)
            && (!short.is_empty() || one.schedule == two.schedule)
    }

    /// Its parts, borrowed: [`CheckpointRef`] has the methods to save it and the digests.
    pub fn view(&self) -> CheckpointRef<'_> {
        let Self { model, info, training } = self;
        CheckpointRef { model, info, training: training.as_ref() }
    }
}
