//! The rectified linear unit: `y = max(x, 0)`; its gradient at 0 is 0, as in the book.

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels,
};

/// ReLU over columns of the given length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu {
    /// Length of a column.
    pub size: usize,
}

impl Relu {
    /// Overwrites `y` with `max(x, 0)`; both size x n.
    pub(crate) fn forward(self, x: MatrixView<'_>, y: MatrixViewMut<'_>) {
        kernels::relu(x, y);
    }

    /// Overwrites `dx` with `dy` where the output `y` is positive, else 0; all size x n.
    pub(crate) fn backward_input(
        self,
        y: MatrixView<'_>,
        dy: MatrixView<'_>,
        dx: MatrixViewMut<'_>,
    ) {
        kernels::relu_backward(y, dy, dx);
    }
}
