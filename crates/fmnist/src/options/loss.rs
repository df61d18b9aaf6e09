//! The options of the loss function and of regularisation.

use nn_core::{Loss, Penalty};
use nn_train::RunConfig;

use super::{ClassWeights, DataShape, Error, group::options, list::List};

options! {
    /// The options of the loss function and of regularisation.
    pub struct LossOptions ["Loss"] {
        /// Share of each target that is spread over all classes [default: 0]
        label_smoothing: f64 [value_name = "SHARE", allow_negative_numbers = true],

        /// Gamma of the focal loss, instead of cross-entropy [default: 0, off]
        focal_gamma: f64 [value_name = "GAMMA", allow_negative_numbers = true],

        /// Weight of each class in the loss, `balanced` or `none` [default: none]
        class_weights: ClassWeights [value_name = "W,W,...", allow_negative_numbers = true],

        /// L1 regularisation of the weights [default: 0]
        l1: f64 [value_name = "FACTOR", allow_negative_numbers = true],

        /// L2 regularisation of the weights [default: 0]
        l2: f64 [value_name = "FACTOR", allow_negative_numbers = true],

        /// L1 regularisation of the biases [default: 0]
        bias_l1: f64 [value_name = "FACTOR", allow_negative_numbers = true],

        /// L2 regularisation of the biases [default: 0]
        bias_l2: f64 [value_name = "FACTOR", allow_negative_numbers = true],
    }
}

impl LossOptions {
    /// Applies these options to the configuration of a run with `n_dense` dense layers, on these data.
    pub(super) fn configure(
        &self,
        n_dense: usize,
        data: &DataShape,
        config: &mut RunConfig,
    ) -> Result<(), Error> {
        let smoothing = self.label_smoothing.unwrap_or_default();
        config.loss = match self.focal_gamma.unwrap_or_default() {
            0.0 => Loss::CrossEntropy { smoothing },
            gamma if smoothing == 0.0 => Loss::Focal { gamma },
            gamma => {
                let expected = format!("0 together with a --focal-gamma of {gamma}");
                return Err(Error::range("label-smoothing", expected, smoothing));
            }
        };
        let counts = data.train.as_ref().map_or(&[][..], |train| &train.class_counts);
        let weights = |it: &ClassWeights| it.weights(counts, data.outputs);
        config.class_weights = self.class_weights.as_ref().map(weights).unwrap_or_default();
        let penalty = Penalty {
            weights_l1: self.l1.unwrap_or_default(),
            weights_l2: self.l2.unwrap_or_default(),
            biases_l1: self.bias_l1.unwrap_or_default(),
            biases_l2: self.bias_l2.unwrap_or_default(),
        };
        if penalty != Penalty::default() {
            config.penalties = vec![penalty; n_dense];
        }
        Ok(())
    }

    /// The options that would make this configuration, with every one filled in.
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
            class_weights: Some(ClassWeights::Given(List(config.class_weights.clone()))),
            l1: Some(penalty.weights_l1),
            l2: Some(penalty.weights_l2),
            bias_l1: Some(penalty.biases_l1),
            bias_l2: Some(penalty.biases_l2),
        }
    }
}
