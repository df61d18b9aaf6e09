//! The place of a layer in a network, and the roles of its tensors.

use std::ops::Range;

use crate::Shape;

/// A layer's place in the network: its index, its shapes, and the ranges of its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its index in the network.
    pub index: usize,
    /// The shape of its input for one sample.
    pub input: Shape,
    /// The shape of its output for one sample.
    pub output: Shape,
    /// The range of its parameters in the parameter buffer.
    pub params: Range<usize>,
    /// The range of its running statistics in the statistics buffer.
    pub statistics: Range<usize>,
}

/// The role of a tensor in its layer, such as weight or bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Multiplied by inputs. Starts at random.
    Weight,
    /// Added to a weighted sum. Starts at 0.
    Bias,
    /// The scale (gamma) of a normalisation. Starts at 1.
    Scale,
    /// The shift (beta) of a normalisation. Starts at 0.
    Shift,
    /// The running mean of a batch normalisation. Starts at 0.
    RunningMean,
    /// The running variance of a batch normalisation. Starts at 1.
    RunningVariance,
}

impl Role {
    /// Whether the tensor is a running statistic. Otherwise it is a parameter, which the optimizer updates.
    pub fn is_statistic(self) -> bool {
        matches!(self, Self::RunningMean | Self::RunningVariance)
    }

    /// The initial value of all numbers, except for weights, which are drawn at random.
    pub(crate) fn initial(self) -> f32 {
        match self {
            Self::Scale | Self::RunningVariance => 1.0,
            Self::Weight | Self::Bias | Self::Shift | Self::RunningMean => 0.0,
        }
    }
}
