//! The history of a run, and what is computed from it: the best epoch, and whether to stop early.

use nn_core::LossSum;

/// Mean loss and accuracy over some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// The mean loss per sample; cross-entropies are in nats.
    pub loss: f64,
    /// The fraction of correct predictions, 0 to 1.
    pub accuracy: f64,
}

impl From<LossSum> for Metrics {
    fn from(sum: LossSum) -> Self {
        Self { loss: sum.mean_loss(), accuracy: sum.accuracy() }
    }
}

/// The results of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochRecord {
    /// On the training samples, while the parameters were changing. The loss excludes regularisation.
    pub train: Metrics,
    /// On the held-out samples, after the epoch; `None` if there are none. The loss is without label smoothing, class
    /// weights and regularisation.
    pub validation: Option<Metrics>,
    /// The regularisation loss, after the epoch.
    pub penalty: f64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
}

impl EpochRecord {
    /// The metrics that [`Monitor`] and plateau schedules use: on the held-out samples or, if there are none, on the
    /// training samples.
    pub fn monitored_metrics(&self) -> Metrics {
        self.validation.unwrap_or(self.train)
    }
}

/// Which metric determines the best epoch: the loss or the accuracy of [`EpochRecord::monitored_metrics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// The lowest loss.
    Loss,
    /// The highest accuracy.
    Accuracy,
}

/// Early stopping: when to stop before the last epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EarlyStop {
    /// The number of epochs without improvement after which the run stops; 1 or more.
    pub patience: u64,
    /// By how much an epoch must be better than the last improvement to count as an improvement; 0 or above.
    pub min_delta: f64,
}

impl EarlyStop {
    /// Whether a run with this history stops, because `patience` epochs have passed without an improvement.
    pub(crate) fn stops(self, monitor: Monitor, history: &[EpochRecord]) -> bool {
        let Self { patience, min_delta } = self;
        let (mut best, mut waited) = (f64::INFINITY, 0);
        for record in history {
            match monitor.score(record) {
                Some(score) if score < best - min_delta => (best, waited) = (score, 0),
                _ => waited += 1,
            }
        }
        waited >= patience
    }
}

impl Monitor {
    /// The score to minimise; `None` if it is not finite.
    fn score(self, record: &EpochRecord) -> Option<f64> {
        let score = match self {
            Self::Loss => record.monitored_metrics().loss,
            Self::Accuracy => -record.monitored_metrics().accuracy,
        };
        score.is_finite().then_some(score)
    }

    /// The index of the best epoch, the first one if several are equal. An epoch whose metric is not finite is never
    /// the best.
    pub fn best_epoch(self, history: &[EpochRecord]) -> Option<usize> {
        let scores = history.iter().map(|record| self.score(record)).enumerate();
        let finite = scores.filter_map(|(index, score)| Some((index, score?)));
        finite.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    /// Epochs with these metrics, on the held-out samples or, if there are none, on the training samples.
    fn history(metrics: &[(f64, f64)], held_out: bool) -> Vec<EpochRecord> {
        let of = |&(loss, accuracy): &(f64, f64)| {
            let metrics = Metrics { loss, accuracy };
            // The opposite, so that the test fails if the wrong one is used.
            let other = Metrics { loss: -loss, accuracy: -accuracy };
            let (train, validation) = match held_out {
                true => (other, Some(metrics)),
                false => (metrics, None),
            };
            EpochRecord { train, validation, penalty: 0.0, learning_rate: 0.1 }
        };
        metrics.iter().map(of).collect()
    }

    #[test]
    fn the_best_epoch() {
        let check = |metrics: &[(f64, f64)], by_loss, by_accuracy| {
            for held_out in [true, false] {
                let history = history(metrics, held_out);
                assert_eq!(Monitor::Loss.best_epoch(&history), by_loss, "{metrics:?}");
                assert_eq!(Monitor::Accuracy.best_epoch(&history), by_accuracy, "{metrics:?}");
            }
        };
        check(&[], None, None);
        check(&[(1.0, 0.5)], Some(0), Some(0));
        // The two metrics disagree.
        check(&[(1.0, 0.5), (0.8, 0.6), (0.7, 0.4), (0.9, 0.7), (1.1, 0.65)], Some(2), Some(3));
        // The first of equal epochs.
        check(&[(1.0, 0.5), (0.8, 0.6), (0.8, 0.6)], Some(1), Some(1));
        // An epoch whose metric is not finite is never the best.
        check(&[(NAN, NAN), (0.8, 0.6), (f64::INFINITY, NAN), (NAN, 0.7)], Some(1), Some(3));
        check(&[(NAN, NAN), (f64::NEG_INFINITY, f64::INFINITY)], None, None);
    }

    #[test]
    fn early_stopping() {
        // Checks after which epoch a run with these losses stops. Its accuracies rise as its losses fall.
        let check = |patience, min_delta, losses: &[f64], expected: Option<usize>| {
            let metrics: Vec<_> = losses.iter().map(|loss| (*loss, 1.0 - loss)).collect();
            for held_out in [true, false] {
                let history = history(&metrics, held_out);
                for monitor in [Monitor::Loss, Monitor::Accuracy] {
                    let early_stop = EarlyStop { patience, min_delta };
                    let stops = |n: &usize| early_stop.stops(monitor, &history[..*n]);
                    let stopped = (1..=history.len()).find(stops);
                    assert_eq!(stopped, expected, "{early_stop:?} {monitor:?} {losses:?}");
                }
            }
        };
        // A run that improves does not stop.
        check(1, 0.0, &[0.75, 0.5, 0.25, 0.125], None);
        check(1, 0.0, &[0.75, 0.5, 0.5, 0.25], Some(3));
        check(2, 0.0, &[0.75, 0.5, 0.5, 0.25, 0.25, 0.375], Some(6));
        // An improvement must be larger than min_delta; smaller ones add up until they exceed it.
        check(1, 0.25, &[1.0, 0.875, 0.5], Some(2));
        check(1, 0.25, &[1.0, 0.75, 0.25], Some(2));
        check(2, 0.25, &[1.0, 0.875, 0.6875, 0.5, 0.375], None);
        check(2, 0.25, &[1.0, 0.875, 0.6875, 0.5, 0.4375], Some(5));
        check(2, 0.125, &[1.0, 0.75, 0.5, 0.25], None);
        // NaN is no improvement, not even at the beginning.
        check(2, 0.0, &[0.5, NAN, NAN, 0.25], Some(3));
        check(2, 0.0, &[NAN, 0.5, NAN, 0.25], None);
        check(2, 0.0, &[NAN, NAN], Some(2));
    }
}
