//! The dense layer: `y = W x + b`.
//!
//! Its parameters are one matrix, outputs x (inputs + 1), column-major: the weights' columns, one
//! an input, and behind them the biases, as the column of one more input that is always 1. A run
//! of columns is a contiguous block of parameters, which is how threads divide the work of
//! [`crate::GradientBlock`]s and of the optimizer.

use std::ops::Range;

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels::{Marks, Nonzero, Start, add_scaled, multiply},
    mirror::Mirror,
    workspace::Input,
};

/// A dense layer and where its parameters begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Length of an input column.
    pub inputs: usize,
    /// Length of an output column.
    pub outputs: usize,
    /// Index of its first weight in the parameter buffer.
    pub offset: usize,
}

impl Dense {
    /// The parameters' columns: one an input, and the biases.
    pub(crate) fn columns(self) -> usize {
        self.inputs + 1
    }

    /// One behind the last bias, or `None` where no buffer is so long.
    pub(crate) fn end(self) -> Option<usize> {
        const LONGEST: usize = isize::MAX as usize / size_of::<f32>();
        let len = self.inputs.checked_add(1)?.checked_mul(self.outputs)?;
        len.checked_add(self.offset).filter(|&end| end <= LONGEST)
    }

    /// Where the given columns of its parameters lie in the parameter buffer.
    pub(crate) fn range(self, columns: Range<usize>) -> Range<usize> {
        self.offset + columns.start * self.outputs..self.offset + columns.end * self.outputs
    }

    /// Where the weights lie in the parameter buffer.
    pub fn weights(self) -> Range<usize> {
        self.range(0..self.inputs)
    }

    /// Where the biases lie in the parameter buffer.
    pub fn biases(self) -> Range<usize> {
        self.range(self.inputs..self.inputs + 1)
    }

    fn weights_view(self, params: &[f32]) -> MatrixView<'_> {
        MatrixView::from_slice(&params[self.weights()], self.outputs, self.inputs)
    }

    /// Overwrites `y` (outputs x n) with `W x + b`, `x` being inputs x n.
    ///
    /// `mirrors` are those of the layer's blocks: what is to be added to every element of `x` goes
    /// through the sums of the weights' columns, together with the biases.
    pub(crate) fn forward(
        self,
        params: &[f32],
        mirrors: &[Mirror],
        x: Input<'_>,
        mut y: MatrixViewMut<'_>,
    ) {
        let mut columns = y.column_iter_mut();
        let Some(mut first) = columns.next() else { return };
        let first = first.as_mut_slice();
        first.copy_from_slice(&params[self.biases()]);
        if x.offset != 0.0 {
            for mirror in mirrors {
                add_scaled(first, x.offset, mirror.column_sum());
            }
        }
        for mut column in columns {
            column.as_mut_slice().copy_from_slice(first);
        }
        let (weights, nonzero) = (self.weights_view(params), x.marks.map(Marks::columns));
        multiply(y, Start::Kept, weights, x.values, nonzero);
    }

    /// Overwrites `dx` (inputs x n) with `WT dy`, `dy` being outputs x n and zero where `nonzero` has
    /// no bits. `mirrors` are those of the layer's blocks.
    pub(crate) fn backward_input(
        self,
        mirrors: &[Mirror],
        dy: MatrixView<'_>,
        nonzero: Option<Nonzero<'_>>,
        mut dx: MatrixViewMut<'_>,
    ) {
        let mut start = 0;
        for mirror in mirrors {
            let weights = mirror.transposed();
            let rows = dx.rows_mut(start, weights.nrows());
            start += weights.nrows();
            multiply(rows, Start::Zero, weights, dy, nonzero);
        }
    }
}
