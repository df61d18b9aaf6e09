//! Where a layer stands in a network, and what its tensors are for.

use std::ops::Range;

use crate::Shape;

/// A layer's position in the network: its index, its shapes, and the ranges of its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its index in the network.
    pub index: usize,
    /// The shape of a sample that enters it.
    pub input: Shape,
    /// The shape of a sample that leaves it.
    pub output: Shape,
    /// Where its parameters lie in the buffer of parameters.
    pub params: Range<usize>,
    /// Where its running statistics lie in the buffer of statistics.
    pub statistics: Range<usize>,
}

/// What the numbers of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Multiplied with inputs. Drawn at random.
    Weight,
    /// Added to a weighted sum. Starts at 0.
    Bias,
    /// The scale of a normalisation, gamma. Starts at 1.
    Scale,
    /// The shift of a normalisation, beta. Starts at 0.
    Shift,
    /// The running mean of a batch normalisation. Starts at 0.
    RunningMean,
    /// The running variance of a batch normalisation. Starts at 1.
    RunningVariance,
}

impl Role {
    /// Whether it is a running statistic; otherwise it is a parameter, which gradients change.
    pub fn is_statistic(self) -> bool {
        matches!(self, Self::RunningMean | Self::RunningVariance)
    }

    /// What all its numbers start as; weights are drawn instead.
    pub(crate) fn initial(self) -> f32 {
        match self {
            Self::Scale | Self::RunningVariance => 1.0,
            Self::Weight | Self::Bias | Self::Shift | Self::RunningMean => 0.0,
        }
    }
}
