//! The dense layer: `y = W x + b`.
//!
//! Its parameters are one matrix, outputs x (inputs + 1), column-major: the weights' columns, one
//! an input, and behind them the biases, as the column of one more input that is always 1. A run
//! of columns is a contiguous block of parameters, which is how threads divide the work of
//! [`Dense::backward_params`] and of the optimizer.

use std::ops::Range;

use nalgebra::{DVectorView, DVectorViewMut};

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels::{Accum, matmul, matmul_at, matmul_bt},
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
    pub(crate) fn forward(self, params: &[f32], x: MatrixView<'_>, mut y: MatrixViewMut<'_>) {
        // The product is added to the biases: one pass less over `y` than adding them after.
        let biases = DVectorView::from_slice(&params[self.biases()], self.outputs);
        for mut column in y.column_iter_mut() {
            column.copy_from(&biases);
        }
        matmul(y, Accum::Add, self.weights_view(params), x);
    }

    /// Overwrites `dx` (inputs x n) with `WT dy`, `dy` being outputs x n.
    pub(crate) fn backward_input(self, params: &[f32], dy: MatrixView<'_>, dx: MatrixViewMut<'_>) {
        matmul_at(dx, self.weights_view(params), dy);
    }

    /// Writes the gradient by the given `columns` of the parameters: `dy xT` by weights, the sum of
    /// `dy`'s columns by biases, in the order of the samples.
    ///
    /// # Shapes
    ///
    /// `x`: inputs x n. `dy`: outputs x n. `d_params`: outputs * columns, replaced or added to.
    pub(crate) fn backward_params(
        self,
        columns: Range<usize>,
        x: MatrixView<'_>,
        dy: MatrixView<'_>,
        accum: Accum,
        d_params: &mut [f32],
    ) {
        let weights = columns.start..columns.end.min(self.inputs);
        let (d_weights, d_biases) = d_params.split_at_mut(weights.len() * self.outputs);
        if !weights.is_empty() {
            let d_weights = MatrixViewMut::from_slice(d_weights, self.outputs, weights.len());
            matmul_bt(d_weights, accum, dy, x.rows(weights.start, weights.len()));
        }
        if columns.end > self.inputs {
            let mut d_biases = DVectorViewMut::from_slice(d_biases, self.outputs);
            if accum == Accum::Replace {
                d_biases.fill(0.0);
            }
            for column in dy.column_iter() {
                d_biases += column;
            }
        }
    }
}
