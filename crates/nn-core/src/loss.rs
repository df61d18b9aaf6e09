//! Loss functions, and which predictions count as correct.
//!
//! Losses are summed over the samples in `f64`, in the samples' order, so the number of threads does not change the sum
//! over the shards of a batch. Gradients are divided by the size of the whole batch, once. Except for the categorical
//! losses, the loss of a sample is the mean over its outputs, as in the book.
//!
//! A softmax before cross-entropy is fused with the loss, and so is a sigmoid before binary cross-entropy. The loss is
//! computed from the logits, so it needs no clipping, and no logit is too large.

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

/// A loss function. It also decides which predictions are correct.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Categorical cross-entropy after a softmax: `-sum_j q_j ln(p_j)`, where `q` is the target distribution. A
    /// prediction is correct if its most probable class is the target's.
    CrossEntropy {
        /// Label smoothing, in `[0, 1)`: this share of the target distribution is spread evenly over all classes.
        /// Szegedy et al., "Rethinking the Inception Architecture" (2015), section 7.
        smoothing: f64,
    },
    /// Focal loss after a softmax: `-(1 - p)^gamma ln(p)`, where `p` is the probability of the target's class. If the
    /// target is a distribution, that is its most probable class. Lin et al., "Focal Loss for Dense Object Detection"
    /// (2017), equation 4.
    Focal {
        /// The focusing parameter, 0 or above. The higher it is, the less well-classified samples count.
        gamma: f64,
    },
    /// Binary cross-entropy after a sigmoid: `-(t ln(p) + (1 - t) ln(1 - p))`. An output is correct if it is on the
    /// same side of 0.5 as its target.
    BinaryCrossEntropy,
    /// Mean squared error: `(y - t)^2`. An output is correct if its error is below the targets' precision.
    MeanSquaredError,
    /// Mean absolute error: `|y - t|`; its gradient at 0 is 0. An output is correct if its error is below the targets'
    /// precision.
    MeanAbsoluteError,
    /// Huber loss: `(y - t)^2 / 2` up to an error of `delta`, and `delta (|y - t| - delta / 2)` above it. Huber,
    /// "Robust Estimation of a Location Parameter" (1964). An output is correct if its error is below the targets'
    /// precision.
    Huber {
        /// The absolute error above which the loss is linear; above 0.
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
    /// The loss's name in model files and options, such as `cross_entropy`.
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

    /// The loss to evaluate with: the same one without label smoothing and without the focal factor, which are for
    /// training only.
    pub fn plain(self) -> Self {
        if self.is_categorical() { Self::default() } else { self }
    }

    /// Checks the settings, and that the loss fits a model whose last layer is `last`.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, or the loss needs a softmax or a sigmoid as the last layer and `last` is a
    /// different one.
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

    /// The name of the last layer that the loss needs and is fused with; `None` if it accepts any layer.
    fn last_layer(self) -> Option<&'static str> {
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => Some("softmax"),
            Self::BinaryCrossEntropy => Some("sigmoid"),
            Self::MeanSquaredError | Self::MeanAbsoluteError | Self::Huber { .. } => None,
        }
    }

    /// Whether the loss is fused with the last layer.
    pub(crate) fn is_fused(self) -> bool {
        self.last_layer().is_some()
    }

    /// Whether a sample has one class. Otherwise each of its outputs is a prediction of its own.
    pub fn is_categorical(self) -> bool {
        matches!(self, Self::CrossEntropy { .. } | Self::Focal { .. })
    }

    /// The number of predictions for a sample: 1 for the categorical losses, otherwise one for each of the `outputs`.
    pub fn predictions(self, outputs: usize) -> usize {
        if self.is_categorical() { 1 } else { outputs }
    }

    /// Computes the plain loss from outputs instead of logits, for example from the mean of two outputs.
    ///
    /// # Panics
    ///
    /// If there are no outputs, the numbers of targets and samples differ, or a label is not a class.
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

/// The targets of some samples, and the weights of these samples.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// The target of each sample.
    pub values: Values<'a>,
    /// The weight of each sample's loss; empty if all weights are 1.
    pub weights: &'a [f32],
}

/// Target values: classes or numbers.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// A class for each sample.
    Classes(&'a [u32]),
    /// A number for each output of each sample, sample after sample. For cross-entropy they are one-hot vectors or
    /// other distributions.
    Numbers {
        /// The numbers: outputs x n.
        numbers: &'a [f32],
        /// How close an output must be to its target to count as correct, in regression; see [`precision_of`].
        precision: f32,
    },
}

impl<'a> From<&'a [u32]> for Targets<'a> {
    fn from(labels: &'a [u32]) -> Self {
        Self { values: Values::Classes(labels), weights: &[] }
    }
}

impl Values<'_> {
    /// The class of sample `i`. If the targets are numbers, `outputs` for each sample, it is the index of the largest:
    /// the class of a one-hot vector, or the most probable class of a distribution.
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
        assert!(i < n, "sample: expected one below {n}, found {i}");
        match self {
            Self::Classes(labels) => labels[i] as usize,
            Self::Numbers { numbers, .. } => argmax(&numbers[i * outputs..][..outputs]),
        }
    }
}

impl<'a> Targets<'a> {
    /// The weight of sample `i`.
    fn weight(self, i: usize) -> f32 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// Panics unless these are targets of `n` samples, and the loss can compare them with this number of outputs.
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

/// The objective of a training pass: the loss function and the targets of the samples.
#[derive(Clone, Copy, Debug)]
pub struct Objective<'a> {
    /// The loss function.
    pub loss: Loss,
    /// The targets of the workspace's samples.
    pub targets: Targets<'a>,
    /// The number of samples in the whole batch, over which the gradient is averaged. It is at least the workspace's
    /// number of samples.
    pub n_batch: usize,
}

impl<'a> Objective<'a> {
    /// Cross-entropy for samples with these classes, which are the whole batch.
    pub fn classes(labels: &'a [u32]) -> Self {
        Self { loss: Loss::default(), targets: labels.into(), n_batch: labels.len() }
    }

    /// Panics unless the targets are those of `n` samples of the batch, and the loss can compare them with this number
    /// of outputs.
    #[track_caller]
    pub(crate) fn check(&self, outputs: usize, n: usize) {
        self.targets.check(self.loss, outputs, n);
        let n_batch = self.n_batch;
        let expected = format_args!("{n} or more, the number of samples in the workspace");
        assert!(n_batch >= n, "n_batch: expected {expected}, found {n_batch}");
    }

    /// Computes the last activation and the loss from the logits. Overwrites `y` with the activation's output and
    /// returns the loss.
    pub(crate) fn forward_fused(&self, logits: MatrixView<'_>, y: MatrixViewMut<'_>) -> LossSum {
        match self.loss {
            Loss::BinaryCrossEntropy => binary::forward(self, logits, y),
            _ => categorical::forward(self, logits, y),
        }
    }

    /// Overwrites `d` with the gradient of the batch's mean loss, given the model's output `y`. It is the gradient with
    /// respect to the logits if the loss is fused with the last layer, otherwise with respect to `y`.
    pub(crate) fn backward(&self, y: MatrixView<'_>, d: MatrixViewMut<'_>) {
        match self.loss {
            Loss::BinaryCrossEntropy => binary::backward(self, y, d),
            loss if loss.is_fused() => categorical::backward(self, y, d),
            _ => regression::backward(self, y, d),
        }
    }
}

/// The loss and the number of correct predictions, summed over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// The sum of the samples' losses.
    pub loss: f64,
    /// The number of correct predictions.
    pub correct: u64,
    /// The number of samples.
    pub n_samples: u64,
    /// The number of predictions: one for each sample of a classifier, otherwise one for each output.
    pub n_predictions: u64,
}

impl LossSum {
    /// The mean loss over the samples.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.n_samples as f64
    }

    /// The accuracy: the share of correct predictions, 0 to 1.
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
