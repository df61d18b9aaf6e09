//! What passes read of the weights in another form than the optimizer writes them.
//!
//! The input's gradient runs along the weights' rows, which lie apart; and an offset of the whole
//! input goes through the sum of the weights' columns. Both are taken once a step, by the thread that
//! has just updated a block of the parameters and has them in its cache, instead of in every pass.

use std::ops::Range;

use crate::{Dense, buffer::MatrixView, kernels};

/// A block of a dense layer's parameters, transposed or summed up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mirror {
    /// Which of the weights' columns.
    columns: Range<usize>,
    content: Content,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    /// Of the first layer: the sum of the weights' columns.
    Sum(Vec<f32>),
    /// Of the others: the weights, columns x outputs.
    Transposed(Vec<f32>),
}

impl Mirror {
    /// The mirror of the given columns of a layer's parameters; the biases are none of it.
    pub(crate) fn new(dense: Dense, columns: Range<usize>, is_first_layer: bool) -> Self {
        let columns = columns.start..columns.end.min(dense.inputs);
        let content = if is_first_layer {
            Content::Sum(vec![0.0; dense.outputs])
        } else {
            Content::Transposed(vec![0.0; columns.len() * dense.outputs])
        };
        Self { columns, content }
    }

    /// Takes over the parameters of the block.
    pub(crate) fn refresh(&mut self, params: &[f32], outputs: usize) {
        let n = self.columns.len();
        let weights = MatrixView::from_slice(&params[..n * outputs], outputs, n);
        match &mut self.content {
            Content::Sum(sum) => kernels::sum_columns(weights, sum),
            Content::Transposed(transposed) => kernels::transpose(weights, transposed),
        }
    }

    /// The sum of the weights' columns; none where the layer is not the first.
    pub(crate) fn column_sum(&self) -> &[f32] {
        match &self.content {
            Content::Sum(sum) => sum,
            Content::Transposed(_) => &[],
        }
    }

    /// The weights, columns x outputs; an empty matrix where the layer is the first.
    pub(crate) fn transposed(&self, outputs: usize) -> MatrixView<'_> {
        match &self.content {
            Content::Sum(_) => MatrixView::from_slice(&[], 0, outputs),
            Content::Transposed(transposed) => {
                MatrixView::from_slice(transposed, self.columns.len(), outputs)
            }
        }
    }
}
