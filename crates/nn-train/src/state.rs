//! The state of a run, as plain data: with the model, all that resuming needs and all that a
//! checkpoint keeps.
//!
//! Nothing here is of the clock or of the machine, so two runs are the same run exactly where
//! their models and states are equal.

use nn_core::{Buffer, Init, Loss, LossSum, Model, Penalty};
use nn_optim::{Optimizer, Schedule};

use crate::{Augment, Error, samples::is_weight};

/// What a run is, for as long as it lasts: resuming with another value would be another run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunConfig {
    /// Determines every random draw.
    pub seed: u64,
    /// Samples that go through the model together, 1 or more; an epoch's last batch may be shorter.
    pub batch_size: usize,
    /// How many batches make a step, 1 or more: their gradients are added up.
    pub accumulation: usize,
    /// In which order the samples come.
    pub shuffle: Shuffle,
    /// What is made small.
    pub loss: Loss,
    /// How much a sample of each class counts, one a class; empty where all count 1, and where the loss knows no
    /// classes.
    pub class_weights: Vec<f32>,
    /// What regularisation each dense layer has, one a dense layer; empty where none has any.
    pub penalties: Vec<Penalty>,
    /// Whether each dense layer, with the normalisation behind it, keeps its parameters, one a dense layer; empty
    /// where all learn. Running statistics move in any case.
    pub frozen: Vec<bool>,
    /// How gradients are kept from being too large.
    pub clip: Option<Clip>,
    /// How images are changed before they are learned from.
    pub augment: Augment,
    /// The decay of the weights' moving average, at least 0 and below 1, with which the model is then judged and
    /// used; none where it is so with the weights themselves.
    pub averaging: Option<f64>,
    /// What says which epoch is the best, and when to stop.
    pub monitor: Monitor,
    /// Whether the weights of the best epoch are kept, and those are used in the end.
    pub keep_best: bool,
    /// When to stop before the last epoch.
    pub early_stop: Option<EarlyStop>,
    /// Whether images are judged together with their mirror images, by the mean of the two outputs.
    pub mirror: bool,
    /// How the model's weights began. Training goes the same way whatever it is: it is kept for whoever makes the run
    /// again.
    pub init: Init,
    /// Whether the samples that each epoch is measured by are the test set, as in the book, and not held out of the
    /// training set. Whoever carries the run on passes them again, and results on them say less than of others.
    pub validates_on_test: bool,
}

impl Default for RunConfig {
    /// Seed 0, batches of 128, each a step, in another order each epoch; cross-entropy, and nothing else.
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
            mirror: false,
            init: Init::He,
            validates_on_test: false,
        }
    }
}

/// In which order the samples of an epoch come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shuffle {
    /// In another in each.
    EachEpoch,
    /// In the same in all, drawn once, as in the book.
    Once,
}

/// How gradients are kept from being too large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Each element within this distance of 0.
    Value(f64),
    /// All of them scaled down together, where their norm is above this.
    Norm(f64),
}

/// What says which epoch is the best: over the samples held out, or over the training samples where none are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The lowest loss.
    Loss,
    /// The highest accuracy.
    Accuracy,
}

/// When to stop before the last epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStop {
    /// After so many epochs without a better one, 1 or more.
    pub patience: u64,
    /// By how much an epoch must be better to count, 0 or above.
    pub min_delta: f64,
}

impl RunConfig {
    /// Samples of a step.
    pub fn step_len(&self) -> usize {
        self.batch_size.saturating_mul(self.accumulation)
    }

    /// Checks the settings by themselves.
    ///
    /// # Errors
    ///
    /// If one is outside its range.
    pub fn validate(&self) -> Result<(), Error> {
        let check = |name: &'static str, is_valid: bool, expected: &'static str, found: f64| {
            if is_valid { Ok(()) } else { Err(Error::Config { name, expected, found }) }
        };
        if self.batch_size == 0 {
            return Err(Error::EmptyBatch);
        }
        check("accumulation", self.accumulation > 0, "1 or more", self.accumulation as f64)?;
        for &weight in &self.class_weights {
            let expected = "a finite number, 0 or above";
            check("class weight", is_weight(weight), expected, f64::from(weight))?;
        }
        for (name, found) in self.penalties.iter().flat_map(Penalty::settings) {
            // Beyond, the gradient of large weights would be one that no optimizer bears.
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

    /// Checks that a model can be trained so.
    ///
    /// # Errors
    ///
    /// If its last layer is not what the loss needs, or a list has another length than the model has classes or dense
    /// layers.
    pub fn check(&self, model: &Model) -> Result<(), Error> {
        self.validate()?;
        let specs = model.specs();
        let last = specs.last().copied().unwrap_or(nn_core::LayerSpec::Softmax);
        self.loss.check(last).map_err(Error::Objective)?;
        let n_dense = specs.iter().filter(|spec| spec.dense().is_some()).count();
        let n_classes = if self.loss.is_categorical() { model.outputs() } else { 0 };
        let lists = [
            ("class weights, one a class", self.class_weights.len(), n_classes),
            ("penalties, one a dense layer", self.penalties.len(), n_dense),
            ("frozen, one a dense layer", self.frozen.len(), n_dense),
        ];
        match lists.into_iter().find(|&(_, found, expected)| found != 0 && found != expected) {
            None => Ok(()),
            Some((what, found, expected)) => Err(Error::Samples { what, expected, found }),
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Epochs completed.
    pub epoch: u64,
    /// Batches done of the epoch under way.
    pub batch: u64,
    /// Sums over those batches, each sample by the parameters its batch was computed with.
    pub sums: LossSum,
}

/// Mean loss and accuracy over some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Mean loss of a sample; cross-entropies are in nats.
    pub loss: f64,
    /// Share of right predictions, 0 to 1.
    pub accuracy: f64,
}

impl From<LossSum> for Metrics {
    fn from(sum: LossSum) -> Self {
        Self { loss: sum.mean_loss(), accuracy: sum.accuracy() }
    }
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// Over the training samples, while the parameters were changing; the loss without regularisation.
    pub train: Metrics,
    /// Over the samples held out, after the epoch; absent where none were. By the plain loss: without smoothing,
    /// weights of classes or regularisation.
    pub validation: Option<Metrics>,
    /// What regularisation added to the loss, after the epoch.
    pub penalty: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
}

impl EpochRecord {
    /// What the epoch is measured by: over the samples held out, or over the training samples where none were.
    pub fn measured(&self) -> Metrics {
        self.validation.unwrap_or(self.train)
    }
}

impl Monitor {
    /// How far from the best an epoch is, the lower the better; none where that is not finite.
    fn badness(self, record: &EpochRecord) -> Option<f64> {
        let badness = match self {
            Self::Loss => record.measured().loss,
            Self::Accuracy => -record.measured().accuracy,
        };
        badness.is_finite().then_some(badness)
    }

    /// The index of the best epoch: the first of equals. What is not finite is never the best.
    pub fn best_epoch(self, history: &[EpochRecord]) -> Option<usize> {
        let badness = history.iter().map(|record| self.badness(record)).enumerate();
        let finite = badness.filter_map(|(index, badness)| Some((index, badness?)));
        finite.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
    }

    /// How many epochs have passed since one was better, by more than `min_delta`, than the best of those before that
    /// counted.
    fn epochs_without_improvement(self, history: &[EpochRecord], min_delta: f64) -> u64 {
        let (mut best, mut waited) = (f64::INFINITY, 0);
        for record in history {
            match self.badness(record) {
                Some(badness) if badness < best - min_delta => (best, waited) = (badness, 0),
                _ => waited += 1,
            }
        }
        waited
    }
}

/// The weights of an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// The parameters, averaged where they are.
    pub params: Buffer,
    /// The running statistics.
    pub statistics: Buffer,
}

/// All of a run but its model: optimizer, schedule, settings, progress and history.
///
/// What counts epochs (patience, the best so far, the drops of a plateau) is no state: it is a function of the
/// history, so there is nothing to restore wrongly.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingState {
    /// The optimizer with its moments and its count of steps, which is the run's.
    pub optimizer: Optimizer,
    /// The learning rate by step.
    pub schedule: Schedule,
    /// What must stay as it is.
    pub config: RunConfig,
    /// How far the run has come.
    pub progress: Progress,
    /// One record a completed epoch.
    pub history: Vec<EpochRecord>,
    /// The parameters' moving average; there where [`RunConfig::averaging`] says so.
    pub average: Option<Buffer>,
    /// The best epoch's; there where [`RunConfig::keep_best`] says so and an epoch is complete.
    pub best: Option<Best>,
}

impl TrainingState {
    /// How often the learning rate has dropped at plateaus: what [`Schedule::drops`] finds in the history,
    /// and so the same however often the run was stopped. It stays what it is until an epoch ends.
    pub fn drops(&self) -> u32 {
        self.schedule.drops(self.history.iter().map(|record| record.measured().loss))
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.schedule.rate_at(self.optimizer.step(), self.drops())
    }

    /// Whether early stopping ends the run here.
    pub fn stops_early(&self) -> bool {
        self.config.early_stop.is_some_and(|EarlyStop { patience, min_delta }| {
            let monitor = self.config.monitor;
            monitor.epochs_without_improvement(&self.history, min_delta) >= patience
        })
    }

    /// The model that the run is for: of the best epoch, or with averaged weights, where it has them; else `model`
    /// itself.
    ///
    /// # Errors
    ///
    /// If the state is of another model.
    pub fn inference_model(&self, model: &Model) -> Result<Model, Error> {
        match &self.best {
            Some(Best { params, statistics }) => with(model, params, statistics),
            None => self.averaged(model),
        }
    }

    /// The model with averaged weights, where it has them; else `model` itself.
    pub(crate) fn averaged(&self, model: &Model) -> Result<Model, Error> {
        match &self.average {
            Some(average) => {
                let mut statistics = Buffer::new(0);
                statistics.extend_from_slice(model.statistics());
                with(model, average, &statistics)
            }
            None => Ok(model.clone()),
        }
    }
}

/// A model of the same layers.
fn with(model: &Model, params: &Buffer, statistics: &Buffer) -> Result<Model, Error> {
    Model::from_parts(&model.specs(), params.clone(), statistics.clone()).map_err(Error::Objective)
}
