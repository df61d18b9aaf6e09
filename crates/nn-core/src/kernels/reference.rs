//! The plain matrix product, with which tests compare the fast one.

use nalgebra::DMatrix;

/// Computes `a b` with three loops.
pub(super) fn product(a: &DMatrix<f32>, b: &DMatrix<f32>) -> DMatrix<f32> {
    DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
        (0..a.ncols()).map(|p| a[(i, p)] * b[(p, j)]).sum()
    })
}
