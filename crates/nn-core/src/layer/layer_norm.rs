//! Layer normalisation: normalises the features of each sample to mean 0 and variance 1, then applies a scale (gamma)
//! and a shift (beta) to each feature.

use super::op::{Backward, Forward, LayerOp, ShardView};
use crate::{
    Place, Role, SettingError, Shape,
    buffer::MatrixViewMut,
    kernels::{self, sums, vectorized},
};

/// A pass saves two numbers for each sample: its mean, and the factor that makes its variance 1.
const CACHE_PER_SAMPLE: usize = 2;

/// Layer normalisation: `y = scale (x - mean) / sqrt(variance + epsilon) + shift`, with the mean and the variance of
/// each sample.
///
/// Papers call the scale gamma and the shift beta.
///
/// # Sources
///
/// Ba, Kiros and Hinton, "Layer Normalization" (2016), equation 4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance, above 0.
    pub epsilon: f64,
}

impl LayerOp for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }

    fn settings(&self) -> Vec<(&'static str, f64)> {
        vec![("epsilon", self.epsilon)]
    }

    fn check(&self) -> Result<(), SettingError> {
        SettingError::check_epsilon(self.epsilon)
    }

    fn tensors(&self, input: Shape) -> Vec<(&'static str, Role, Vec<usize>)> {
        let size = vec![input.len()];
        vec![("scales", Role::Scale, size.clone()), ("shifts", Role::Shift, size)]
    }

    fn cache_len(&self, _: &Place, capacity: usize) -> usize {
        CACHE_PER_SAMPLE * capacity
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { params, x, mut y, cache, .. } = pass;
        let (scale, shift) = params.split_at(params.len() / 2);
        let n = scale.len() as f64;
        vectorized(
            #[inline(always)]
            || {
                let columns = x.values.column_iter().zip(y.column_iter_mut());
                for ((x, mut y), cache) in columns.zip(cache.chunks_exact_mut(CACHE_PER_SAMPLE)) {
                    let x = x.as_slice();
                    let [sum, squares] = sums([x], |[x]| {
                        let x = f64::from(x);
                        [x, x * x]
                    });
                    let mean = sum / n;
                    let variance = (squares / n - mean * mean).max(0.0);
                    let factor = (1.0 / (variance + self.epsilon).sqrt()) as f32;
                    let mean = mean as f32;
                    cache.copy_from_slice(&[mean, factor]);
                    let terms = x.iter().zip(scale).zip(shift);
                    for (y, ((&x, &scale), &shift)) in y.as_mut_slice().iter_mut().zip(terms) {
                        *y = scale * ((x - mean) * factor) + shift;
                    }
                }
            },
        );
    }

    fn backward_input(&self, pass: &Backward<'_>, mut dx: MatrixViewMut<'_>) {
        let (scale, _) = pass.params.split_at(pass.params.len() / 2);
        let n = scale.len() as f32;
        vectorized(
            #[inline(always)]
            || {
                let columns = pass.x.column_iter().zip(pass.dy.column_iter());
                let columns = columns.zip(dx.column_iter_mut());
                let caches = pass.cache.chunks_exact(CACHE_PER_SAMPLE);
                for (((x, dy), mut dx), cache) in columns.zip(caches) {
                    let [mean, factor] = [cache[0], cache[1]];
                    let (x, dy) = (x.as_slice(), dy.as_slice());
                    let [d_shift, d_scale] = sums([x, dy, scale], |[x, dy, scale]| {
                        let d_normal = dy * scale;
                        [d_normal, d_normal * ((x - mean) * factor)]
                    });
                    let terms = x.iter().zip(dy).zip(scale);
                    for (dx, ((&x, &dy), &scale)) in dx.as_mut_slice().iter_mut().zip(terms) {
                        let normal = (x - mean) * factor;
                        *dx = factor * (dy * scale - (d_shift + normal * d_scale) / n);
                    }
                }
            },
        );
    }

    fn n_column_sums(&self, at: &Place) -> usize {
        at.params.len()
    }

    /// The gradient with respect to scales and shifts.
    fn column_sums(&self, pass: &Backward<'_>, sums: &mut [f32]) {
        sums.fill(0.0);
        let (d_scale, d_shift) = sums.split_at_mut(sums.len() / 2);
        vectorized(
            #[inline(always)]
            || {
                let columns = pass.x.column_iter().zip(pass.dy.column_iter());
                for ((x, dy), cache) in columns.zip(pass.cache.chunks_exact(CACHE_PER_SAMPLE)) {
                    let [mean, factor] = [cache[0], cache[1]];
                    let sums = d_scale.iter_mut().zip(d_shift.iter_mut());
                    let terms = x.as_slice().iter().zip(dy.as_slice());
                    for ((d_scale, d_shift), (&x, &dy)) in sums.zip(terms) {
                        *d_scale += dy * ((x - mean) * factor);
                        *d_shift += dy;
                    }
                }
            },
        );
    }

    fn gradient_bound(&self, shard: ShardView<'_>) -> f64 {
        f64::from(kernels::max_abs_of(shard.column_sums))
    }
}
