//! The progress of a run: `training.progress` and `training.history` in section 3 of FORMAT.md.

use nn_core::LossSum;
use nn_train::{EpochRecord, RunConfig};
use serde::{Deserialize, Serialize};

use super::form::is_default;
use super::pack::{form, pack};
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

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    train: Metrics,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation: Option<Metrics>,
    #[serde(default, skip_serializing_if = "is_default")]
    penalty: f64,
    learning_rate: f64,
}

/// The encoded history of a run, kept from one save to the next. Records do not change once an epoch is complete, so
/// each is encoded and read back only once.
#[derive(Debug, Default)]
pub(crate) struct EncodedHistory {
    /// The records that were read back from `bytes`.
    records: Vec<Record>,
    /// The encoded records, one after another.
    bytes: Vec<u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Metrics {
    loss: f64,
    accuracy: f64,
}

impl Progress {
    pub(super) fn new(progress: &nn_train::Progress) -> Self {
        // The number of predictions is computed from the number of samples.
        let &nn_train::Progress { epoch, batch, sums } = progress;
        let LossSum { loss, correct, n_samples, n_predictions: _ } = sums;
        Self { epoch, batch, loss, correct, n_samples }
    }

    /// Converts and checks the progress, for a run with these settings and a network with this many outputs.
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
        let expected = format!("at most {n_predictions}, {predictions} per sample");
        check_value(correct <= n_predictions, "training.progress.correct", expected, correct)?;
        let sums = LossSum { loss, correct, n_samples, n_predictions };
        Ok(nn_train::Progress { epoch, batch, sums })
    }
}

impl EncodedHistory {
    /// Updates this to the given history. The known records are kept only if the history begins with exactly them, bit
    /// for bit.
    pub(crate) fn update(&mut self, history: &[EpochRecord]) -> Result<(), Error> {
        let mut known = self.records.iter().zip(history);
        let is_same = known.all(|(known, record)| known.bits() == Record::new(record).bits());
        if !is_same || self.records.len() > history.len() {
            *self = Self::default();
        }
        for record in history.iter().skip(self.records.len()) {
            let bytes = pack(&Record::new(record))?;
            let read = rmp_serde::from_slice(&bytes);
            self.records.push(read.map_err(|error| form(0, error.to_string()))?);
            self.bytes.extend(bytes);
        }
        Ok(())
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// The encoded list of the records.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let n = self.records.len();
        // The shorter of the two forms of the marker. The limit keeps the length within 16 bits.
        let marker = match u8::try_from(n) {
            Ok(n @ ..16) => vec![0x90 | n],
            _ => {
                let [.., high, low] = n.to_be_bytes();
                vec![0xDC, high, low]
            }
        };
        [&*marker, &*self.bytes].concat()
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

    /// The bits of all its numbers.
    fn bits(&self) -> [Option<u64>; 6] {
        let Self { train, validation, penalty, learning_rate } = self;
        let held_out = validation.as_ref();
        let numbers = [
            Some(train.loss),
            Some(train.accuracy),
            held_out.map(|it| it.loss),
            held_out.map(|it| it.accuracy),
            Some(*penalty),
            Some(*learning_rate),
        ];
        numbers.map(|number| number.map(f64::to_bits))
    }

    /// Converts and checks the record. `epoch` is its index in the history.
    pub(super) fn read(&self, epoch: usize, config: &RunConfig) -> Result<EpochRecord, Error> {
        let field = Field(epoch);
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

/// The key of an epoch's record. It is turned into text only for a message, since there may be thousands of records.
#[derive(Clone, Copy)]
struct Field(usize);

impl From<Field> for String {
    fn from(Field(epoch): Field) -> Self {
        format!("training.history[{epoch}]")
    }
}

impl Metrics {
    fn new(metrics: &nn_train::Metrics) -> Self {
        Self { loss: metrics.loss, accuracy: metrics.accuracy }
    }

    fn read(&self, field: Field) -> Result<nn_train::Metrics, Error> {
        let &Self { loss, accuracy } = self;
        check_value(loss.is_finite(), field, "a finite loss", loss)?;
        let share = (0.0..=1.0).contains(&accuracy);
        check_value(share, field, "an accuracy of 0 to 1", accuracy)?;
        Ok(nn_train::Metrics { loss, accuracy })
    }
}
