//! What training makes small: losses of outputs against targets, and what counts as right.
//!
//! Losses are sums over samples in `f64`, in the samples' order, so that parts of a batch can be added up
//! exactly the same way by any number of threads; gradients are scaled once, by one over the size of the whole
//! batch. A sample's loss is the mean over its outputs, where it has several, as in the book.
//!
//! Where a softmax meets cross-entropy, or a sigmoid its binary form, the two are one: the loss is taken from what
//! goes into the activation, so no clipping is needed and no logit is too large.

mod binary;
mod categorical;
mod regression;

use std::ops::AddAssign;

use crate::{
    Activation, Error, LayerSpec,
    buffer::{MatrixView, MatrixViewMut},
};
pub use categorical::{
    cross_entropy, cross_entropy_backward, softmax_cross_entropy, softmax_cross_entropy_backward,
};
pub use regression::precision_of;

/// A loss, and with it what counts as a right prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Categorical cross-entropy after a softmax: `-sum_j q_j ln(p_j)`, `q` being the target's distribution.
    /// Right is a sample whose most probable class is the target's.
    CrossEntropy {
        /// Label smoothing, in `[0, 1)`: so much of the target is spread over all classes alike. Szegedy et al.,
        /// "Rethinking the Inception Architecture" (2015), section 7.
        smoothing: f64,
    },
    /// Focal loss after a softmax: `-(1 - p)^gamma ln(p)`, `p` being the probability of the target's class; of a
    /// distribution, of its most probable. Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4.
    Focal {
        /// How little samples count that are right already, 0 or above.
        gamma: f64,
    },
    /// Binary cross-entropy after a sigmoid: `-(t ln(p) + (1 - t) ln(1 - p))`. Right is an output on its target's
    /// side of 0.5.
    BinaryCrossEntropy,
    /// `(y - t)^2`. Right is an output within the targets' precision.
    MeanSquaredError,
    /// `|y - t|`; its gradient at 0 is 0. Right is an output within the targets' precision.
    MeanAbsoluteError,
    /// `(y - t)^2 / 2` up to `delta`, from there `delta (|y - t| - delta / 2)`: Huber, "Robust Estimation of a
    /// Location Parameter" (1964). Right is an output within the targets' precision.
    Huber {
        /// Where the square ends, above 0.
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
    /// Its name, as files and programs have it.
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

    /// The loss that models ending in this layer are usually judged by: cross-entropy after a softmax, binary after
    /// a sigmoid, else the mean squared error.
    pub fn of_last_layer(last: LayerSpec) -> Self {
        match last {
            LayerSpec::Softmax => Self::default(),
            LayerSpec::Activation(Activation::Sigmoid) => Self::BinaryCrossEntropy,
            _ => Self::MeanSquaredError,
        }
    }

    /// The same without what is for training only, label smoothing and focus: what evaluations measure.
    pub fn plain(self) -> Self {
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => Self::default(),
            Self::BinaryCrossEntropy
            | Self::MeanSquaredError
            | Self::MeanAbsoluteError
            | Self::Huber { .. } => self,
        }
    }

    /// Checks the settings, and that models ending in `last` can be trained by it.
    ///
    /// # Errors
    ///
    /// If a setting is outside its range, or cross-entropy lacks its softmax or sigmoid.
    pub fn check(self, last: LayerSpec) -> Result<(), Error> {
        let setting = |name, is_valid: bool, expected, found| match is_valid {
            true => Ok(()),
            false => Err(Error::LossSetting { name, expected, found }),
        };
        match self {
            Self::CrossEntropy { smoothing } => {
                let is_valid = (0.0..1.0).contains(&smoothing);
                setting("label smoothing", is_valid, "at least 0 and below 1", smoothing)?;
            }
            Self::Focal { gamma } => {
                let is_valid = gamma.is_finite() && gamma >= 0.0;
                setting("gamma of the focal loss", is_valid, "a finite number, 0 or above", gamma)?;
            }
            Self::Huber { delta } => {
                let is_valid = (delta as f32).is_finite() && delta as f32 > 0.0;
                setting("delta of the Huber loss", is_valid, "a finite number above 0", delta)?;
            }
            Self::BinaryCrossEntropy | Self::MeanSquaredError | Self::MeanAbsoluteError => {}
        }
        let expected = match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => "softmax",
            Self::BinaryCrossEntropy => "sigmoid",
            Self::MeanSquaredError | Self::MeanAbsoluteError | Self::Huber { .. } => return Ok(()),
        };
        let (loss, found) = (self.name(), last.name());
        if expected == found { Ok(()) } else { Err(Error::LastLayer { loss, expected, found }) }
    }

    /// Whether it is one with the layer before it.
    pub(crate) fn is_fused(self) -> bool {
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } | Self::BinaryCrossEntropy => true,
            Self::MeanSquaredError | Self::MeanAbsoluteError | Self::Huber { .. } => false,
        }
    }

    /// Whether a sample has one class, and its outputs compete for it; else each output is right or wrong by itself.
    pub fn is_categorical(self) -> bool {
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => true,
            Self::BinaryCrossEntropy
            | Self::MeanSquaredError
            | Self::MeanAbsoluteError
            | Self::Huber { .. } => false,
        }
    }

    /// How many predictions a sample of so many outputs has, each right or wrong.
    pub fn predictions(self, outputs: usize) -> usize {
        if self.is_categorical() { 1 } else { outputs }
    }

    /// From what goes into the last activation: overwrites `y` with what comes out and gives the loss.
    #[track_caller]
    pub(crate) fn forward_fused(
        self,
        logits: MatrixView<'_>,
        targets: Targets<'_>,
        y: MatrixViewMut<'_>,
    ) -> LossSum {
        match self {
            Self::BinaryCrossEntropy => binary::forward(logits, targets, y),
            _ => categorical::forward(self, logits, targets, y),
        }
    }

    /// Overwrites `d_logits` with the gradient of [`Loss::forward_fused`] over `n_batch` samples.
    #[track_caller]
    pub(crate) fn backward_fused(
        self,
        y: MatrixView<'_>,
        targets: Targets<'_>,
        n_batch: usize,
        d_logits: MatrixViewMut<'_>,
    ) {
        match self {
            Self::BinaryCrossEntropy => binary::backward(y, targets, n_batch, d_logits),
            _ => categorical::backward(self, y, targets, n_batch, d_logits),
        }
    }

    /// The loss of outputs as they are.
    #[track_caller]
    pub(crate) fn forward(self, y: MatrixView<'_>, targets: Targets<'_>) -> LossSum {
        regression::forward(self, y, targets)
    }

    /// Overwrites `dy` with the gradient of [`Loss::forward`] over `n_batch` samples.
    #[track_caller]
    pub(crate) fn backward(
        self,
        y: MatrixView<'_>,
        targets: Targets<'_>,
        n_batch: usize,
        dy: MatrixViewMut<'_>,
    ) {
        regression::backward(self, y, targets, n_batch, dy);
    }

    /// The plain loss of outputs that come from no last layer, such as the mean of two.
    ///
    /// # Panics
    ///
    /// If the shapes differ.
    #[track_caller]
    pub fn of_outputs(self, y: MatrixView<'_>, targets: Targets<'_>) -> LossSum {
        match self {
            Self::CrossEntropy { .. } | Self::Focal { .. } => categorical::of_outputs(y, targets),
            Self::BinaryCrossEntropy => binary::of_outputs(y, targets),
            _ => regression::forward(self, y, targets),
        }
    }
}

/// What a model's outputs shall be.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// For each sample.
    pub values: Values<'a>,
    /// How much each sample counts; empty where all count 1.
    pub weights: &'a [f32],
}

/// Targets by themselves.
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

impl<'a, const N: usize> From<&'a [u32; N]> for Targets<'a> {
    fn from(labels: &'a [u32; N]) -> Self {
        labels.as_slice().into()
    }
}

impl<'a> From<&'a Vec<u32>> for Targets<'a> {
    fn from(labels: &'a Vec<u32>) -> Self {
        labels.as_slice().into()
    }
}

impl<'a> Targets<'a> {
    /// How much sample `i` counts.
    fn weight(self, i: usize) -> f32 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// There is a weight for each of `n` samples, or none at all.
    #[track_caller]
    fn check_weights(self, n: usize) {
        assert!(self.weights.is_empty() || self.weights.len() == n, "weights of {n} samples");
    }

    /// The numbers of each sample and the precision.
    #[track_caller]
    fn numbers(self, outputs: usize, n: usize) -> (impl Iterator<Item = &'a [f32]>, f32) {
        let Values::Numbers { numbers, precision } = self.values else {
            panic!("this loss compares numbers, not classes");
        };
        assert_eq!(numbers.len(), outputs * n, "target numbers of {n} samples");
        self.check_weights(n);
        (numbers.chunks_exact(outputs), precision)
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
