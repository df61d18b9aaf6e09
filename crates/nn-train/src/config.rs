//! The settings of a run.

use nn_core::{Arithmetic, Init, Loss, Model, Penalty, SettingError};

use crate::{Augment, EarlyStop, Error, HeldOut, Monitor, error::check_len, targets::check_weight};

/// The settings of a run. A resumed run keeps them; only the arithmetic may be replaced, by a caller that accepts other
/// bits.
#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    /// The seed of all random draws.
    pub seed: u64,
    /// The number of samples in a batch, 1 or more. An epoch's last batch may be smaller.
    pub batch_size: usize,
    /// The number of batches whose gradients are accumulated for a step, 1 or more.
    pub accumulation: usize,
    /// The order of the samples.
    pub shuffle: Shuffle,
    /// The loss function.
    pub loss: Loss,
    /// The weight of each class in the loss. Empty if all weights are 1, or if the loss has no classes.
    pub class_weights: Vec<f32>,
    /// L1 and L2 regularisation, one entry per dense layer; empty for none.
    pub penalties: Vec<Penalty>,
    /// Whether each dense layer is frozen, one entry per dense layer; empty if none is. The normalisation layers after
    /// a frozen layer are frozen with it, but their running statistics still change.
    pub frozen: Vec<bool>,
    /// Gradient clipping.
    pub clip: Option<Clip>,
    /// Augmentation of training images.
    pub augment: Augment,
    /// The decay of an exponential moving average of the weights, at least 0 and below 1. If there is one, the averaged
    /// model is evaluated and used.
    pub averaging: Option<f64>,
    /// Which metric determines the best epoch, and when to stop.
    pub monitor: Monitor,
    /// Whether to keep the weights of the best epoch, and use them at the end.
    pub keep_best: bool,
    /// When to stop before the last epoch.
    pub early_stop: Option<EarlyStop>,
    /// Test-time augmentation: whether every evaluation averages the predictions for an image and its mirror image.
    pub tta_flip: bool,
    /// How the model's weights were initialised. This documents the run, and has no effect on training.
    pub init: Init,
    /// Whether epochs are evaluated on the test set, as in the book, instead of on held-out samples. A caller that
    /// resumes the run must pass the same set again. The final test result is then no longer independent.
    pub validates_on_test: bool,
    /// The arithmetic of the next step. With the same one in all steps, the run has the same bits on every processor and system.
    pub arithmetic: Arithmetic,
    /// Which samples of the training set are held out. This crate does not split the set: the caller does, and does it the
    /// same way when it resumes the run.
    pub held_out: HeldOut,
}

impl Default for RunConfig {
    /// Seed 0, batches of 128 without accumulation, reshuffled in each epoch, cross-entropy, and no other options. The
    /// arithmetic is that of [`Arithmetic::current`], so the default differs on processors without fused multiply-add. To
    /// find that out, it selects the instruction set of this process, unless [`nn_core::InstructionSet::choose`] has.
    fn default() -> Self {
        Self {
            seed: 0,
            batch_size: 128,
            accumulation: 1,
            shuffle: Shuffle::EachEpoch,
            loss: Loss::default(),
            class_weights: Vec::new(),
            penalties: Vec::new(),
            frozen: Vec::new(),
            clip: None,
            augment: Augment::default(),
            averaging: None,
            monitor: Monitor::Loss,
            keep_best: false,
            early_stop: None,
            tta_flip: false,
            init: Init::He,
            validates_on_test: false,
            arithmetic: Arithmetic::current(),
            held_out: HeldOut::Last,
        }
    }
}

/// The order of an epoch's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// A new order in each epoch.
    EachEpoch,
    /// The same order in all epochs, drawn once, as in the book.
    Once,
}

/// Gradient clipping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Clips each element to this magnitude.
    Value(f64),
    /// Scales the whole gradient down to this L2 norm, if its norm is larger.
    Norm(f64),
}

impl RunConfig {
    /// The number of samples in a step.
    pub fn step_len(&self) -> usize {
        self.batch_size.saturating_mul(self.accumulation)
    }

    /// The number of steps in an epoch over `n_samples` samples.
    pub fn n_batches(&self, n_samples: usize) -> u64 {
        n_samples.div_ceil(self.step_len()) as u64
    }

    /// Selects the run's arithmetic for this process. [`crate::Trainer::new`] does it, too; a caller that computes before,
    /// such as orthogonal initial weights, calls it first.
    ///
    /// # Errors
    ///
    /// If the processor lacks it, or the other one is already in use.
    pub fn choose_arithmetic(&self) -> Result<(), Error> {
        let expected = self.arithmetic;
        match expected.choose() {
            true => Ok(()),
            false => Err(Error::Arithmetic { expected, found: Arithmetic::current() }),
        }
    }

    /// Checks the settings on their own, without a model.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        let check = SettingError::check;
        check("batch size", self.batch_size > 0, "1 or more", self.batch_size as f64)?;
        check("accumulation", self.accumulation > 0, "1 or more", self.accumulation as f64)?;
        self.class_weights.iter().try_for_each(|&weight| check_weight("class weight", weight))?;
        for (name, found) in self.penalties.iter().flat_map(Penalty::settings) {
            // A larger factor would make the gradient of large weights exceed what the optimizers accept.
            check(name, (0.0..=1e6).contains(&found), "at least 0 and at most 1e6", found)?;
        }
        if let Some(clip) = self.clip {
            let (name, limit) = match clip {
                Clip::Value(limit) => ("limit of the gradient", limit),
                Clip::Norm(limit) => ("norm of the gradient", limit),
            };
            let is_valid = (limit as f32).is_finite() && limit as f32 > 0.0;
            check(name, is_valid, "a finite number above 0 in 32 bits", limit)?;
        }
        self.augment.validate()?;
        if let Some(decay) = self.averaging {
            let is_valid = (0.0..1.0).contains(&decay) && (decay as f32) < 1.0;
            check("decay of the average", is_valid, "at least 0 and below 1", decay)?;
        }
        if let Some(EarlyStop { patience, min_delta }) = self.early_stop {
            check("patience", patience > 0, "1 or more", patience as f64)?;
            let is_valid = min_delta.is_finite() && min_delta >= 0.0;
            check("minimum improvement", is_valid, "a finite number, 0 or above", min_delta)?;
        }
        Ok(())
    }

    /// Checks that a model can be trained with these settings.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, the loss does not suit the model's last layer, or the length of a list
    /// differs from the model's number of classes or dense layers.
    pub fn check(&self, model: &Model) -> Result<(), Error> {
        self.validate()?;
        self.loss.check(model.architecture().last().layer).map_err(Error::Objective)?;
        let n_dense = model.architecture().weighted_layers().count();
        let n_classes = if self.loss.is_categorical() { model.outputs() } else { 0 };
        let (expected, found) = (n_classes, self.class_weights.len());
        if found != 0 && found != expected {
            return Err(Error::ClassWeights { expected, found });
        }
        let lists = [
            ("penalties, one per dense layer", self.penalties.len(), n_dense),
            ("frozen, one per dense layer", self.frozen.len(), n_dense),
        ];
        let mut given = lists.into_iter().filter(|&(_, found, _)| found != 0);
        given.try_for_each(|(what, found, expected)| check_len(what, found, expected))
    }
}
