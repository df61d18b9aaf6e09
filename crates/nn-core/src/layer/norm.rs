//! What the two normalisations have in common: a scale and a shift for each feature.

use std::ops::Range;

/// A layer that normalises, and where its parameters begin: the scales, then the shifts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Length of a column.
    pub size: usize,
    /// Added to a variance, so that its root divides.
    pub epsilon: f64,
    /// Index of its first scale in the parameter buffer.
    pub offset: usize,
}

impl Norm {
    /// Where the scales lie in the parameter buffer. They begin as 1.
    pub fn scales(self) -> Range<usize> {
        self.offset..self.offset + self.size
    }

    /// Where the shifts lie in the parameter buffer. They begin as 0.
    pub fn shifts(self) -> Range<usize> {
        self.offset + self.size..self.end()
    }

    pub(crate) fn end(self) -> usize {
        self.offset + 2 * self.size
    }

    /// The scales and the shifts.
    pub(crate) fn params(self, params: &[f32]) -> (&[f32], &[f32]) {
        (&params[self.scales()], &params[self.shifts()])
    }
}
