//! A run on a dataset: trains, saves and resumes.

use std::{ops::ControlFlow, path::Path};

use fmnist_data::Split;
use nn_core::{InstructionSet, Model};
use nn_io::{Checkpoint, CheckpointRef, DatasetId, InputSpec, ModelInfo, SetAside};
use nn_train::{Evaluation, Event, FitOutcome, Observer, Threads, TrainingState};

use crate::{
    Classifier, Error, Saves,
    data::{check_split, fitting_scaling, samples, shape_of},
    preparation::default_for,
    saves::save,
};

/// Trains a model on a dataset, and saves the whole run.
///
/// It adds to [`nn_train::Trainer`] what else a model file says: class names, the size of images and the dataset. So
/// [`Classifier`] and the program `fmnist` can use the file that it saves. A run that is resumed from it is bit-for-bit
/// identical to an uninterrupted one.
///
/// ```
/// use fmnist::{Adam, Model, Trainer, garments};
///
/// let data = garments::synthetic(0, 600, 100);
/// let (train, held_out) = data.train.hold_out(100);
/// let mut trainer = Trainer::builder(Model::classifier(&[784, 32, 10])?)
///     .optimizer(Adam::default())
///     .learning_rate(1e-3)
///     .batch_size(50)
///     .build()?;
/// trainer.fit(&train, Some(&held_out), 5)?;
/// let evaluation = trainer.evaluate(&data.test)?;
/// println!("test accuracy {:.3}", evaluation.sums.accuracy());
/// # assert!(evaluation.sums.accuracy() > 0.5);
/// # Ok::<(), fmnist::Error>(())
/// ```
pub struct Trainer {
    trainer: nn_train::Trainer,
    info: ModelInfo,
    threads: Threads,
    saves: Option<Saves>,
}

impl Trainer {
    /// Resumes a saved run, on all processors. [`Trainer::fit`] needs the same dataset again.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged, if it holds no training state, or if the threads cannot be started.
    pub fn resume(path: impl AsRef<Path>) -> Result<Self, Error> {
        let Checkpoint { model, info, training } = Checkpoint::load(path.as_ref())?;
        let state = training.ok_or(Error::ForInference)?;
        Self::from_parts(model, state, info, Threads::all()?)
    }

    /// Starts or resumes a run from its parts. `info` is what its file says in addition. For a new run it is
    /// [`ModelInfo::default`], which the first dataset completes.
    ///
    /// # Errors
    ///
    /// If `model` and `state` do not belong together.
    pub fn from_parts(
        model: Model,
        state: TrainingState,
        info: ModelInfo,
        threads: Threads,
    ) -> Result<Self, Error> {
        let trainer = nn_train::Trainer::new(model, state, &threads)?;
        Ok(Self { trainer, info, threads, saves: None })
    }

    /// Saves the run after each epoch, and when it stops.
    pub fn saving(self, saves: Saves) -> Self {
        Self { saves: Some(saves), ..self }
    }

    /// Trains until the run has this many epochs in total, or stops early. Each epoch is evaluated on
    /// `validation`, if it has images, and saved if [`Trainer::saving`] was called.
    ///
    /// # Errors
    ///
    /// If the run began with another dataset, the images or classes do not fit the model, the run would replace a model of
    /// another dataset, it diverges, or a save fails.
    pub fn fit(
        &mut self,
        train: &Split,
        validation: Option<&Split>,
        epochs: u64,
    ) -> Result<FitOutcome, Error> {
        self.fit_with(train, validation, epochs, &mut |_| ControlFlow::Continue(()))
    }

    /// Trains as [`Trainer::fit`] does. `observer` sees each step, and each epoch once it is saved. It can stop the run,
    /// which is then saved in its current state.
    ///
    /// # Errors
    ///
    /// As [`Trainer::fit`].
    pub fn fit_with(
        &mut self,
        train: &Split,
        validation: Option<&Split>,
        epochs: u64,
        observer: &mut Observer<'_>,
    ) -> Result<FitOutcome, Error> {
        self.set_data(train)?;
        let Self { trainer, info, saves, .. } = self;
        if let Some(saves) = saves {
            saves.check_replaced(&checkpoint(trainer, info))?;
        }
        if trainer.state().progress.epoch < epochs {
            // It was measured with weights that are about to change.
            info.decision = None;
        }
        let scaling = info.input.scaling.ok_or(Error::NoScaling)?;
        let train = samples(train, scaling)?;
        let validation = validation.filter(|split| !split.is_empty());
        let validation = validation.map(|split| samples(split, scaling)).transpose()?;
        let mut save = |trainer: &nn_train::Trainer| match saves {
            Some(saves) => saves.save(&checkpoint(trainer, info), epochs),
            None => Ok(()),
        };
        // The outcome of the save after the last event, if that was an epoch.
        let mut saved = None;
        let outcome = trainer.fit_with(&train, validation.as_ref(), epochs, &mut |event| {
            saved = match event {
                Event::Epoch { trainer, .. } => Some(save(trainer)),
                _ => None,
            };
            if matches!(saved, Some(Err(_))) { ControlFlow::Break(()) } else { observer(event) }
        })?;
        // Stopped within an epoch, or with nothing left to do: the output may be another file than the resumed one.
        let is_end_of_epoch = saved.is_some();
        saved.unwrap_or_else(|| save(trainer))?;
        if let Some(saves) = saves.as_mut().filter(|_| is_end_of_epoch)
            && outcome == FitOutcome::Stopped
        {
            saves.stop(&checkpoint(trainer, info))?;
        }
        Ok(outcome)
    }

    /// Evaluates the model of [`Trainer::inference_model`]: loss, accuracy and confusion matrix.
    ///
    /// # Errors
    ///
    /// As [`Trainer::classifier`]; or if the images do not fit the model, or the loss is not finite.
    pub fn evaluate(&self, split: &Split) -> Result<Evaluation, Error> {
        self.classifier()?.evaluate(split, &self.threads)
    }

    /// Saves the whole run to a file: the model, the optimizer's state and the progress. A model of another run is kept
    /// under another name, as [`Saves`] describes. Returns the files that were renamed.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, another run has it, or it exists and is no model of the same dataset.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<Vec<SetAside>, Error> {
        let Self { trainer, info, saves, .. } = self;
        let (path, checkpoint) = (path.as_ref(), checkpoint(trainer, info));
        let saved = match saves.as_mut().filter(|saves| saves.is_at(path)) {
            // This run holds the lock of the file already.
            Some(saves) => saves.save_output(&checkpoint)?,
            None => save(&checkpoint, path)?,
        };
        Ok(saved.set_aside)
    }

    /// Checks that the run can be saved, by all of a save except renaming and replacing files, so that it does not fail
    /// after an hour of training. Returns how the first save will rename the model of another run.
    ///
    /// # Errors
    ///
    /// If a file could not be written, or the run would replace a model of another dataset or one that cannot be read.
    pub fn rehearse_save(&mut self) -> Result<Option<SetAside>, Error> {
        let Some(saves) = &mut self.saves else { return Ok(None) };
        let checkpoint = checkpoint(&self.trainer, &self.info);
        saves.rehearse(&checkpoint)?;
        saves.check_replaced(&checkpoint)
    }

    /// Where the run is saved, if [`Trainer::saving`] was called.
    pub fn saves(&self) -> Option<&Saves> {
        self.saves.as_ref()
    }

    /// A classifier with the weights of [`Trainer::inference_model`].
    ///
    /// # Errors
    ///
    /// If the run has no dataset yet, or the model does not classify images.
    pub fn classifier(&self) -> Result<Classifier, Error> {
        Classifier::from_parts(self.inference_model(), &self.info)
    }

    /// The model for inference. It has the weights of the best epoch or averaged weights, if the settings ask for them.
    pub fn inference_model(&self) -> Model {
        self.trainer.inference_model()
    }

    /// What the run's file says in addition to the model and its training.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The run itself: model, state and profile.
    pub fn run(&self) -> &nn_train::Trainer {
        &self.trainer
    }

    /// The whole run in its current state, as a save would write it.
    pub fn checkpoint(&self) -> CheckpointRef<'_> {
        checkpoint(&self.trainer, &self.info)
    }

    /// Measures the time of every stage of a step, for [`nn_train::Trainer::profile`].
    pub fn enable_profile(&mut self) {
        self.trainer.enable_profile();
    }

    /// Makes this the dataset of the run, or checks that it already is. [`Trainer::fit`] calls it first.
    ///
    /// # Errors
    ///
    /// If the run began with another dataset, or the dataset has more or fewer classes than the model.
    pub fn set_data(&mut self, train: &Split) -> Result<(), Error> {
        let Split { images, dataset, .. } = train;
        check_split(self.trainer.model(), &self.info, train)?;
        let n_validation = dataset.n_train.saturating_sub(train.len());
        if self.info.dataset.is_none() {
            let (name, sha256) = (dataset.name.to_string(), dataset.sha256.clone());
            let directory = dataset.directory.clone();
            self.info = ModelInfo {
                input: InputSpec {
                    image: Some(shape_of(images)),
                    scaling: self.info.input.scaling.or(Some(fitting_scaling(images))),
                    mirror: self.trainer.state().config.tta_flip,
                    // Left out where it follows from the dataset.
                    preparation: self
                        .info
                        .input
                        .preparation
                        .filter(|&chosen| chosen != default_for(Some(&name))),
                },
                class_names: dataset.class_names.clone(),
                dataset: Some(DatasetId {
                    name,
                    directory,
                    sha256,
                    transposed: dataset.transposed,
                }),
                n_validation,
                ..ModelInfo::default()
            };
        }
        let expected = self.info.n_validation;
        if expected != n_validation {
            return Err(Error::HeldOut { expected, found: n_validation });
        }
        self.info.producer = concat!("fmnist ", env!("CARGO_PKG_VERSION")).into();
        self.info.instruction_set = InstructionSet::current().name().into();
        Ok(())
    }
}

/// The run in its current state.
fn checkpoint<'a>(trainer: &'a nn_train::Trainer, info: &'a ModelInfo) -> CheckpointRef<'a> {
    CheckpointRef { model: trainer.model(), info, training: Some(trainer.state()) }
}
