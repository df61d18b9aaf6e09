//! The gradient with respect to the parameters.
//!
//! One thread computes a block's gradient over the whole batch, in a fixed order of the samples. So the number of
//! threads cannot change the result.

use crate::{
    GradientBlock, Model, PlacedLayer, Workspace, error::expect_same, layer::Shards,
    workspace::PassState,
};

impl GradientBlock {
    /// Computes the gradient of the loss with respect to the block's parameters, summed over the samples of `shards` in
    /// order. Overwrites `d_params`. Each shard must have been through a backward pass.
    ///
    /// A caller that is about to update the block's parameters passes them as `to_update`; all others pass an empty
    /// slice. Their values do not change, but this core acquires their cache lines for writing while it computes the
    /// gradient. If other cores have read the parameters, that would otherwise take as long as the update itself.
    ///
    /// # Shapes
    ///
    /// `d_params`, and `to_update` if it is not empty: as long as the block's range.
    ///
    /// # Panics
    ///
    /// If a length differs, or a workspace belongs to another model or has not been through a backward pass.
    #[track_caller]
    pub fn gradient(&self, shards: &[Workspace], d_params: &mut [f32], to_update: &mut [f32]) {
        let n_params = self.range.len();
        expect_same("length of a block's gradient", n_params, d_params.len());
        if !to_update.is_empty() {
            expect_same("length of a block's parameters", n_params, to_update.len());
        }
        for shard in shards {
            shard.check_model(&self.architecture);
            shard.check_state(PassState::Backward, "a backward pass before the gradient");
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
    /// Computes the gradient of the loss with respect to all parameters, summed over the samples of `shards`.
    /// Overwrites `gradient`.
    ///
    /// # Shapes
    ///
    /// `gradient`: as long as [`Model::params`].
    ///
    /// # Panics
    ///
    /// If `gradient` has another length, or as for [`crate::GradientBlock::gradient`].
    #[track_caller]
    pub fn gradient(&self, shards: &[Workspace], gradient: &mut [f32]) {
        expect_same("length of the gradient", self.params().len(), gradient.len());
        for block in self.gradient_blocks() {
            block.gradient(shards, &mut gradient[block.range.clone()], &mut []);
        }
    }
}
