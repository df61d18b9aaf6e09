//! How far a run is: `training.progress` and `training.history` in section 3 of FORMAT.md.

use nn_core::LossSum;
use nn_train::{EpochRecord, RunConfig};
use serde::{Deserialize, Serialize};

use super::form::is_default;
use crate::Error;
use crate::error::check_value;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Progress {
    epoch: u64,
    batch: u64,
    loss: f64,
    correct: u64,
    n_samples: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    train: Metrics,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation: Option<Metrics>,
    #[serde(default, skip_serializing_if = "is_default")]
    penalty: f64,
    learning_rate: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Metrics {
    loss: f64,
    accuracy: f64,
}

impl Progress {
    pub(super) fn new(progress: &nn_train::Progress) -> Self {
        // The number of predictions follows from that of samples.
        let &nn_train::Progress { epoch, batch, sums } = progress;
        let LossSum { loss, correct, n_samples, n_predictions: _ } = sums;
        Self { epoch, batch, loss, correct, n_samples }
    }

    /// The progress of a run with these settings, of a network with this many outputs.
    pub(super) fn read(
        &self,
        config: &RunConfig,
        outputs: usize,
    ) -> Result<nn_train::Progress, Error> {
        let &Self { epoch, batch, loss, correct, n_samples } = self;
        check_value(loss.is_finite(), "training.progress.loss", "a finite number", loss)?;
        let step_len = config.step_len() as u64;
        let most = batch.saturating_mul(step_len);
        let expected = format!("at most {most}, in {batch} batches of {step_len}");
        check_value(n_samples <= most, "training.progress.n_samples", expected, n_samples)?;
        let predictions = config.loss.predictions(outputs) as u64;
        let n_predictions = n_samples.saturating_mul(predictions);
        let expected = format!("at most {n_predictions}, of as many samples");
        let expected = match predictions {
            1 => expected,
            _ => format!("{expected} times {predictions} outputs"),
        };
        check_value(correct <= n_predictions, "training.progress.correct", expected, correct)?;
        let sums = LossSum { loss, correct, n_samples, n_predictions };
        Ok(nn_train::Progress { epoch, batch, sums })
    }
}

impl Record {
    pub(super) fn new(record: &EpochRecord) -> Self {
        Self {
            train: Metrics::new(&record.train),
            validation: record.validation.as_ref().map(Metrics::new),
            penalty: record.penalty,
            learning_rate: record.learning_rate,
        }
    }

    /// The record of an epoch, by its place in the history.
    pub(super) fn read(&self, epoch: usize, config: &RunConfig) -> Result<EpochRecord, Error> {
        let field = &format!("training.history[{epoch}]");
        let train = self.train.read(field)?;
        let validation = self.validation.as_ref().map(|it| it.read(field)).transpose()?;
        let &Self { penalty, learning_rate, .. } = self;
        let valid = penalty.is_finite() && penalty >= 0.0;
        check_value(valid, field, "a finite penalty, 0 or above", penalty)?;
        let valid = penalty == 0.0 || !config.penalties.is_empty();
        check_value(valid, field, "no penalty, as the run has no penalties", penalty)?;
        check_value(learning_rate.is_finite(), field, "a finite learning_rate", learning_rate)?;
        Ok(EpochRecord { train, validation, penalty, learning_rate })
    }
}

impl Metrics {
    fn new(metrics: &nn_train::Metrics) -> Self {
        Self { loss: metrics.loss, accuracy: metrics.accuracy }
    }

    fn read(&self, field: &str) -> Result<nn_train::Metrics, Error> {
        let &Self { loss, accuracy } = self;
        check_value(loss.is_finite(), field, "a finite loss", loss)?;
        let share = (0.0..=1.0).contains(&accuracy);
        check_value(share, field, "an accuracy of 0 to 1", accuracy)?;
        Ok(nn_train::Metrics { loss, accuracy })
    }
}
