//! What passes read of the weights in another form than the optimizer writes them.
//!
//! The input's gradient runs along the weights' rows, which lie apart; and an offset of the whole
//! input goes through the sum of the weights' columns. Both are taken once a step, by the thread that
//! has just updated a block of the parameters and has them in its cache, instead of in every pass.

use crate::{buffer::MatrixView, kernels};

/// A block of a dense layer's weights, transposed or summed up; the biases are none of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mirror {
    /// Rows of the weights.
    outputs: usize,
    /// How many of the weights' columns.
    n_columns: usize,
    content: Content,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    /// Of the first layer: the sum of the weights' columns.
    Sum(Vec<f32>),
    /// Of the others: the weights, columns x outputs.
    Transposed(Vec<f32>),
    /// Of what is no dense layer: nothing.
    Nothing,
}

impl Mirror {
    /// The mirror of `n_columns` columns of a layer's weights.
    pub(crate) fn new(outputs: usize, n_columns: usize, is_first_layer: bool) -> Self {
        let content = if is_first_layer {
            Content::Sum(vec![0.0; outputs])
        } else {
            Content::Transposed(vec![0.0; n_columns * outputs])
        };
        Self { outputs, n_columns, content }
    }

    /// The mirror of parameters that are read as they are.
    pub(crate) fn nothing() -> Self {
        Self { outputs: 0, n_columns: 0, content: Content::Nothing }
    }

    /// Takes over the parameters of the block.
    pub(crate) fn refresh(&mut self, params: &[f32]) {
        let weights = &params[..self.n_columns * self.outputs];
        let weights = MatrixView::from_slice(weights, self.outputs, self.n_columns);
        match &mut self.content {
            Content::Sum(sum) => kernels::sum_columns(weights, sum),
            Content::Transposed(transposed) => kernels::transpose(weights, transposed),
            Content::Nothing => {}
        }
    }

    /// The sum of the weights' columns; none where the layer is not the first.
    pub(crate) fn column_sum(&self) -> &[f32] {
        match &self.content {
            Content::Sum(sum) => sum,
            Content::Transposed(_) | Content::Nothing => &[],
        }
    }

    /// The weights, columns x outputs; an empty matrix where the layer is the first.
    pub(crate) fn transposed(&self) -> MatrixView<'_> {
        match &self.content {
            Content::Sum(_) | Content::Nothing => MatrixView::from_slice(&[], 0, self.outputs),
            Content::Transposed(transposed) => {
                MatrixView::from_slice(transposed, self.n_columns, self.outputs)
            }
        }
    }
}
