//! Loss functions of outputs and targets, and which predictions are right.
//!
//! Losses are sums over samples in `f64`, in the samples' order, so that the shards of a batch are added up in the
//! same way by any number of threads. Gradients are scaled once, by one over the size of the whole batch. The loss of
//! a sample with several outputs is the mean over them, as in the book.
//!
//! A softmax before cross-entropy, or a sigmoid before its binary form, is fused with the loss: the loss is computed
//! from what enters the activation, so no clipping is needed and no logit is too large.

mod binary;
mod categorical;
mod regression;

use std::ops::AddAssign;

use crate::{
    Error, Layer,
    buffer::{MatrixView, MatrixViewMut},
    error::{SettingError, expect_same},
    metric::argmax,
};
pub use regression::precision_of;

/// A loss function. It also decides which predictions are right.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Categorical cross-entropy after a softmax: `-sum_j q_j ln(p_j)`, `q` being the target's distribution.
    /// A sample is right if its most probable class is the target's.
    CrossEntropy {
        /// Label smoothing, in `[0, 1)`: this share of the target is spread evenly over all classes. Szegedy et al.,
        /// "Rethinking the Inception Architecture" (2015), section 7.
        smoothing: f64,
    },
    /// Focal loss after a softmax: `-(1 - p)^gamma ln(p)`, `p` being the probability of the target's class; of a
    /// distribution, of its most probable. Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4.
    Focal {
        /// The focusing parameter, 0 or above: the higher, the less samples count that are already right.
        gamma: f64,
    },
    /// Binary cross-entropy after a sigmoid: `-(t ln(p) + (1 - t) ln(1 - p))`. An output is right if it is on its
    /// target's side of 0.5.
    BinaryCrossEntropy,
    /// `(y - t)^2`. An output is right within the targets' precision.
    MeanSquaredError,
    /// `|y - t|`; its gradient at 0 is 0. An output is right within the targets' precision.
    MeanAbsoluteError,
    /// `(y - t)^2 / 2` up to `delta`, from there `delta (|y - t| - delta / 2)`: Huber, "Robust Estimation of a
    /// Location Parameter" (1964). An output is right within the targets' precision.
    Huber {
        /// The error from which the loss is linear, above 0.
        delta: f64,
    },
}

impl Default for Loss {
    /// Cross-entropy without smoothing.
    fn default() -> Self {
        Self::CrossEntropy { smoothing: 0.0 }
    }
}

impl Loss {
    /// The name in files and programs, such as `cross_entropy`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy { .. } => "cross_entropy",
            Self::Focal { .. } => "focal",
            Self::BinaryCrossEntropy => "binary_cross_entropy",
            Self::MeanSquaredError => "mean_squared_error",
            Self::MeanAbsoluteError => "mean_absolute_error",
            Self::Huber { .. } => "huber",
        }
    }

    /// The loss that evaluations measure: without label smoothing and focus, which are for training only.
    pub fn plain(self) -> Self {
        if self.is_categorical() { Self::default() } else { self }
    }

    /// Checks the settings, and that models ending in `last` can be trained by it.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, or cross-entropy lacks its softmax or sigmoid.
    pub fn check(self, last: Layer) -> Result<(), Error> {
        let check = SettingError::check;
        match self {
            Self::CrossEntropy { smoothing } => {
                let is_valid = (0.0..1.0).contains(&smoothing);
                check("label smoothing", is_valid, "at least 0 and below 1", smoothing)
            }
            Self::Focal { gamma } => {
                let is_valid = gamma.is_finite() && gamma >= 0.0;
                check("gamma of the focal loss", is_valid, "a finite number, 0 or above", gamma)
            }
            Self::Huber { delta } => {
                let is_valid = (delta as f32).is_finite() && delta as f32 > 0.0;
                check("delta of the Huber loss", is_valid, "a finite number above 0", delta)
            }
            Self::BinaryCrossEntropy | Self::MeanSquaredError | Self::MeanAbsoluteError => Ok(()),
        }
        .map_err(Error::LossSetting)?;
        let (loss, found) = (self.name(), last.name());
        match self.last_layer() {
            Some(expected) if expected != found => Err(Error::LastLayer { loss, expected, found }),
            _ => Ok(()),
        }
    }

    /// The name of the last layer that the loss needs and is fused with; `None` if any will do.
    fn last_layer(self) -> Option<&'static str> {
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => Some("softmax"),
            Self::BinaryCrossEntropy => Some("sigmoid"),
            Self::MeanSquaredError | Self::MeanAbsoluteError | Self::Huber { .. } => None,
        }
    }

    /// Whether it is fused with the last layer.
    pub(crate) fn is_fused(self) -> bool {
        self.last_layer().is_some()
    }

    /// Whether a sample has one class; otherwise each output is right or wrong by itself.
    pub fn is_categorical(self) -> bool {
        matches!(self, Self::CrossEntropy { .. } | Self::Focal { .. })
    }

    /// How many predictions a sample of so many outputs has, each right or wrong.
    pub fn predictions(self, outputs: usize) -> usize {
        if self.is_categorical() { 1 } else { outputs }
    }

    /// The plain loss of outputs without their logits, such as the mean of two.
    ///
    /// # Panics
    ///
    /// If there are no outputs, there are not as many targets as samples, or a label is no class.
    #[track_caller]
    pub fn of_outputs(self, y: MatrixView<'_>, targets: Targets<'_>) -> LossSum {
        targets.check(self, y.nrows(), y.ncols());
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => categorical::of_outputs(y, targets),
            Self::BinaryCrossEntropy => binary::of_outputs(y, targets),
            _ => regression::forward(self, y, targets),
        }
    }
}

/// The targets of some samples, with weights.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// For each sample.
    pub values: Values<'a>,
    /// How much each sample counts; empty where all count 1.
    pub weights: &'a [f32],
}

/// Targets without weights.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// A class for each sample.
    Classes(&'a [u32]),
    /// A number for each output of each sample, sample after sample; for cross-entropy, one-hot or another
    /// distribution.
    Numbers {
        /// Outputs x n.
        numbers: &'a [f32],
        /// How near an output must be to its number to be right, in regression; see [`precision_of`].
        precision: f32,
    },
}

impl<'a> From<&'a [u32]> for Targets<'a> {
    fn from(labels: &'a [u32]) -> Self {
        Self { values: Values::Classes(labels), weights: &[] }
    }
}

impl Values<'_> {
    /// The class of sample `i`. Of numbers, `outputs` a sample, the index of the largest: the class, if they are one-hot
    /// or another distribution.
    ///
    /// # Panics
    ///
    /// If there is no such sample.
    #[track_caller]
    pub fn class(self, i: usize, outputs: usize) -> usize {
        let n = match self {
            Self::Classes(labels) => labels.len(),
            Self::Numbers { numbers, .. } => numbers.len() / outputs.max(1),
        };
        assert!(i < n, "sample: expected one of {n}, found {i}");
        match self {
            Self::Classes(labels) => labels[i] as usize,
            Self::Numbers { numbers, .. } => argmax(&numbers[i * outputs..][..outputs]),
        }
    }
}

impl<'a> Targets<'a> {
    /// How much sample `i` counts.
    fn weight(self, i: usize) -> f32 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// Panics unless these are targets of `n` samples that the loss can compare with so many outputs.
    #[track_caller]
    fn check(self, loss: Loss, outputs: usize, n: usize) {
        assert!(outputs > 0, "outputs: expected 1 or more, found 0");
        match self.values {
            Values::Classes(labels) => {
                assert!(loss.is_categorical(), "{} compares numbers, not classes", loss.name());
                expect_same("number of labels", n, labels.len());
                let wrong = labels.iter().position(|&label| label as usize >= outputs);
                if let Some(sample) = wrong {
                    let label = labels[sample];
                    panic!(
                        "label of sample {sample}: expected a class below {outputs}, found {label}"
                    );
                }
            }
            Values::Numbers { numbers, .. } => {
                expect_same("number of target numbers", outputs * n, numbers.len());
            }
        }
        if !self.weights.is_empty() {
            expect_same("number of weights", n, self.weights.len());
        }
    }

    /// The numbers of each sample and the precision.
    fn numbers(self, outputs: usize) -> (impl Iterator<Item = &'a [f32]>, f32) {
        match self.values {
            Values::Numbers { numbers, precision } => (numbers.chunks_exact(outputs), precision),
            Values::Classes(_) => unreachable!("Targets::check refuses classes"),
        }
    }
}

/// The objective of a training pass: the loss and the targets of the samples.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// The loss.
    pub loss: Loss,
    /// The targets of the workspace's samples.
    pub targets: Targets<'a>,
    /// Samples of the whole batch, over which the gradient is averaged: as many as the workspace's, or more.
    pub n_batch: usize,
}

impl<'a> Objective<'a> {
    /// Cross-entropy over samples of these classes, which are the whole batch.
    pub fn classes(labels: &'a [u32]) -> Self {
        Self { loss: Loss::default(), targets: labels.into(), n_batch: labels.len() }
    }

    /// Panics unless the targets are those of `n` samples of the batch, and the loss can compare them with so many
    /// outputs.
    #[track_caller]
    pub(crate) fn check(&self, outputs: usize, n: usize) {
        self.targets.check(self.loss, outputs, n);
        let n_batch = self.n_batch;
        let expected = format_args!("{n} or more, as the workspace holds so many samples");
        assert!(n_batch >= n, "n_batch: expected {expected}, found {n_batch}");
    }

    /// From what goes into the last activation: overwrites `y` with what comes out and gives the loss.
    pub(crate) fn forward_fused(&self, logits: MatrixView<'_>, y: MatrixViewMut<'_>) -> LossSum {
        match self.loss {
            Loss::BinaryCrossEntropy => binary::forward(self, logits, y),
            _ => categorical::forward(self, logits, y),
        }
    }

    /// From the model's output `y`, overwrites `d` with the gradient of the mean loss over the batch: with respect to
    /// the logits if the loss is fused with the last layer, else with respect to `y`.
    pub(crate) fn backward(&self, y: MatrixView<'_>, d: MatrixViewMut<'_>) {
        match self.loss {
            Loss::BinaryCrossEntropy => binary::backward(self, y, d),
            loss if loss.is_fused() => categorical::backward(self, y, d),
            _ => regression::backward(self, y, d),
        }
    }
}

/// Sums over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// The sum of the samples' losses.
    pub loss: f64,
    /// How many predictions were right.
    pub correct: u64,
    /// How many samples there were.
    pub n_samples: u64,
    /// How many predictions there were: one a sample of a classifier, else one an output.
    pub n_predictions: u64,
}

impl LossSum {
    /// The mean loss of a sample.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.n_samples as f64
    }

    /// The share of right predictions, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.n_predictions as f64
    }
}

impl AddAssign for LossSum {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.n_samples += other.n_samples;
        self.n_predictions += other.n_predictions;
    }
}
