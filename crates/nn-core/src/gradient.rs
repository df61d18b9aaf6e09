//! The gradient by the parameters, in blocks that threads can own.
//!
//! A model's parameters are cut, by its shapes alone, into runs of columns of its dense layers, and the
//! scales and shifts of each normalisation.
//! A block's gradient over the whole batch is computed by one thread in a fixed order of the
//! samples, so the number of threads cannot change it.

use std::ops::Range;

use crate::{
    Dense, Layer, Workspace, buffer::MatrixViewMut, kernels::add_scaled,
    layer::batch_norm::BatchNorm, layer::norm::Norm, mirror::Mirror,
};

/// About as many parameters as a block has: its gradient and two moments then stay in a core's
/// caches while it is updated, and the book's network gives each of 8 threads a block or two.
const BLOCK_LEN: usize = 8192;

/// The fewest columns of a block, however wide its layer: so many pay for bringing a panel of deltas to L1, and are,
/// as the rows of a mirror, the 6 vectors of AVX2's tiles.
const LEAST_COLUMNS: usize = 48;

/// A contiguous run of one layer's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct GradientBlock {
    /// Index of the layer in the model.
    layer: usize,
    params: BlockParams,
}

/// Which parameters.
#[derive(Clone, Debug, PartialEq)]
enum BlockParams {
    /// Columns of a dense layer's.
    Columns(Dense, Range<usize>),
    /// All of a normalisation.
    Norm(Norm),
}

impl GradientBlock {
    /// The blocks of some layers, in their order in the buffer and without gaps.
    pub(crate) fn of_layers(layers: &[Layer]) -> Vec<Self> {
        let mut blocks = Vec::new();
        for (layer, spec) in layers.iter().enumerate() {
            match *spec {
                Layer::Dense(dense) => {
                    let step = (BLOCK_LEN / dense.outputs).max(LEAST_COLUMNS);
                    for start in (0..dense.columns()).step_by(step) {
                        let columns = start..(start + step).min(dense.columns());
                        blocks.push(Self { layer, params: BlockParams::Columns(dense, columns) });
                    }
                }
                Layer::LayerNorm(norm) | Layer::BatchNorm(BatchNorm { norm, .. }) => {
                    blocks.push(Self { layer, params: BlockParams::Norm(norm) });
                }
                Layer::Activation { .. } | Layer::Softmax(_) | Layer::Dropout(_) => {}
            }
        }
        blocks
    }

    /// The block's mirror, to be refreshed.
    pub(crate) fn mirror(&self) -> Mirror {
        match &self.params {
            BlockParams::Columns(dense, columns) => {
                Mirror::new(dense.outputs, weights(*dense, columns).len(), self.layer == 0)
            }
            BlockParams::Norm(_) => Mirror::nothing(),
        }
    }

    /// Index of its layer in the model.
    pub fn layer(&self) -> usize {
        self.layer
    }

    /// Where the block lies in the parameter buffer.
    pub fn range(&self) -> Range<usize> {
        match &self.params {
            BlockParams::Columns(dense, columns) => dense.range(columns.clone()),
            BlockParams::Norm(norm) => norm.offset..norm.end(),
        }
    }

    /// How many of the block's parameters are a dense layer's weights; behind them are biases, or they are those of
    /// a normalisation.
    pub fn n_weights(&self) -> usize {
        match &self.params {
            BlockParams::Columns(dense, columns) => weights(*dense, columns).len() * dense.outputs,
            BlockParams::Norm(_) => 0,
        }
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
        self.write_gradient(parts, d_params, &mut []);
    }

    /// [`GradientBlock::gradient`] for a caller who is about to write the block's `params`. They stay as they are, and
    /// come to where this core may write them while it has the gradient to compute: if other cores have read them, that
    /// takes as long as an update.
    ///
    /// # Shapes
    ///
    /// `d_params` and `params`: as long as the block's range.
    ///
    /// # Panics
    ///
    /// If either has another length, or as [`GradientBlock::gradient`].
    #[track_caller]
    pub fn gradient_for_update<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a Workspace, IntoIter: Clone>,
        d_params: &mut [f32],
        params: &mut [f32],
    ) {
        assert_eq!(params.len(), self.range().len(), "length of a block's parameters");
        self.write_gradient(parts, d_params, params);
    }

    /// Writes the gradient; `to_update` are the block's parameters, or nothing.
    #[track_caller]
    fn write_gradient<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a Workspace, IntoIter: Clone>,
        d_params: &mut [f32],
        to_update: &mut [f32],
    ) {
        assert_eq!(d_params.len(), self.range().len(), "length of a block's gradient");
        let parts = parts.into_iter();
        let (d_weights, d_others) = d_params.split_at_mut(self.n_weights());
        if let BlockParams::Columns(dense, columns) = &self.params {
            let weights = weights(*dense, columns);
            if !weights.is_empty() {
                let (to_update, _) = to_update.split_at_mut(d_weights.len().min(to_update.len()));
                let d_weights = MatrixViewMut::from_slice(d_weights, dense.outputs, weights.len());
                Workspace::weight_gradient(
                    parts.clone(),
                    self.layer,
                    weights,
                    d_weights,
                    to_update,
                );
            }
        }

        // By biases: the sum of dy; by scales and shifts, what the passes have summed up for them.
        d_others.fill(0.0);
        if !d_others.is_empty() {
            for part in parts {
                add_scaled(d_others, 1.0, &part.d_sums[self.layer]);
            }
        }
    }
}

/// Which of a dense layer's columns are weights; the one behind them, if it is among them, is the biases.
fn weights(dense: Dense, columns: &Range<usize>) -> Range<usize> {
    columns.start..columns.end.min(dense.inputs)
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
