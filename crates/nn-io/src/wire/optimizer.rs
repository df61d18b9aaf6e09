//! The optimizer: `training.optimizer` in section 3 of FORMAT.md.

use nn_optim::{Adagrad, Adam, AdamW, OptimizerConfig, RmsProp, Sgd};
use serde::{Deserialize, Serialize};

use super::form::is_default;
use crate::Error;

/// The feature bit of an optimizer other than plain Adam.
pub(super) const FEATURE: u32 = 1 << 0;

/// Each variant is a map of one key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Optimizer {
    Sgd {
        momentum: f64,
        nesterov: bool,
        step: u64,
    },
    Adagrad {
        epsilon: f64,
        step: u64,
    },
    Rmsprop {
        rho: f64,
        epsilon: f64,
        step: u64,
    },
    Adam {
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        amsgrad: bool,
        step: u64,
    },
    Adamw {
        beta_1: f64,
        beta_2: f64,
        epsilon: f64,
        weight_decay: f64,
        #[serde(default, skip_serializing_if = "is_default")]
        amsgrad: bool,
        step: u64,
    },
}

impl Optimizer {
    pub(super) fn new(optimizer: &nn_optim::Optimizer) -> Self {
        let step = optimizer.step();
        match optimizer.config() {
            OptimizerConfig::Sgd(Sgd { momentum, nesterov }) => {
                Self::Sgd { momentum, nesterov, step }
            }
            OptimizerConfig::Adagrad(Adagrad { epsilon }) => Self::Adagrad { epsilon, step },
            OptimizerConfig::RmsProp(RmsProp { rho, epsilon }) => {
                Self::Rmsprop { rho, epsilon, step }
            }
            OptimizerConfig::Adam(Adam { beta_1, beta_2, epsilon, amsgrad }) => {
                Self::Adam { beta_1, beta_2, epsilon, amsgrad, step }
            }
            OptimizerConfig::AdamW(AdamW { adam, weight_decay }) => {
                let Adam { beta_1, beta_2, epsilon, amsgrad } = adam;
                Self::Adamw { beta_1, beta_2, epsilon, weight_decay, amsgrad, step }
            }
        }
    }

    /// Converts and checks the settings and the number of steps. The moments are tensors.
    pub(super) fn read(&self) -> Result<(OptimizerConfig, u64), Error> {
        let (config, step) = match *self {
            Self::Sgd { momentum, nesterov, step } => {
                (OptimizerConfig::Sgd(Sgd { momentum, nesterov }), step)
            }
            Self::Adagrad { epsilon, step } => {
                (OptimizerConfig::Adagrad(Adagrad { epsilon }), step)
            }
            Self::Rmsprop { rho, epsilon, step } => {
                (OptimizerConfig::RmsProp(RmsProp { rho, epsilon }), step)
            }
            Self::Adam { beta_1, beta_2, epsilon, amsgrad, step } => {
                (OptimizerConfig::Adam(Adam { beta_1, beta_2, epsilon, amsgrad }), step)
            }
            Self::Adamw { beta_1, beta_2, epsilon, weight_decay, amsgrad, step } => {
                let adam = Adam { beta_1, beta_2, epsilon, amsgrad };
                (OptimizerConfig::AdamW(AdamW { adam, weight_decay }), step)
            }
        };
        config.validate().map_err(Error::Optimizer)?;
        Ok((config, step))
    }

    /// The required features of the header that the optimizer needs.
    pub(super) fn features(&self) -> u32 {
        match self {
            Self::Adam { amsgrad: false, .. } => 0,
            _ => FEATURE,
        }
    }
}
