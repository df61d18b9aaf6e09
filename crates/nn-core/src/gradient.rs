//! The gradient by the parameters, in blocks that threads can own.
//!
//! A model's parameters are cut, by its shapes alone, into runs of columns of its dense layers.
//! A block's gradient over the whole batch is computed by one thread in a fixed order of the
//! samples, so the number of threads cannot change it.

use std::ops::Range;

use crate::{Dense, Layer, Model, Workspace, kernels::Accum};

/// About as many parameters as a block has: its gradient and two moments then stay in a core's
/// caches while it is updated, and the book's network gives each of 8 threads a block or two.
const BLOCK_LEN: usize = 8192;

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
    /// Where the block lies in the parameter buffer.
    pub fn range(&self) -> Range<usize> {
        self.dense.range(self.columns.clone())
    }

    /// Overwrites `d_params` with the loss's gradient by the block's parameters, summed over the
    /// samples of `parts` one after another; each must have been through [`Model::backward`].
    ///
    /// # Shapes
    ///
    /// `d_params`: as long as the block's range.
    ///
    /// # Panics
    ///
    /// If `d_params` has another length, or a workspace is of another model.
    #[track_caller]
    pub fn gradient<'a>(
        &self,
        parts: impl IntoIterator<Item = &'a Workspace>,
        d_params: &mut [f32],
    ) {
        assert_eq!(d_params.len(), self.range().len(), "length of a block's gradient");
        let mut accum = Accum::Replace;
        for part in parts {
            let (x, dy) = (part.input_of(self.layer), part.d_output(self.layer));
            self.dense.backward_params(self.columns.clone(), x, dy, accum, d_params);
            accum = Accum::Add;
        }
        if accum == Accum::Replace {
            d_params.fill(0.0);
        }
    }
}

impl Model {
    /// The model's parameters as blocks, in their order in the buffer and without gaps.
    pub fn gradient_blocks(&self) -> Vec<GradientBlock> {
        let mut blocks = Vec::new();
        for (index, layer) in self.layers().iter().enumerate() {
            let Layer::Dense(dense) = *layer else { continue };
            let step = (BLOCK_LEN / dense.outputs).max(1);
            for start in (0..dense.columns()).step_by(step) {
                let columns = start..(start + step).min(dense.columns());
                blocks.push(GradientBlock { layer: index, dense, columns });
            }
        }
        blocks
    }
}
