//! The parameters of a model in blocks that threads can own.
//!
//! The parameters of each layer are cut, by its shape alone, into blocks. One thread computes the gradient of a block
//! and updates it.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::{Architecture, PlacedLayer, Role, TensorSpec};

/// A contiguous run of one layer's parameters.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientBlock {
    /// The model's. A gradient is that of workspaces of the same.
    pub(crate) architecture: Arc<Architecture>,
    /// Index of its layer in the model.
    pub layer: usize,
    /// Where it lies in the parameter buffer.
    pub range: Range<usize>,
    /// How many of its parameters are weights; the biases, scales or shifts come after them.
    pub n_weights: usize,
}

impl GradientBlock {
    /// The blocks of all layers, in their order in the buffer and without gaps.
    pub(crate) fn of(architecture: &Arc<Architecture>) -> Vec<Self> {
        let mut blocks = Vec::new();
        for at in architecture.layers() {
            let is_weights =
                |it: &&TensorSpec| it.role == Role::Weight && it.layer == at.place.index;
            let weights = architecture.tensors().iter().find(is_weights);
            // Weights come first among the parameters of a layer.
            let end_of_weights = weights.map_or(0, |tensor| tensor.range.end);
            let len = at.layer.op().block_len(&at.place).max(1);
            for start in at.place.params.clone().step_by(len) {
                let range = start..(start + len).min(at.place.params.end);
                let n_weights = end_of_weights.min(range.end).saturating_sub(start);
                let (architecture, layer) = (architecture.clone(), at.place.index);
                blocks.push(Self { architecture, layer, range, n_weights });
            }
        }
        blocks
    }

    /// The block's layer, and its range counted from the first parameter of that.
    pub(crate) fn in_layer(&self) -> (&PlacedLayer, Range<usize>) {
        let at = &self.architecture.layers()[self.layer];
        let first = at.place.params.start;
        (at, self.range.start - first..self.range.end - first)
    }

    /// The weight cache of the block's parameters.
    fn weight_cache(&self, params: &[f32]) -> Vec<f32> {
        let (PlacedLayer { layer, place, .. }, block) = self.in_layer();
        let mut cache = vec![0.0; layer.op().weight_cache_len(place, block)];
        self.refresh(params, &mut cache);
        cache
    }

    fn refresh(&self, params: &[f32], cache: &mut [f32]) {
        let (PlacedLayer { layer, place, .. }, block) = self.in_layer();
        layer.op().refresh_weight_cache(place, block, params, cache);
    }
}

/// The parameters of some blocks of a model, for an optimizer to update. Threads split it.
///
/// The weight cache of each block that has one is refreshed after its update.
#[derive(Debug)]
pub struct BlocksMut<'a> {
    pub(crate) blocks: &'a [GradientBlock],
    pub(crate) params: &'a mut [f32],
    pub(crate) weight_caches: &'a mut [OnceLock<Vec<f32>>],
}

/// The weight caches of a layer's blocks. A pass that is the first to read one makes it, so a model that only predicts takes
/// no memory for transposes.
#[derive(Clone, Copy)]
pub(crate) struct WeightCaches<'a> {
    pub(crate) blocks: &'a [GradientBlock],
    /// All parameters of the model.
    pub(crate) params: &'a [f32],
    pub(crate) caches: &'a [OnceLock<Vec<f32>>],
}

impl<'a> WeightCaches<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [f32]> {
        self.blocks.iter().zip(self.caches).map(move |(block, cache)| {
            let make = || block.weight_cache(&self.params[block.range.clone()]);
            cache.get_or_init(make).as_slice()
        })
    }
}

impl BlocksMut<'_> {
    /// How many blocks there are.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
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
        let Self { blocks, params, weight_caches } = self;
        let n = blocks.len();
        assert!(mid <= n, "blocks: expected a split at {n} or before, found {mid}");
        let (blocks, rest_blocks) = blocks.split_at(mid);
        let (weight_caches, rest_caches) = weight_caches.split_at_mut(mid);
        let n_params = blocks.iter().map(|block| block.range.len()).sum();
        let (params, rest_params) = params.split_at_mut(n_params);
        (
            Self { blocks, params, weight_caches },
            Self { blocks: rest_blocks, params: rest_params, weight_caches: rest_caches },
        )
    }

    /// Lets `update` change the parameters of each block.
    pub fn for_each(self, mut update: impl FnMut(&GradientBlock, &mut [f32])) {
        let mut rest = self.params;
        for (block, cache) in self.blocks.iter().zip(self.weight_caches) {
            let (params, after) = rest.split_at_mut(block.range.len());
            update(block, params);
            if let Some(cache) = cache.get_mut() {
                block.refresh(params, cache);
            }
            rest = after;
        }
    }
}
