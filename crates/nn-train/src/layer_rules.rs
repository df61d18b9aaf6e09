//! The regularisation of each layer, and whether it is frozen.
//!
//! The settings of a run have an entry for each layer with weights. The layers after it that have no weights, such as a
//! normalisation, are frozen with it.

use nn_core::{GradientBlock, Model, Penalty};

use crate::RunConfig;

/// The settings by layer, for every layer of the model.
pub(crate) struct LayerRules {
    penalties: Vec<Penalty>,
    frozen: Vec<bool>,
}

impl LayerRules {
    pub(crate) fn new(model: &Model, config: &RunConfig) -> Self {
        let n_layers = model.layers().len();
        let mut rules =
            Self { penalties: vec![Penalty::default(); n_layers], frozen: vec![false; n_layers] };
        for (entry, layer) in model.architecture().weighted_layers().enumerate() {
            rules.penalties[layer] = config.penalties.get(entry).copied().unwrap_or_default();
            // The next layer with weights overwrites the rest.
            rules.frozen[layer..].fill(config.frozen.get(entry).is_some_and(|&it| it));
        }
        rules
    }

    pub(crate) fn is_frozen(&self, block: &GradientBlock) -> bool {
        self.frozen[block.layer]
    }

    /// Adds the gradient of the block's regularisation to `gradient`.
    pub(crate) fn add_penalty(&self, block: &GradientBlock, params: &[f32], gradient: &mut [f32]) {
        let penalty = self.penalties[block.layer];
        if penalty != Penalty::default() {
            penalty.add_gradient(params, block.n_weights, gradient);
        }
    }
}
