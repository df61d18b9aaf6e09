//! Batch normalisation: normalises each feature to mean 0 and variance 1 over the batch, then applies a scale (gamma)
//! and a shift (beta).
//!
//! In training, mean and variance are computed over the whole batch, however many threads share it. A pass waits before
//! such a layer until the sums of all shards are complete ([`crate::BatchStatistics::gather`]). In inference, the
//! running mean and variance are used. Each batch moves them towards its own by the share `momentum` of the difference,
//! and they are saved with the model.

use super::op::{Backward, BatchSync, Forward, LayerOp, ShardView, Shards};
use crate::{
    Mode, Place, Role, SettingError, Shape,
    buffer::{MatrixView, MatrixViewMut},
    kernels::{self, vectorized},
};

/// Batch normalisation: `y = scale (x - mean) / sqrt(variance + epsilon) + shift`, for each feature.
///
/// In training, mean and variance are those of the feature over the batch; in inference, the running ones. Papers call
/// the scale gamma and the shift beta.
///
/// # Sources
///
/// Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2; the running variance follows the unbiased
/// variance, `n / (n - 1)` times the batch's, as in algorithm 2 and in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// How far the running statistics move towards those of each batch, as a share of the difference, in `(0, 1]`.
    pub momentum: f64,
    /// Added to the variance, above 0.
    pub epsilon: f64,
}

/// What a pass saves for every feature.
#[derive(Debug)]
struct Cache<'a> {
    mean: &'a [f32],
    /// The factor that makes the variance 1.
    factor: &'a [f32],
    /// The unbiased variance.
    variance: &'a [f32],
    /// The mean over the batch of the gradient with respect to the output.
    d_shift: &'a [f32],
    /// The mean over the batch of that gradient times the normalised input.
    d_scale: &'a [f32],
}

/// How many numbers [`Cache`] has for each feature.
const CACHE_PER_FEATURE: usize = 5;

impl<'a> Cache<'a> {
    fn new(cache: &'a [f32]) -> Self {
        let mut parts = cache.chunks_exact(cache.len() / CACHE_PER_FEATURE);
        let mut next = || parts.next().unwrap_or_default();
        Self { mean: next(), factor: next(), variance: next(), d_shift: next(), d_scale: next() }
    }
}

impl LayerOp for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn settings(&self) -> Vec<(&'static str, f64)> {
        vec![("momentum", self.momentum), ("epsilon", self.epsilon)]
    }

    fn check(&self) -> Result<(), SettingError> {
        let valid = f64::from(f32::MIN_POSITIVE)..1.0f64.next_up();
        let is_valid = valid.contains(&self.momentum);
        SettingError::check("momentum", is_valid, "above 0 and at most 1", self.momentum)?;
        SettingError::check_epsilon(self.epsilon)
    }

    fn tensors(&self, input: Shape) -> Vec<(&'static str, Role, Vec<usize>)> {
        let size = || vec![input.len()];
        vec![
            ("scales", Role::Scale, size()),
            ("shifts", Role::Shift, size()),
            ("means", Role::RunningMean, size()),
            ("variances", Role::RunningVariance, size()),
        ]
    }

    fn cache_len(&self, at: &Place, _: usize) -> usize {
        CACHE_PER_FEATURE * at.input.len()
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { params, statistics, mode, x, mut y, cache, .. } = pass;
        if mode == Mode::Infer {
            let (means, variances) = statistics.split_at(statistics.len() / 2);
            let (mean, rest) = cache.split_at_mut(means.len());
            mean.copy_from_slice(means);
            for (factor, &variance) in rest.iter_mut().zip(variances) {
                *factor = (1.0 / (f64::from(variance) + self.epsilon).sqrt()) as f32;
            }
        }
        let (scale, shift) = params.split_at(params.len() / 2);
        let Cache { mean, factor, .. } = Cache::new(cache);
        vectorized(
            #[inline(always)]
            || {
                for (x, mut y) in x.values.column_iter().zip(y.column_iter_mut()) {
                    let features = mean.iter().zip(factor).zip(scale).zip(shift);
                    let terms = x.as_slice().iter().zip(features);
                    for (y, (&x, (((&mean, &factor), &scale), &shift))) in
                        y.as_mut_slice().iter_mut().zip(terms)
                    {
                        *y = scale * ((x - mean) * factor) + shift;
                    }
                }
            },
        );
    }

    /// Computes `scale factor (dy - mean(dy) - normal mean(dy normal))`, with means over the batch.
    fn backward_input(&self, pass: &Backward<'_>, mut dx: MatrixViewMut<'_>) {
        let (scale, _) = pass.params.split_at(pass.params.len() / 2);
        let Cache { mean, factor, d_shift, d_scale, .. } = Cache::new(pass.cache);
        vectorized(
            #[inline(always)]
            || {
                let columns = pass.x.column_iter().zip(pass.dy.column_iter());
                for ((x, dy), mut dx) in columns.zip(dx.column_iter_mut()) {
                    let features = mean.iter().zip(factor).zip(scale).zip(d_shift).zip(d_scale);
                    let terms = x.as_slice().iter().zip(dy.as_slice()).zip(features);
                    for (dx, ((&x, &dy), ((((&mean, &factor), &scale), &d_shift), &d_scale))) in
                        dx.as_mut_slice().iter_mut().zip(terms)
                    {
                        let normal = (x - mean) * factor;
                        *dx = scale * factor * (dy - d_shift - normal * d_scale);
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
        let Cache { mean, factor, .. } = Cache::new(pass.cache);
        vectorized(
            #[inline(always)]
            || {
                for (x, dy) in pass.x.column_iter().zip(pass.dy.column_iter()) {
                    let sums = d_scale.iter_mut().zip(d_shift.iter_mut());
                    let terms = x.as_slice().iter().zip(dy.as_slice()).zip(mean.iter().zip(factor));
                    for ((d_scale, d_shift), ((&x, &dy), (&mean, &factor))) in sums.zip(terms) {
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

    fn batch_sync(&self) -> Option<&dyn BatchSync> {
        Some(self)
    }
}

impl BatchSync for BatchNorm {
    fn n_batch_sums(&self, at: &Place) -> usize {
        2 * at.input.len()
    }

    /// Writes the sum of each feature, then the sum of its squares.
    fn sum_batch(&self, x: MatrixView<'_>, sums: &mut [f64]) {
        assert_eq!(2 * x.nrows(), sums.len(), "rows of a matrix and of the sums of its columns");
        sums.fill(0.0);
        let (sums, squares) = sums.split_at_mut(x.nrows());
        vectorized(
            #[inline(always)]
            || {
                for x in x.column_iter() {
                    let sums = sums.iter_mut().zip(squares.iter_mut());
                    for ((sum, square), &x) in sums.zip(x.as_slice()) {
                        let x = f64::from(x);
                        *sum += x;
                        *square += x * x;
                    }
                }
            },
        );
    }

    fn gather(&self, at: &Place, n_batch: usize, shards: Shards<'_>, cache: &mut [f32]) {
        let (size, n) = (at.input.len(), n_batch as f64);
        totals(
            size,
            shards,
            |shard, i| shard.batch_sums[i],
            |i, [sum, squares]| {
                let mean = sum / n;
                let variance = (squares / n - mean * mean).max(0.0);
                cache[i] = mean as f32;
                cache[size + i] = (1.0 / (variance + self.epsilon).sqrt()) as f32;
                cache[2 * size + i] = (variance * n / (n - 1.0).max(1.0)) as f32;
            },
        );
    }

    fn gather_gradient(&self, at: &Place, n_batch: usize, shards: Shards<'_>, cache: &mut [f32]) {
        let (size, n) = (at.input.len(), n_batch as f64);
        totals(
            size,
            shards,
            |shard, i| shard.column_sums[i].into(),
            |i, [d_scale, d_shift]| {
                cache[3 * size + i] = (d_shift / n) as f32;
                cache[4 * size + i] = (d_scale / n) as f32;
            },
        );
    }

    fn update_statistics(&self, cache: &[f32], statistics: &mut [f32]) {
        let momentum = self.momentum as f32;
        let Cache { mean, variance, .. } = Cache::new(cache);
        let (means, variances) = statistics.split_at_mut(statistics.len() / 2);
        for (running, batch) in [(means, mean), (variances, variance)] {
            for (running, &batch) in running.iter_mut().zip(batch) {
                *running += momentum * (batch - *running);
            }
        }
    }
}

/// Adds up two sums of each feature over all shards, in order. `of` returns one of a shard's `2 size` sums, and `done`
/// takes the two totals of a feature.
fn totals(
    size: usize,
    shards: Shards<'_>,
    of: impl Fn(&ShardView<'_>, usize) -> f64,
    mut done: impl FnMut(usize, [f64; 2]),
) {
    /// The number of features that are added up together: a view of a shard takes longer than an addition.
    const FEATURES: usize = 64;
    for start in (0..size).step_by(FEATURES) {
        let mut totals = [[0.0; 2]; FEATURES];
        let features = start..size.min(start + FEATURES);
        for shard in shards.iter() {
            for (total, i) in totals.iter_mut().zip(features.clone()) {
                total[0] += of(&shard, i);
                total[1] += of(&shard, size + i);
            }
        }
        features.zip(totals).for_each(|(i, totals)| done(i, totals));
    }
}
