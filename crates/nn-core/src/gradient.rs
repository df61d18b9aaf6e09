//! The gradient by the parameters, in blocks that threads can own.
//!
//! A model's parameters are cut, by its shapes alone, into runs of columns of its dense layers.
//! A block's gradient over the whole batch is computed by one thread in a fixed order of the
//! samples, so the number of threads cannot change it.

use std::ops::Range;

use crate::{Dense, Layer, Workspace, buffer::MatrixViewMut, kernels::add_scaled, mirror::Mirror};

/// About as many parameters as a block has: its gradient and two moments then stay in a core's
/// caches while it is updated, and the book's network gives each of 8 threads a block or two.
const BLOCK_LEN: usize = 8192;

/// The fewest columns of a block, however wide its layer: fewer are too few for the tiles of a product,
/// and for the rows of the mirror's.
const LEAST_COLUMNS: usize = 16;

/// A contiguous run of one layer's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GradientBlock {
    /// Index of the layer in the model.
    layer: usize,
    dense: Dense,
    /// Which columns of the layer's parameters.
    columns: Range<usize>,
}

impl GradientBlock {
    /// The blocks of some layers, in their order in the buffer and without gaps.
    pub(crate) fn of_layers(layers: &[Layer]) -> Vec<Self> {
        let mut blocks = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            let Layer::Dense(dense) = *layer else { continue };
            let step = (BLOCK_LEN / dense.outputs).max(LEAST_COLUMNS);
            for start in (0..dense.columns()).step_by(step) {
                let columns = start..(start + step).min(dense.columns());
                blocks.push(Self { layer: index, dense, columns });
            }
        }
        blocks
    }

    /// The block's mirror, to be refreshed.
    pub(crate) fn mirror(&self) -> Mirror {
        Mirror::new(self.dense.outputs, self.weights().len(), self.layer == 0)
    }

    /// Index of its layer in the model.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Where the block lies in the parameter buffer.
    pub fn range(&self) -> Range<usize> {
        self.dense.range(self.columns.clone())
    }

    /// Which of the columns are weights; the one behind them, if the block has it, is the biases.
    fn weights(&self) -> Range<usize> {
        self.columns.start..self.columns.end.min(self.dense.inputs)
    }

    /// Overwrites `d_params` with the loss's gradient by the block's parameters, summed over the
    /// samples of `parts` one after another; each must have been through [`crate::Model::backward`].
    ///
    /// # Shapes
    ///
    /// `d_params`: as long as the block's range.
    ///
    /// # Panics
    ///
    /// If `d_params` has another length, or a workspace is of another model or one for inference.
    #[track_caller]
    pub fn gradient<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a Workspace, IntoIter: Clone>,
        d_params: &mut [f32],
    ) {
        assert_eq!(d_params.len(), self.range().len(), "length of a block's gradient");
        let parts = parts.into_iter();
        let outputs = self.dense.outputs;
        let weights = self.weights();
        let (d_weights, d_biases) = d_params.split_at_mut(weights.len() * outputs);

        // dy xT, of an x that is `values + offset`: the offset times the sum of dy, and dy valuesT.
        d_weights.fill(0.0);
        if let Some((first, others)) = d_weights.split_at_mut_checked(outputs) {
            for part in parts.clone() {
                let offset = part.offset_of(self.layer);
                if offset != 0.0 {
                    add_scaled(first, offset, &part.d_sums[self.layer]);
                }
            }
            for column in others.chunks_exact_mut(outputs) {
                column.copy_from_slice(first);
            }
        }
        if !weights.is_empty() {
            for part in parts.clone() {
                let d_weights = MatrixViewMut::from_slice(d_weights, outputs, weights.len());
                part.add_weight_gradient(self.layer, weights.clone(), d_weights);
            }
        }

        // By biases: the sum of dy.
        d_biases.fill(0.0);
        if !d_biases.is_empty() {
            for part in parts {
                add_scaled(d_biases, 1.0, &part.d_sums[self.layer]);
            }
        }
    }
}

/// The parameters of some blocks of a model, for an optimizer to update. Threads split it.
///
/// What the model keeps of its parameters in another form follows each block's update.
#[derive(Debug)]
pub struct BlocksMut<'a> {
    blocks: &'a [GradientBlock],
    params: &'a mut [f32],
    mirrors: &'a mut [Mirror],
}

impl<'a> BlocksMut<'a> {
    pub(crate) fn new(
        blocks: &'a [GradientBlock],
        params: &'a mut [f32],
        mirrors: &'a mut [Mirror],
    ) -> Self {
        Self { blocks, params, mirrors }
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// How many parameters they have.
    pub fn n_params(&self) -> usize {
        self.params.len()
    }

    /// The first `mid` blocks and the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer than `mid`.
    #[track_caller]
    pub fn split_at(self, mid: usize) -> (Self, Self) {
        let (blocks, rest_blocks) = self.blocks.split_at(mid);
        let (mirrors, rest_mirrors) = self.mirrors.split_at_mut(mid);
        let n_params = blocks.iter().map(|block| block.range().len()).sum();
        let (params, rest_params) = self.params.split_at_mut(n_params);
        (
            Self { blocks, params, mirrors },
            Self { blocks: rest_blocks, params: rest_params, mirrors: rest_mirrors },
        )
    }

    /// Has `update` change the parameters of each block.
    pub fn for_each(self, mut update: impl FnMut(&GradientBlock, &mut [f32])) {
        let mut rest = self.params;
        for (block, mirror) in self.blocks.iter().zip(self.mirrors) {
            let (params, behind) = rest.split_at_mut(block.range().len());
            update(block, params);
            mirror.refresh(params);
            rest = behind;
        }
    }
}
