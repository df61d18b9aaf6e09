//! The gradient with respect to the parameters.
//!
//! That of a block over the whole batch is computed by one thread in a fixed order of the samples, so the number of
//! threads cannot change it.

use crate::{
    GradientBlock, Model, PlacedLayer, Workspace, error::expect_same, layer::Shards,
    workspace::PassState,
};

impl GradientBlock {
    /// Overwrites `d_params` with the loss's gradient with respect to the block's parameters, summed over the samples
    /// of `shards` one after another; each must have been through a backward pass.
    ///
    /// A caller that is about to write the block's parameters hands them in as `to_update`; otherwise it is empty. They
    /// stay as they are, and come to where this core can write them while it has the gradient to compute: if other cores
    /// have read them, that takes as long as an update.
    ///
    /// # Shapes
    ///
    /// `d_params`, and `to_update` if it is not empty: as long as the block's range.
    ///
    /// # Panics
    ///
    /// If a length differs, or a workspace is of another model or has not been through a backward pass.
    #[track_caller]
    pub fn gradient(&self, shards: &[Workspace], d_params: &mut [f32], to_update: &mut [f32]) {
        let n_params = self.range.len();
        expect_same("length of a block's gradient", n_params, d_params.len());
        if !to_update.is_empty() {
            expect_same("length of a block's parameters", n_params, to_update.len());
        }
        for shard in shards {
            shard.check_model(&self.architecture);
            shard.check_state(PassState::Backward, "a backward pass before its gradient");
        }
        if shards.is_empty() {
            return d_params.fill(0.0);
        }
        let (PlacedLayer { layer, place, .. }, block) = self.in_layer();
        let view = |i: usize| shards[i].shard_view(place.index);
        let shards = Shards { len: shards.len(), get: &view };
        layer.op().gradient(place, block, shards, d_params, to_update);
    }
}

impl Model {
    /// Overwrites `gradient` with the gradient with respect to all parameters, summed over the samples of `shards`.
    ///
    /// # Shapes
    ///
    /// `gradient`: as long as [`Model::params`].
    ///
    /// # Panics
    ///
    /// If it has another length, or as [`crate::GradientBlock::gradient`].
    #[track_caller]
    pub fn gradient(&self, shards: &[Workspace], gradient: &mut [f32]) {
        expect_same("length of the gradient", self.params().len(), gradient.len());
        for block in self.gradient_blocks() {
            block.gradient(shards, &mut gradient[block.range.clone()], &mut []);
        }
    }
}
