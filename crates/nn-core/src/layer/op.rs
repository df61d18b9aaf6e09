//! What a layer knows: the one trait that every kind implements.
//!
//! A call through it costs nanoseconds; the loops that take the time are inside.

use std::ops::Range;

use crate::{
    Mode, Place, Role, SettingError, Shape,
    block::WeightCaches,
    buffer::{Matrix, MatrixView, MatrixViewMut},
    kernels::{self, Nonzero, NonzeroMask, add_scaled},
    samples::{Input, SampleBuffer},
};

/// What a layer reads and writes on the way forward.
pub(crate) struct Forward<'a> {
    pub(crate) at: &'a Place,
    /// The layer's own parameters and running statistics.
    pub(crate) params: &'a [f32],
    pub(crate) statistics: &'a [f32],
    /// Of each block of the parameters, what [`LayerOp::refresh_weight_cache`] wrote.
    pub(crate) weight_caches: WeightCaches<'a>,
    pub(crate) mode: Mode,
    pub(crate) x: Input<'a>,
    /// Outputs x n, to be overwritten.
    pub(crate) y: MatrixViewMut<'a>,
    /// [`LayerOp::cache_len`] numbers, saved for the way back.
    pub(crate) cache: &'a mut [f32],
}

/// What a layer reads on the way back.
pub(crate) struct Backward<'a> {
    pub(crate) at: &'a Place,
    pub(crate) params: &'a [f32],
    pub(crate) weight_caches: WeightCaches<'a>,
    /// The layer's input; empty for a first layer that takes bytes.
    pub(crate) x: MatrixView<'a>,
    /// Its output, and the gradient with respect to that.
    pub(crate) y: MatrixView<'a>,
    pub(crate) dy: MatrixView<'a>,
    /// What it saved on the way forward.
    pub(crate) cache: &'a [f32],
    /// Where `dy` is not zero, if that is known.
    pub(crate) dy_mask: Option<&'a NonzeroMask>,
}

/// What the gradient of a layer is made of, of one shard of the batch.
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

/// What a layer read of a shard.
#[derive(Clone, Copy)]
pub(crate) enum InputView<'a> {
    /// The samples themselves.
    Samples(&'a SampleBuffer),
    /// The output of the layer before, and where it is not zero.
    Output(&'a Matrix, Option<&'a NonzeroMask>),
}

impl<'a> InputView<'a> {
    /// What is to be added to every element.
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

    /// Some rows of some samples, without the offset, and where they are not zero. `scratch` is room for scaled bytes.
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

/// What a zero in a layer's output implies for the gradient with respect to its input there.
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
    /// Its name in files and summaries.
    fn name(&self) -> &'static str;

    /// Its settings by name.
    fn settings(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// The error for the first setting outside its range.
    fn check(&self) -> Result<(), SettingError> {
        Ok(())
    }

    /// The shape that leaves the layer.
    fn output(&self, input: Shape) -> Shape {
        input
    }

    /// Its tensors: name, role and dimensions in C order.
    fn tensors(&self, _input: Shape) -> Vec<(&'static str, Role, Vec<usize>)> {
        Vec::new()
    }

    /// How many numbers it saves of a pass over up to `capacity` samples.
    fn cache_len(&self, _at: &Place, _capacity: usize) -> usize {
        0
    }

    /// Overwrites `y` with the output for `x`.
    fn forward(&self, pass: Forward<'_>);

    /// Overwrites `dx` with the gradient with respect to the layer's input.
    fn backward_input(&self, pass: &Backward<'_>, dx: MatrixViewMut<'_>);

    /// Whether it skips zeros of its input, and so needs a mask of it.
    fn reads_mask(&self) -> bool {
        false
    }

    /// Whether, as a first layer, it takes bytes that are scaled but not shifted, and adds the shift itself.
    fn takes_bytes(&self) -> bool {
        false
    }

    /// What zeros of its output imply.
    fn zero_rule(&self) -> ZeroRule {
        ZeroRule::Nothing
    }

    /// How many sums over the samples of a shard its gradient is made of.
    fn n_column_sums(&self, _at: &Place) -> usize {
        0
    }

    /// Overwrites `sums` with them.
    fn column_sums(&self, _pass: &Backward<'_>, _sums: &mut [f32]) {}

    /// How many parameters make a block, which one thread computes the gradient of and updates.
    fn block_len(&self, at: &Place) -> usize {
        at.params.len()
    }

    /// Overwrites `d_params` with the gradient with respect to the parameters in `block`, counted from the layer's
    /// first, summed over the samples of all shards in order. `to_update` are these parameters, or nothing: they are
    /// left as they are, and brought to where this core can write them.
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

    /// A bound of the gradient over the samples of a shard: no element is further from 0.
    fn gradient_bound(&self, _shard: ShardView<'_>) -> f64 {
        0.0
    }

    /// How many numbers the passes read of a block of weights in another form.
    fn weight_cache_len(&self, _at: &Place, _block: Range<usize>) -> usize {
        0
    }

    /// Overwrites `cache` with them, `params` being those of the block.
    fn refresh_weight_cache(
        &self,
        _at: &Place,
        _block: Range<usize>,
        _params: &[f32],
        _cache: &mut [f32],
    ) {
    }

    /// What the layer does where the shards of a batch wait for each other; `None` if samples are independent.
    fn batch_sync(&self) -> Option<&dyn BatchSync> {
        None
    }
}

/// A layer whose samples depend on each other: what it computes between the segments of a training pass.
pub(crate) trait BatchSync {
    /// How many sums over the samples of a shard the statistics are made of.
    fn n_batch_sums(&self, at: &Place) -> usize;

    /// Overwrites `sums` with those of a shard's inputs.
    fn sum_batch(&self, x: MatrixView<'_>, sums: &mut [f64]);

    /// From the sums of all shards, in order, to what the layer keeps of the batch, written to the start of `cache`.
    fn gather(&self, at: &Place, n_batch: usize, shards: Shards<'_>, cache: &mut [f32]);

    /// From the column sums of all shards to what the gradient needs of the batch, written to the rest of `cache`.
    fn gather_gradient(&self, at: &Place, n_batch: usize, shards: Shards<'_>, cache: &mut [f32]);

    /// Moves the running statistics towards those of the batch.
    fn update_statistics(&self, cache: &[f32], statistics: &mut [f32]);
}

/// Overwrites `d_params` with the sums of all shards' column sums in `range`, shard after shard.
pub(crate) fn add_column_sums(shards: Shards<'_>, range: Range<usize>, d_params: &mut [f32]) {
    d_params.fill(0.0);
    for shard in shards.iter() {
        add_scaled(d_params, 1.0, &shard.column_sums[range.clone()]);
    }
}
