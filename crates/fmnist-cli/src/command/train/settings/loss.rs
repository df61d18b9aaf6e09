//! The options of the loss function and of regularisation.

use nn_core::{Loss, Penalty};
use nn_train::RunConfig;
use serde::Serialize;

use super::list::List;
use crate::exit::Usage;

/// The loss function and regularisation.
#[derive(Clone, Debug, Default, clap::Args, Serialize)]
#[command(next_help_heading = "Loss")]
#[serde(rename_all = "kebab-case")]
pub(in crate::command) struct LossOptions {
    /// Label smoothing: the share of each target that is spread over all classes [default: 0]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    label_smoothing: Option<f64>,

    /// Use the focal loss with this gamma instead of cross-entropy [default: 0, off]
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    focal_gamma: Option<f64>,

    /// Class weights in the loss, one for each class, or `none` [default: none]
    #[arg(long, value_name = "W,W,...", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    class_weights: Option<List<f32>>,

    /// L1 regularisation of the weights [default: 0]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    l1: Option<f64>,

    /// L2 regularisation of the weights [default: 0]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    l2: Option<f64>,

    /// L1 regularisation of the biases [default: 0]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    bias_l1: Option<f64>,

    /// L2 regularisation of the biases [default: 0]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    bias_l2: Option<f64>,
}

impl LossOptions {
    /// Applies these options to the configuration of a run with `n_dense` dense layers.
    pub(super) fn configure(&self, n_dense: usize, config: &mut RunConfig) -> anyhow::Result<()> {
        let smoothing = self.label_smoothing.unwrap_or(0.0);
        config.loss = match self.focal_gamma.unwrap_or(0.0) {
            0.0 => Loss::CrossEntropy { smoothing },
            gamma if smoothing == 0.0 => Loss::Focal { gamma },
            gamma => {
                return Err(Usage::error(format!(
                    "--label-smoothing: expected 0 together with a --focal-gamma of {gamma}, found {smoothing}"
                )));
            }
        };
        config.class_weights = self.class_weights.iter().flat_map(|it| &it.0).copied().collect();
        let penalty = Penalty {
            weights_l1: self.l1.unwrap_or(0.0),
            weights_l2: self.l2.unwrap_or(0.0),
            biases_l1: self.bias_l1.unwrap_or(0.0),
            biases_l2: self.bias_l2.unwrap_or(0.0),
        };
        if penalty != Penalty::default() {
            config.penalties = vec![penalty; n_dense];
        }
        Ok(())
    }

    /// The options that give this configuration, complete.
    pub(super) fn of(config: &RunConfig) -> Self {
        let (label_smoothing, focal_gamma) = match config.loss {
            Loss::CrossEntropy { smoothing } => (Some(smoothing), Some(0.0)),
            Loss::Focal { gamma } => (Some(0.0), Some(gamma)),
            _ => (None, None),
        };
        let penalty = config.penalties.first().copied().unwrap_or_default();
        Self {
            label_smoothing,
            focal_gamma,
            class_weights: Some(List(config.class_weights.clone())),
            l1: Some(penalty.weights_l1),
            l2: Some(penalty.weights_l2),
            bias_l1: Some(penalty.biases_l1),
            bias_l2: Some(penalty.biases_l2),
        }
    }
}
