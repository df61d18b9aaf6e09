//! What a new run begins with, once its data are known: they say how many inputs and outputs the network
//! has, and what is sensible where a setting was left out.

use fmnist_data::Dataset;
use nn_core::{Init, LayerSpec, Model};
use nn_optim::{OptimizerConfig, Schedule};
use nn_train::{RunConfig, TrainingState};

use super::{settings::Hidden, setup::Run};
use crate::exit::Usage;

/// Images of a step, of a set that has as many to learn from.
const BATCH_SIZE: usize = 128;

/// Images held out, of a set that is large enough: of a smaller one, a share of it.
const N_VALIDATION: usize = 5000;

/// Of so many images one is held out, of a small set: as 5,000 of Fashion-MNIST's 60,000.
const VALIDATION_SHARE: usize = 12;

/// The settings of a new run, as far as they were given or need no data.
pub(super) struct Begin {
    pub(super) hidden: Hidden,
    pub(super) optimizer: OptimizerConfig,
    pub(super) schedule: Schedule,
    pub(super) seed: u64,
    pub(super) batch_size: Option<usize>,
    pub(super) n_validation: Option<usize>,
}

impl Begin {
    /// The network between so many inputs and outputs, which must be one that a file can hold.
    pub(super) fn layers(&self, inputs: usize, outputs: usize) -> anyhow::Result<Vec<LayerSpec>> {
        let Hidden(hidden) = &self.hidden;
        let specs = LayerSpec::mlp(&[&[inputs], hidden.as_slice(), &[outputs]].concat());
        nn_io::check_size(&specs, Some(&self.optimizer))
            .map_err(|error| Usage::error(format!("--hidden: {error}")))?;
        Ok(specs)
    }

    /// Makes the run, and says how many images it holds out.
    pub(super) fn run(self, dataset: &Dataset) -> anyhow::Result<(Run, usize)> {
        let images = &dataset.train.images;
        let specs = self.layers(images.width * images.height, dataset.class_names.len())?;
        let share = images.count / VALIDATION_SHARE;
        let n_validation = self.n_validation.unwrap_or(N_VALIDATION.min(share));
        let n_fit = images.count.saturating_sub(n_validation).max(1);
        let batch_size = self.batch_size.unwrap_or(BATCH_SIZE.min(n_fit));
        let config = RunConfig { seed: self.seed, batch_size };
        let model = Model::new(&specs, Init::He, config.seed)?;
        let state = TrainingState::new(&model, self.optimizer, self.schedule, config)?;
        Ok((Run { model, state }, n_validation))
    }
}
