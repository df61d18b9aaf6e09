//! The blocks of a model's parameters, which threads share out among themselves.
//!
//! The parameters of each layer are divided into blocks, depending only on the layer's shape. One thread computes the
//! gradient of a block and then updates its parameters.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::{Architecture, PlacedLayer, Role, TensorSpec};

/// A block: a contiguous range of one layer's parameters, whose gradient one thread computes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GradientBlock {
    /// The model's architecture. Workspaces must have the same one.
    pub(crate) architecture: Arc<Architecture>,
    /// The index of its layer in the model.
    pub layer: usize,
    /// Its range in the parameter buffer.
    pub range: Range<usize>,
    /// The number of weights among its parameters. Biases, scales or shifts come after them.
    pub n_weights: usize,
}

impl GradientBlock {
    /// The blocks of all layers, in the order of the parameter buffer. They cover it without gaps.
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

    /// The block's layer, and the block's range within that layer's parameters.
    pub(crate) fn in_layer(&self) -> (&PlacedLayer, Range<usize>) {
        let at = &self.architecture.layers()[self.layer];
        let first = at.place.params.start;
        (at, self.range.start - first..self.range.end - first)
    }

    /// Computes the block's weight cache from its parameters.
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

/// Mutable access to the parameters of some blocks of a model, for an optimizer to update. Threads can split it.
///
/// After a block's update, its weight cache is refreshed, if it has been made.
#[derive(Debug)]
pub struct BlocksMut<'a> {
    pub(crate) blocks: &'a [GradientBlock],
    pub(crate) params: &'a mut [f32],
    pub(crate) weight_caches: &'a mut [OnceLock<Vec<f32>>],
}

/// The weight caches of a layer's blocks. The first pass that reads a cache makes it, so a model that only predicts
/// needs no memory for transposes.
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
    /// The number of blocks.
    pub fn n_blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The number of parameters in these blocks.
    pub fn n_params(&self) -> usize {
        self.params.len()
    }

    /// Splits off the first `mid` blocks from the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer than `mid` blocks.
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

    /// Calls `update` with each block and its parameters.
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
