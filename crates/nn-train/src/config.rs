//! The settings of a run, which stay the same until its end.

use nn_core::{Init, Loss, Model, Penalty, SettingError};

use crate::{Augment, EarlyStop, Error, Monitor, error::check_len, targets::check_weight};

/// The settings of a run. They never change while it lasts, also when it is resumed.
#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    /// Determines every random draw.
    pub seed: u64,
    /// Samples that go through the model together, 1 or more; an epoch's last batch may be shorter.
    pub batch_size: usize,
    /// Batches a step, 1 or more, whose gradients are accumulated.
    pub accumulation: usize,
    /// The order of the samples.
    pub shuffle: Shuffle,
    /// The loss function.
    pub loss: Loss,
    /// How much a sample of each class counts, one weight a class. Empty if all count 1, or if the loss does not know
    /// classes.
    pub class_weights: Vec<f32>,
    /// Regularisation, one a dense layer; empty for none.
    pub penalties: Vec<Penalty>,
    /// Whether each dense layer, with the normalisation after it, is frozen, one a dense layer; empty if all learn.
    /// Running statistics change in any case.
    pub frozen: Vec<bool>,
    /// Gradient clipping.
    pub clip: Option<Clip>,
    /// Augmentation of training images.
    pub augment: Augment,
    /// The decay of the weights' exponential moving average, at least 0 and below 1. With it, the averaged model is
    /// evaluated and used.
    pub averaging: Option<f64>,
    /// Which metric determines the best epoch, and when to stop.
    pub monitor: Monitor,
    /// Keeps the weights of the best epoch, for use at the end.
    pub keep_best: bool,
    /// When to stop before the last epoch.
    pub early_stop: Option<EarlyStop>,
    /// Averages the predictions for an image and its mirror image, in every evaluation.
    pub tta_flip: bool,
    /// How the model's weights were initialised. It has no effect on training, and is there to document the run.
    pub init: Init,
    /// Whether the epochs are evaluated on the test set, as in the book, instead of held-out samples. A caller that
    /// resumes the run passes the same set again; results on it are no longer independent.
    pub validates_on_test: bool,
}

impl Default for RunConfig {
    /// Seed 0, batches of 128, one a step, reshuffled each epoch; cross-entropy; nothing else.
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
        }
    }
}

/// The order of an epoch's samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// Another order in each epoch.
    EachEpoch,
    /// The same order in all epochs, drawn once, as in the book.
    Once,
}

/// Gradient clipping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Clips each element to this magnitude.
    Value(f64),
    /// Scales the whole gradient down to this norm.
    Norm(f64),
}

impl RunConfig {
    /// Samples of a step.
    pub fn step_len(&self) -> usize {
        self.batch_size.saturating_mul(self.accumulation)
    }

    /// Steps of an epoch over so many samples.
    pub fn n_batches(&self, n_samples: usize) -> u64 {
        n_samples.div_ceil(self.step_len()) as u64
    }

    /// Checks the settings on their own, without a model.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        let check = SettingError::check;
        check("batch size", self.batch_size > 0, "1 or more", self.batch_size as f64)?;
        check("accumulation", self.accumulation > 0, "1 or more", self.accumulation as f64)?;
        self.class_weights.iter().try_for_each(|&weight| check_weight("class weight", weight))?;
        for (name, found) in self.penalties.iter().flat_map(Penalty::settings) {
            // Beyond, the gradient of large weights would exceed what optimizers can take.
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
        if let Some(decay) = self.averaging {
            let is_valid = (0.0..1.0).contains(&decay) && (decay as f32) < 1.0;
            check("decay of the average", is_valid, "at least 0 and below 1", decay)?;
        }
        if let Some(EarlyStop { patience, min_delta }) = self.early_stop {
            check("patience", patience > 0, "1 or more", patience as f64)?;
            let is_valid = min_delta.is_finite() && min_delta >= 0.0;
            check("least improvement", is_valid, "a finite number, 0 or above", min_delta)?;
        }
        Ok(())
    }

    /// Checks that a model can be trained with these settings.
    ///
    /// # Errors
    ///
    /// If its last layer does not suit the loss, or a list is not as long as the model has classes or dense layers.
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
            ("penalties, one a dense layer", self.penalties.len(), n_dense),
            ("frozen, one a dense layer", self.frozen.len(), n_dense),
        ];
        let mut given = lists.into_iter().filter(|&(_, found, _)| found != 0);
        given.try_for_each(|(what, found, expected)| check_len(what, found, expected))
    }
}
