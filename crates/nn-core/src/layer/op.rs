//! The trait that every kind of layer implements.
//!
//! A dynamic call costs nanoseconds, which does not matter here: the expensive loops are inside the methods.

use std::ops::Range;

use crate::{
    Mode, Place, Role, SettingError, Shape,
    block::WeightCaches,
    buffer::{Matrix, MatrixView, MatrixViewMut},
    kernels::{self, Nonzero, NonzeroMask, add_scaled},
    samples::{Input, SampleBuffer},
};

/// What a layer reads and writes in the forward pass.
pub(crate) struct Forward<'a> {
    pub(crate) at: &'a Place,
    /// The layer's own parameters.
    pub(crate) params: &'a [f32],
    /// The layer's own running statistics.
    pub(crate) statistics: &'a [f32],
    /// The weight cache of each block, as [`LayerOp::refresh_weight_cache`] wrote it.
    pub(crate) weight_caches: WeightCaches<'a>,
    pub(crate) mode: Mode,
    pub(crate) x: Input<'a>,
    /// Outputs x n, to be overwritten.
    pub(crate) y: MatrixViewMut<'a>,
    /// [`LayerOp::cache_len`] numbers, saved for the backward pass.
    pub(crate) cache: &'a mut [f32],
}

/// What a layer reads in the backward pass.
pub(crate) struct Backward<'a> {
    pub(crate) at: &'a Place,
    pub(crate) params: &'a [f32],
    pub(crate) weight_caches: WeightCaches<'a>,
    /// The layer's input; empty for a first layer that takes bytes.
    pub(crate) x: MatrixView<'a>,
    /// The layer's output.
    pub(crate) y: MatrixView<'a>,
    /// The gradient with respect to the output.
    pub(crate) dy: MatrixView<'a>,
    /// What the layer saved in the forward pass.
    pub(crate) cache: &'a [f32],
    /// The nonzero mask of `dy`, if it is known.
    pub(crate) dy_mask: Option<&'a NonzeroMask>,
}

/// One shard's contribution to the gradient of a layer.
#[derive(Clone, Copy)]
pub(crate) struct ShardView<'a> {
    pub(crate) n_samples: usize,
    pub(crate) x: InputView<'a>,
    /// The gradient with respect to the layer's output.
    pub(crate) dy: &'a Matrix,
    /// What [`LayerOp::column_sums`] wrote.
    pub(crate) column_sums: &'a [f32],
    /// What [`BatchSync::sum_batch`] wrote.
    pub(crate) batch_sums: &'a [f64],
}

/// The input of a layer for one shard.
#[derive(Clone, Copy)]
pub(crate) enum InputView<'a> {
    /// The samples themselves.
    Samples(&'a SampleBuffer),
    /// The output of the previous layer, and its nonzero mask.
    Output(&'a Matrix, Option<&'a NonzeroMask>),
}

impl<'a> InputView<'a> {
    /// The number to add to every element.
    pub(crate) fn offset(self) -> f32 {
        match self {
            Self::Samples(samples) => samples.offset(),
            Self::Output(..) => 0.0,
        }
    }

    /// The largest absolute value of the first `n` samples.
    pub(crate) fn max_abs(self, n: usize) -> f32 {
        match self {
            Self::Samples(samples) => samples.max_abs(n),
            Self::Output(values, _) => kernels::max_abs(values.columns(0, n)),
        }
    }

    /// Some rows of some samples, without the offset, and their nonzero mask. `scratch` is memory for scaled bytes.
    pub(crate) fn rows<'s>(
        self,
        rows: Range<usize>,
        samples: Range<usize>,
        scratch: &'s mut [f32],
    ) -> (MatrixView<'s>, Option<Nonzero<'s>>)
    where
        'a: 's,
    {
        match self {
            Self::Samples(buffer) => buffer.rows(rows, samples, scratch),
            Self::Output(values, mask) => {
                let group = samples.start / NonzeroMask::GROUP;
                let mask = mask.map(|mask| mask.rows(rows.start, group));
                (values.part(rows, samples.start, samples.len()), mask)
            }
        }
    }
}

/// The shards of a batch, as one layer sees them.
#[derive(Clone, Copy)]
pub(crate) struct Shards<'a> {
    pub(crate) len: usize,
    pub(crate) get: &'a dyn Fn(usize) -> ShardView<'a>,
}

impl<'a> Shards<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = ShardView<'a>> + Clone {
        (0..self.len).map(self.get)
    }
}

/// What a zero in a layer's output implies for the gradient with respect to its input, at the same position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZeroRule {
    /// Nothing.
    Nothing,
    /// The gradient is 0 there.
    StopsGradient,
    /// The gradient is 0 there, or the input was 0.
    PassesZeros,
}

/// A kind of layer.
pub(crate) trait LayerOp {
    /// Its name in model files and summaries.
    fn name(&self) -> &'static str;

    /// Its settings, with their names.
    fn settings(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Checks the settings. The error is that of the first setting outside its range.
    fn check(&self) -> Result<(), SettingError> {
        Ok(())
    }

    /// The shape of its output for one sample.
    fn output(&self, input: Shape) -> Shape {
        input
    }

    /// Its tensors: name, role and dimensions in C order.
    fn tensors(&self, _input: Shape) -> Vec<(&'static str, Role, Vec<usize>)> {
        Vec::new()
    }

    /// How many numbers it saves in a pass over up to `capacity` samples.
    fn cache_len(&self, _at: &Place, _capacity: usize) -> usize {
        0
    }

    /// Overwrites `y` with the output for `x`.
    fn forward(&self, pass: Forward<'_>);

    /// Overwrites `dx` with the gradient with respect to the layer's input.
    fn backward_input(&self, pass: &Backward<'_>, dx: MatrixViewMut<'_>);

    /// Whether it skips zeros in its input, and so needs the input's nonzero mask.
    fn reads_mask(&self) -> bool {
        false
    }

    /// Whether, as the first layer, it accepts bytes that are scaled but not shifted, and adds the shift itself.
    fn takes_bytes(&self) -> bool {
        false
    }

    /// What zeros in its output imply for the gradient.
    fn zero_rule(&self) -> ZeroRule {
        ZeroRule::Nothing
    }

    /// How many sums over the samples of a shard its gradient needs.
    fn n_column_sums(&self, _at: &Place) -> usize {
        0
    }

    /// Overwrites `sums` with these sums.
    fn column_sums(&self, _pass: &Backward<'_>, _sums: &mut [f32]) {}

    /// The number of parameters in a block. One thread computes a block's gradient and updates it.
    fn block_len(&self, at: &Place) -> usize {
        at.params.len()
    }

    /// Overwrites `d_params` with the gradient with respect to the parameters in `block`, summed over the samples of
    /// all shards in order. `block` is a range of the layer's parameters. `to_update` is these parameters, or empty.
    /// Its numbers do not change, but this core acquires their cache lines for writing.
    fn gradient(
        &self,
        _at: &Place,
        block: Range<usize>,
        shards: Shards<'_>,
        d_params: &mut [f32],
        _to_update: &mut [f32],
    ) {
        add_column_sums(shards, block, d_params);
    }

    /// An upper bound of the absolute value of each element of the gradient, over the samples of a shard.
    fn gradient_bound(&self, _shard: ShardView<'_>) -> f64 {
        0.0
    }

    /// The length of a block's weight cache.
    fn weight_cache_len(&self, _at: &Place, _block: Range<usize>) -> usize {
        0
    }

    /// Overwrites a block's weight cache, given the block's parameters.
    fn refresh_weight_cache(
        &self,
        _at: &Place,
        _block: Range<usize>,
        _params: &[f32],
        _cache: &mut [f32],
    ) {
    }

    /// The layer's work at its sync points; `None` if samples are independent.
    fn batch_sync(&self) -> Option<&dyn BatchSync> {
        None
    }
}

/// What a layer computes between the segments of a training pass, if its samples depend on each other.
pub(crate) trait BatchSync {
    /// How many sums over the samples of a shard the batch's statistics need.
    fn n_batch_sums(&self, at: &Place) -> usize;

    /// Overwrites `sums` with these sums, given a shard's inputs.
    fn sum_batch(&self, x: MatrixView<'_>, sums: &mut [f64]);

    /// Computes the batch's statistics from the sums of all shards, in order. Writes them to the start of `cache`.
    fn gather(&self, at: &Place, n_batch: usize, shards: Shards<'_>, cache: &mut [f32]);

    /// Computes what the gradient needs from the whole batch, from the column sums of all shards. Writes it to the rest
    /// of `cache`.
    fn gather_gradient(&self, at: &Place, n_batch: usize, shards: Shards<'_>, cache: &mut [f32]);

    /// Moves the running statistics towards those of the batch.
    fn update_statistics(&self, cache: &[f32], statistics: &mut [f32]);
}

/// Overwrites `d_params` with the sum of all shards' column sums in `range`, shard after shard.
pub(crate) fn add_column_sums(shards: Shards<'_>, range: Range<usize>, d_params: &mut [f32]) {
    d_params.fill(0.0);
    for shard in shards.iter() {
        add_scaled(d_params, 1.0, &shard.column_sums[range.clone()]);
    }
}
