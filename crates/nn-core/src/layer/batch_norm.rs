//! Batch normalisation: each feature gets mean 0 and variance 1 over the batch, then a scale and a shift.
//!
//! `y = scale (x - mean) / sqrt(variance + epsilon) + shift`. In training, mean and variance are those of the
//! feature over the whole batch, however many threads share it: a pass stops before such a layer until all
//! parts' sums are there ([`crate::BatchStatistics::gather`]). In inference they are the running ones, which move by
//! `momentum` of the difference at each batch and are saved with the model.
//!
//! # Sources
//!
//! Ioffe and Szegedy, "Batch Normalization" (2015), algorithms 1 and 2; the running variance is the unbiased
//! one, `n / (n - 1)` times the batch's, as in algorithm 2 and in PyTorch.

use std::ops::Range;

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels,
    layer::norm::Norm,
};

/// Batch normalisation, and where its running statistics begin: the means, then the variances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Its size and parameters.
    pub norm: Norm,
    /// By how much of the difference the running statistics move at a batch, in `(0, 1]`.
    pub momentum: f64,
    /// Index of its first running mean in the model's statistics.
    pub offset: usize,
}

/// What a pass keeps of every feature.
#[derive(Debug)]
struct Kept<'a> {
    mean: &'a [f32],
    /// What makes the variance 1.
    factor: &'a [f32],
    /// The unbiased variance.
    variance: &'a [f32],
    /// The mean over the batch of the gradient by the output, and of that times the normalised input.
    d_shift: &'a [f32],
    d_scale: &'a [f32],
}

/// As many numbers does [`Kept`] have of a feature.
pub(crate) const KEPT_PER_FEATURE: usize = 5;

impl<'a> Kept<'a> {
    fn new(kept: &'a [f32], size: usize) -> Self {
        let mut parts = kept.chunks_exact(size);
        let mut next = || parts.next().unwrap_or_default();
        Self { mean: next(), factor: next(), variance: next(), d_shift: next(), d_scale: next() }
    }
}

impl BatchNorm {
    /// Where the running means lie in the model's statistics. They begin as 0.
    pub fn means(self) -> Range<usize> {
        self.offset..self.offset + self.norm.size
    }

    /// Where the running variances lie in the model's statistics. They begin as 1.
    pub fn variances(self) -> Range<usize> {
        self.offset + self.norm.size..self.end()
    }

    pub(crate) fn end(self) -> usize {
        self.offset + 2 * self.norm.size
    }

    /// Overwrites `sums` with the sums of each feature of `x`, then with those of its squares.
    pub(crate) fn sum(self, x: MatrixView<'_>, sums: &mut [f64]) {
        kernels::sum_columns_and_squares(x, sums);
    }

    /// From all parts' sums, one after another, to the batch's statistics, written to the start of `kept`.
    pub(crate) fn combine<'s>(
        self,
        n: usize,
        parts: impl Iterator<Item = &'s [f64]> + Clone,
        kept: &mut [f32],
    ) {
        let size = self.norm.size;
        let n = n as f64;
        let total = |at: usize| parts.clone().map(|sums| sums[at]).sum::<f64>();
        for i in 0..size {
            let mean = total(i) / n;
            let variance = (total(size + i) / n - mean * mean).max(0.0);
            kept[i] = mean as f32;
            kept[size + i] = (1.0 / (variance + self.norm.epsilon).sqrt()) as f32;
            kept[2 * size + i] = (variance * n / (n - 1.0).max(1.0)) as f32;
        }
    }

    /// From all parts' gradients by scales and shifts to their means, written behind the statistics in `kept`.
    pub(crate) fn combine_gradients<'s>(
        self,
        n: usize,
        parts: impl Iterator<Item = &'s [f32]> + Clone,
        kept: &mut [f32],
    ) {
        let size = self.norm.size;
        let mean = |at: usize| {
            let total: f64 = parts.clone().map(|sums| f64::from(sums[at])).sum();
            (total / n as f64) as f32
        };
        for i in 0..size {
            kept[3 * size + i] = mean(size + i);
            kept[4 * size + i] = mean(i);
        }
    }

    /// Moves the running statistics towards those of the batch.
    pub(crate) fn update(self, kept: &[f32], statistics: &mut [f32]) {
        let momentum = self.momentum as f32;
        let Kept { mean, variance, .. } = Kept::new(kept, self.norm.size);
        let mut move_towards = |range: Range<usize>, batch: &[f32]| {
            for (running, &batch) in statistics[range].iter_mut().zip(batch) {
                *running += momentum * (batch - *running);
            }
        };
        move_towards(self.means(), mean);
        move_towards(self.variances(), variance);
    }

    /// The statistics of inference, as [`BatchNorm::combine`] writes those of training.
    pub(crate) fn running(self, statistics: &[f32], kept: &mut [f32]) {
        let size = self.norm.size;
        kept[..size].copy_from_slice(&statistics[self.means()]);
        let factors = kept[size..2 * size].iter_mut();
        for (factor, &variance) in factors.zip(&statistics[self.variances()]) {
            *factor = (1.0 / (f64::from(variance) + self.norm.epsilon).sqrt()) as f32;
        }
    }

    /// Overwrites `y` with the normalised columns of `x`.
    pub(crate) fn forward(
        self,
        params: &[f32],
        x: MatrixView<'_>,
        mut y: MatrixViewMut<'_>,
        kept: &[f32],
    ) {
        let (scale, shift) = self.norm.params(params);
        let Kept { mean, factor, .. } = Kept::new(kept, self.norm.size);
        for (x, mut y) in x.column_iter().zip(y.column_iter_mut()) {
            kernels::normalize(x.as_slice(), [mean, factor, scale, shift], y.as_mut_slice());
        }
    }

    /// Overwrites `d_sums` with the gradient by scales and shifts, summed over the columns.
    pub(crate) fn sum_gradient(
        self,
        x: MatrixView<'_>,
        kept: &[f32],
        dy: MatrixView<'_>,
        d_sums: &mut [f32],
    ) {
        d_sums.fill(0.0);
        let (d_scale, d_shift) = d_sums.split_at_mut(self.norm.size);
        let Kept { mean, factor, .. } = Kept::new(kept, self.norm.size);
        for (x, dy) in x.column_iter().zip(dy.column_iter()) {
            kernels::add_norm_gradient(
                [x.as_slice(), dy.as_slice(), mean, factor],
                d_scale,
                d_shift,
            );
        }
    }

    /// Overwrites `dx` with the gradient by the input:
    /// `scale factor (dy - mean(dy) - normal mean(dy normal))`, the means being the batch's.
    pub(crate) fn backward_input(
        self,
        params: &[f32],
        x: MatrixView<'_>,
        kept: &[f32],
        dy: MatrixView<'_>,
        mut dx: MatrixViewMut<'_>,
    ) {
        let (scale, _) = self.norm.params(params);
        let Kept { mean, factor, d_shift, d_scale, .. } = Kept::new(kept, self.norm.size);
        let columns = x.column_iter().zip(dy.column_iter()).zip(dx.column_iter_mut());
        for ((x, dy), mut dx) in columns {
            kernels::norm_backward(
                [x.as_slice(), dy.as_slice()],
                [mean, factor, scale, d_shift, d_scale],
                dx.as_mut_slice(),
            );
        }
    }
}
