//! Softmax over each column: `y_i = exp(x_i) / sum_j exp(x_j)`.
//!
//! Where cross-entropy follows, as in training a classifier, [`crate::loss::softmax_cross_entropy`]
//! takes the logits and this layer is not run at all.

use crate::buffer::{MatrixView, MatrixViewMut};

/// Softmax over columns of the given length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax {
    /// Length of a column.
    pub size: usize,
}

impl Softmax {
    /// Overwrites `y` with the softmax of each column of `x`; both size x n.
    pub(crate) fn forward(self, x: MatrixView<'_>, mut y: MatrixViewMut<'_>) {
        for (x, mut y) in x.column_iter().zip(y.column_iter_mut()) {
            y.copy_from(&x);
            exp_normalize(y.as_mut_slice());
        }
    }

    /// Overwrites `dx` with the product of the full Jacobian and `dy`:
    /// `dx_i = y_i (dy_i - sum_j y_j dy_j)`; all size x n, `y` being the output of forward.
    pub(crate) fn backward_input(
        self,
        y: MatrixView<'_>,
        dy: MatrixView<'_>,
        mut dx: MatrixViewMut<'_>,
    ) {
        for ((y, dy), mut dx) in y.column_iter().zip(dy.column_iter()).zip(dx.column_iter_mut()) {
            let dot = y.dot(&dy);
            for ((dx, &dy), &y) in dx.iter_mut().zip(dy.iter()).zip(y.iter()) {
                *dx = y * (dy - dot);
            }
        }
    }
}

/// Overwrites logits with probabilities and gives the logarithm of the sum of their exponentials.
///
/// The largest logit is taken off first, so that no exponential overflows.
pub(crate) fn exp_normalize(logits: &mut [f32]) -> f32 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for logit in logits.iter_mut() {
        *logit = (*logit - max).exp();
        sum += *logit;
    }
    for logit in logits.iter_mut() {
        *logit /= sum;
    }
    max + sum.ln()
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    /// Numbers from Python: `scipy.special.softmax([1., 2., 3.])`, and of the same plus 1000.
    #[test]
    fn agrees_with_scipy_and_does_not_overflow() {
        let columns = [1.0, 2.0, 3.0, 1001.0, 1002.0, 1003.0, -1e4, 1e4, 0.0];
        let x = DMatrix::from_column_slice(3, 3, &columns);
        let mut y = DMatrix::zeros(3, 3);
        Softmax { size: 3 }.forward(x.as_view(), y.as_view_mut());
        for (found, expected) in y.column(0).iter().zip([0.09003057, 0.24472847, 0.66524096]) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
        assert_eq!(y.column(0), y.column(1));
        assert_eq!(y.column(2).as_slice(), [0.0, 1.0, 0.0]);
    }
}
