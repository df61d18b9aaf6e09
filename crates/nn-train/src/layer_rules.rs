//! What a run's settings say about each layer: its regularisation, and whether it is frozen.
//!
//! The settings are lists with an entry for each layer with weights. The layers without weights that follow, such as a
//! normalisation, belong to the same entry.

use nn_core::{GradientBlock, Model, Penalty};

use crate::RunConfig;

/// The settings by layer, for every layer of the model.
pub(crate) struct LayerRules {
    penalties: Vec<Penalty>,
    frozen: Vec<bool>,
}

impl LayerRules {
    pub(crate) fn new(model: &Model, config: &RunConfig) -> Self {
        let mut rules = Self { penalties: Vec::new(), frozen: Vec::new() };
        let weighted: Vec<usize> = model.architecture().weighted_layers().collect();
        let mut n_weighted = 0_usize;
        for layer in 0..model.layers().len() {
            let has_weights = weighted.contains(&layer);
            n_weighted += usize::from(has_weights);
            let entry = n_weighted.checked_sub(1);
            let penalty = entry.and_then(|entry| config.penalties.get(entry));
            rules.penalties.push(penalty.copied().filter(|_| has_weights).unwrap_or_default());
            let frozen = entry.and_then(|entry| config.frozen.get(entry));
            rules.frozen.push(frozen.copied().unwrap_or_default());
        }
        rules
    }

    pub(crate) fn is_frozen(&self, block: &GradientBlock) -> bool {
        self.frozen[block.layer()]
    }

    /// Adds the gradient of the block's regularisation to `gradient`.
    pub(crate) fn add_penalty(&self, block: &GradientBlock, params: &[f32], gradient: &mut [f32]) {
        let penalty = self.penalties[block.layer()];
        if penalty != Penalty::default() {
            penalty.add_gradient(params, block.n_weights(), gradient);
        }
    }
}
