//! Softmax over each column: `y_i = exp(x_i) / sum_j exp(x_j)`.
//!
//! If cross-entropy follows, as when a classifier is trained, the loss is computed from the logits and this layer does
//! not run.

use super::op::{Backward, Forward, LayerOp};
use crate::{
    buffer::MatrixViewMut,
    functions::exp,
    kernels::{LANES, sum_of_lanes, sums, vectorized},
};

/// Softmax over each sample: `y_i = exp(x_i) / sum_j exp(x_j)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Softmax;

impl LayerOp for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { x, mut y, .. } = pass;
        for (x, mut y) in x.values.column_iter().zip(y.column_iter_mut()) {
            y.copy_from(&x);
            exp_normalize(y.as_mut_slice());
        }
    }

    /// The product of the full Jacobian and `dy`: `dx_i = y_i (dy_i - sum_j y_j dy_j)`.
    fn backward_input(&self, pass: &Backward<'_>, mut dx: MatrixViewMut<'_>) {
        let &Backward { y, dy, .. } = pass;
        for ((y, dy), mut dx) in y.column_iter().zip(dy.column_iter()).zip(dx.column_iter_mut()) {
            let (y, dy) = (y.as_slice(), dy.as_slice());
            vectorized(
                #[inline(always)]
                || {
                    let [dot] = sums([y, dy], |[y, dy]| [y * dy]);
                    for ((dx, &dy), &y) in dx.as_mut_slice().iter_mut().zip(dy).zip(y) {
                        *dx = y * (dy - dot);
                    }
                },
            );
        }
    }
}

/// Overwrites logits with probabilities, and returns the logarithm of the sum of the logits' exponentials.
///
/// The largest logit is subtracted first, so that no exponential overflows.
pub(crate) fn exp_normalize(logits: &mut [f32]) -> f32 {
    let (max, sum) = vectorized(
        #[inline(always)]
        || {
            // The rest is padded with numbers whose exponentials are 0, so that all are computed in vectors.
            let (whole, rest) = logits.as_chunks_mut::<LANES>();
            let mut last = [f32::NEG_INFINITY; LANES];
            last[..rest.len()].copy_from_slice(rest);
            let mut largest = last;
            for chunk in &*whole {
                for (largest, &logit) in largest.iter_mut().zip(chunk) {
                    *largest = if logit > *largest { logit } else { *largest };
                }
            }
            let max =
                largest.into_iter().fold(f32::NEG_INFINITY, |max, x| if x > max { x } else { max });
            let mut sums = [0.0; LANES];
            for chunk in whole.iter_mut().chain([&mut last]) {
                for (logit, sum) in chunk.iter_mut().zip(&mut sums) {
                    *logit = exp(*logit - max);
                    *sum += *logit;
                }
            }
            let sum = sum_of_lanes(sums);
            for chunk in whole.iter_mut().chain([&mut last]) {
                chunk.iter_mut().for_each(|probability| *probability /= sum);
            }
            rest.copy_from_slice(&last[..rest.len()]);
            (max, sum)
        },
    );
    max + libm::logf(sum)
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    /// Numbers from Python: `scipy.special.softmax([1., 2., 3.])`. Adding 1000 to the logits changes nothing.
    #[test]
    fn agrees_with_scipy_and_does_not_overflow() {
        let mut y = DMatrix::from_column_slice(
            3,
            3,
            &[1.0, 2.0, 3.0, 1001.0, 1002.0, 1003.0, -1e4, 1e4, 0.0],
        );
        y.column_iter_mut().for_each(|mut column| {
            exp_normalize(column.as_mut_slice());
        });
        for (found, expected) in y.column(0).iter().zip([0.09003057, 0.24472847, 0.66524096]) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
        assert_eq!(y.column(0), y.column(1));
        assert_eq!(y.column(2).as_slice(), [0.0, 1.0, 0.0]);
    }
}
