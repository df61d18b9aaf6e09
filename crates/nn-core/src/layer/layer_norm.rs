//! Layer normalisation: each sample's features get mean 0 and variance 1, then a scale and a shift each.
//!
//! `y = scale (x - mean) / sqrt(variance + epsilon) + shift`, mean and variance being those of the column.
//! Parameters: the scales, then the shifts.
//!
//! # Sources
//!
//! Ba, Kiros and Hinton, "Layer Normalization" (2016), equation 4.

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    layer::norm::Norm,
};

/// Of every sample in training, its mean and the factor that makes its variance 1.
pub(crate) const KEPT_PER_SAMPLE: usize = 2;

/// Overwrites `y` with the normalised columns of `x`, and `kept` with what backward needs of each.
pub(crate) fn forward(
    norm: Norm,
    params: &[f32],
    x: MatrixView<'_>,
    mut y: MatrixViewMut<'_>,
    kept: &mut [f32],
) {
    let (scale, shift) = norm.params(params);
    let n = norm.size as f64;
    let columns = x.column_iter().zip(y.column_iter_mut());
    for ((x, mut y), kept) in columns.zip(kept.chunks_exact_mut(KEPT_PER_SAMPLE)) {
        let x = x.as_slice();
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let (mean, factor) = (mean as f32, (1.0 / (variance + norm.epsilon).sqrt()) as f32);
        kept.copy_from_slice(&[mean, factor]);
        let terms = x.iter().zip(scale).zip(shift);
        for (y, ((&x, &scale), &shift)) in y.as_mut_slice().iter_mut().zip(terms) {
            *y = scale * ((x - mean) * factor) + shift;
        }
    }
}

/// Overwrites `dx` with the gradient by the input.
pub(crate) fn backward_input(
    norm: Norm,
    params: &[f32],
    x: MatrixView<'_>,
    kept: &[f32],
    dy: MatrixView<'_>,
    mut dx: MatrixViewMut<'_>,
) {
    let (scale, _) = norm.params(params);
    let n = norm.size as f32;
    let columns = x.column_iter().zip(dy.column_iter()).zip(dx.column_iter_mut());
    for (((x, dy), mut dx), kept) in columns.zip(kept.chunks_exact(KEPT_PER_SAMPLE)) {
        let [mean, factor] = [kept[0], kept[1]];
        let (x, dy) = (x.as_slice(), dy.as_slice());
        let (mut sum, mut sum_by_x) = (0.0, 0.0);
        for ((&x, &dy), &scale) in x.iter().zip(dy).zip(scale) {
            let d_normal = dy * scale;
            sum += d_normal;
            sum_by_x += d_normal * ((x - mean) * factor);
        }
        let terms = x.iter().zip(dy).zip(scale);
        for (dx, ((&x, &dy), &scale)) in dx.as_mut_slice().iter_mut().zip(terms) {
            let normal = (x - mean) * factor;
            *dx = factor * (dy * scale - (sum + normal * sum_by_x) / n);
        }
    }
}

/// Overwrites `d_sums` with the gradient by scales and shifts, summed over the columns.
pub(crate) fn sum_gradient(
    norm: Norm,
    x: MatrixView<'_>,
    kept: &[f32],
    dy: MatrixView<'_>,
    d_sums: &mut [f32],
) {
    d_sums.fill(0.0);
    let (d_scale, d_shift) = d_sums.split_at_mut(norm.size);
    let columns = x.column_iter().zip(dy.column_iter());
    for ((x, dy), kept) in columns.zip(kept.chunks_exact(KEPT_PER_SAMPLE)) {
        let [mean, factor] = [kept[0], kept[1]];
        let sums = d_scale.iter_mut().zip(d_shift.iter_mut());
        for ((d_scale, d_shift), (&x, &dy)) in sums.zip(x.as_slice().iter().zip(dy.as_slice())) {
            *d_scale += dy * ((x - mean) * factor);
            *d_shift += dy;
        }
    }
}
