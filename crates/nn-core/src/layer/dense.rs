//! The dense layer: `y = W x + b`.
//!
//! Its parameters form one column-major matrix, outputs x (inputs + 1): a column of weights for each input, and then
//! the biases, as the column of one more input that is always 1. A range of columns is a contiguous block of
//! parameters. One thread computes its gradient and updates it.
//!
//! Passes also read the weights of a block in another form, its weight cache. The gradient with respect to the input
//! runs along the rows of the weights, which are not contiguous, so the weight cache is their transpose. In training,
//! the first layer has no such gradient. Its input can have an offset, the same for all elements, which is multiplied
//! by the sum of the weights' columns. So its weight cache is that sum. Once a step, the thread that has just updated a
//! block refreshes the block's weight cache, while the block is still in the core's cache.

use std::ops::Range;

use super::op::{Backward, Forward, LayerOp, ShardView, Shards, add_column_sums};
use crate::{
    Place, Role, SettingError, Shape,
    buffer::{MatrixView, MatrixViewMut, column_stride, with_scratch},
    kernels::{
        self, NonzeroMask, Start, TERMS, Term, add_scaled, multiply, multiply_transposed, transpose,
    },
};

/// The approximate number of parameters in a block. Its gradient and two moments then stay in a core's caches during
/// the update, and the book's network gives each of 8 threads one or two blocks.
const BLOCK_LEN: usize = 8192;

/// The minimum number of columns in a block, however wide its layer. With this many, loading a panel of deltas into L1
/// pays off. As the rows of a transpose, they are the 6 vectors of a tile with AVX2.
const MIN_COLUMNS: usize = 48;

/// A dense (fully connected) layer: `y = W x + b`. It accepts any input shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// The number of outputs, 1 or more.
    pub outputs: usize,
}

impl Dense {
    /// The columns of a block that are weights. The block's last column can be the biases instead.
    fn weight_columns(self, at: &Place, block: &Range<usize>) -> Range<usize> {
        block.start / self.outputs..(block.end / self.outputs).min(at.input.len())
    }
}

impl LayerOp for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn check(&self) -> Result<(), SettingError> {
        let (expected, found) = ("1 or more", self.outputs as f64);
        SettingError::check("outputs", self.outputs > 0, expected, found)
    }

    fn output(&self, _: Shape) -> Shape {
        Shape::flat(self.outputs)
    }

    fn tensors(&self, input: Shape) -> Vec<(&'static str, Role, Vec<usize>)> {
        let weights = vec![input.len(), self.outputs];
        vec![("weights", Role::Weight, weights), ("biases", Role::Bias, vec![self.outputs])]
    }

    fn reads_mask(&self) -> bool {
        true
    }

    fn takes_bytes(&self) -> bool {
        true
    }

    /// An offset of the input is multiplied by the sum of the weights' columns and added to the biases, once for all
    /// samples.
    fn forward(&self, pass: Forward<'_>) {
        let Forward { at, params, weight_caches, x, mut y, .. } = pass;
        let inputs = at.input.len();
        let (weights, biases) = params.split_at(inputs * self.outputs);
        let mut columns = y.column_iter_mut();
        let Some(mut first) = columns.next() else { return };
        let first = first.as_mut_slice();
        first.copy_from_slice(biases);
        if x.offset != 0.0 {
            for column_sum in weight_caches.iter() {
                add_scaled(first, x.offset, column_sum);
            }
        }
        for mut column in columns {
            column.as_mut_slice().copy_from_slice(first);
        }
        let weights = MatrixView::from_slice(weights, self.outputs, inputs);
        multiply(y, Start::Existing, weights, x.values, x.mask.map(NonzeroMask::columns));
    }

    /// Computes `WT dy`. The first layer's weight cache is not a transpose, so its weights are transposed here.
    fn backward_input(&self, pass: &Backward<'_>, mut dx: MatrixViewMut<'_>) {
        let nonzero = pass.dy_mask.map(NonzeroMask::columns);
        let mut add_rows = |start: usize, transposed: &[f32]| {
            let n_rows = transposed.len() / self.outputs;
            let transposed = MatrixView::from_slice(transposed, n_rows, self.outputs);
            multiply(dx.rows_mut(start, n_rows), Start::Zero, transposed, pass.dy, nonzero);
            start + n_rows
        };
        if pass.at.index == 0 {
            let weights = &pass.params[..pass.at.input.len() * self.outputs];
            let view = MatrixView::from_slice(weights, self.outputs, pass.at.input.len());
            return with_scratch(weights.len(), |transposed| {
                transpose(view, transposed);
                add_rows(0, transposed);
            });
        }
        pass.weight_caches.iter().fold(0, add_rows);
    }

    fn n_column_sums(&self, _: &Place) -> usize {
        self.outputs
    }

    /// The gradient with respect to the biases.
    fn column_sums(&self, pass: &Backward<'_>, sums: &mut [f32]) {
        kernels::sum_columns(pass.dy, sums);
    }

    fn block_len(&self, _: &Place) -> usize {
        self.outputs * (BLOCK_LEN / self.outputs).max(MIN_COLUMNS)
    }

    /// The gradient with respect to the weights is `dy xT`, summed over all samples. If x is `values + offset`, that is
    /// `dy valuesT` plus the offset times the sum of dy.
    fn gradient(
        &self,
        at: &Place,
        block: Range<usize>,
        shards: Shards<'_>,
        d_params: &mut [f32],
        to_update: &mut [f32],
    ) {
        let columns = self.weight_columns(at, &block);
        let (d_weights, d_biases) = d_params.split_at_mut(columns.len() * self.outputs);
        if !d_biases.is_empty() {
            add_column_sums(shards, 0..self.outputs, d_biases);
        }
        if d_weights.is_empty() {
            return;
        }
        let (mut to_update, _) = to_update.split_at_mut(d_weights.len().min(to_update.len()));
        let mut d_weights = MatrixViewMut::from_slice(d_weights, self.outputs, columns.len());
        let len = NonzeroMask::GROUP * column_stride(columns.len());
        with_scratch(TERMS * len + self.outputs, |scratch| {
            let (scratch, of_offsets) = scratch.split_at_mut(TERMS * len);
            of_offsets.fill(0.0);
            for shard in shards.iter() {
                add_scaled(of_offsets, shard.x.offset(), shard.column_sums);
            }
            let mut start = Start::Column(of_offsets);
            let mut rest = shards.iter().flat_map(groups).peekable();
            loop {
                let groups = rest.by_ref().take(TERMS).zip(scratch.chunks_exact_mut(len));
                let terms = groups.map(|((shard, samples), scratch)| {
                    let a = shard.dy.columns(samples.start, samples.len());
                    let (b, nonzero) = shard.x.rows(columns.clone(), samples, scratch);
                    Term { a, b, nonzero }
                });
                let claimed = std::mem::take(&mut to_update);
                multiply_transposed(d_weights.as_view_mut(), start, terms, claimed);
                if rest.peek().is_none() {
                    break;
                }
                start = Start::Existing;
            }
        });
    }

    fn gradient_bound(&self, shard: ShardView<'_>) -> f64 {
        let n = shard.n_samples;
        let dy = kernels::max_abs(shard.dy.columns(0, n));
        // A bias is multiplied by 1, so 1 is the lower limit. A comparison instead of `max`, which would lose a NaN.
        let x = shard.x.max_abs(n);
        let x = if x < 1.0 { 1.0 } else { x };
        f64::from(dy) * f64::from(x) * n as f64
    }

    fn weight_cache_len(&self, at: &Place, block: Range<usize>) -> usize {
        let n_columns = self.weight_columns(at, &block).len();
        if at.index == 0 { self.outputs } else { n_columns * self.outputs }
    }

    fn refresh_weight_cache(
        &self,
        at: &Place,
        block: Range<usize>,
        params: &[f32],
        cache: &mut [f32],
    ) {
        let n_columns = self.weight_columns(at, &block).len();
        let weights = &params[..n_columns * self.outputs];
        let weights = MatrixView::from_slice(weights, self.outputs, n_columns);
        if at.index == 0 {
            kernels::sum_columns(weights, cache);
        } else {
            transpose(weights, cache);
        }
    }
}

/// The shard, paired with each range of its samples that share mask words.
fn groups(shard: ShardView<'_>) -> impl Iterator<Item = (ShardView<'_>, Range<usize>)> {
    let n = shard.n_samples;
    let starts = (0..n).step_by(NonzeroMask::GROUP);
    starts.map(move |start| (shard, start..n.min(start + NonzeroMask::GROUP)))
}
