//! A run as the book "Neural Networks from Scratch" prints it, to the letter: its `Model.train`, chapter 18 and on.
//!
//! The numbers of an epoch are over its batches, and those of the validation over the test set, which the book
//! validates by. Without regularisation, which its net for Fashion-MNIST has not, that loss is 0.

use nn_train::{EpochRecord, Step};

/// Steps from one line to the next.
const PRINT_EVERY: u64 = 100;

/// The line before an epoch.
pub(super) fn epoch(epoch: u64) -> String {
    format!("epoch: {epoch}")
}

/// The line of a step, if it has one: every hundredth from the first, and the last.
pub(super) fn step(step: &Step) -> Option<String> {
    let index = step.batch - 1;
    let has_line = index.is_multiple_of(PRINT_EVERY) || step.batch == step.n_batches;
    let (accuracy, loss) = (step.of_step.accuracy(), step.of_step.mean_loss());
    has_line.then(|| format!("step: {index}, {}", numbers(accuracy, loss, step.learning_rate)))
}

/// The lines behind an epoch.
pub(super) fn record(record: &EpochRecord) -> String {
    let train = numbers(record.train.accuracy, record.train.loss, record.learning_rate);
    let validation = record.validation.map_or_else(String::new, |validation| {
        format!("\nvalidation, acc: {:.3}, loss: {:.3}", validation.accuracy, validation.loss)
    });
    format!("training, {train}{validation}")
}

fn numbers(accuracy: f64, loss: f64, learning_rate: f64) -> String {
    let rate = python(learning_rate);
    format!(
        "acc: {accuracy:.3}, loss: {loss:.3} (data_loss: {loss:.3}, reg_loss: 0.000), lr: {rate}"
    )
}

/// A number as Python writes it: the shortest digits that are it and no other, with an exponent of two digits at least
/// where it is below 0.0001.
fn python(number: f64) -> String {
    if number >= 1e-4 || number == 0.0 {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use nn_core::LossSum;
    use nn_train::Metrics;

    use super::*;

    /// Lines in the form of the book's own printout.
    #[test]
    fn lines_of_the_book() {
        assert_eq!(epoch(1), "epoch: 1");
        let sums =
            LossSum { loss: 128.0 * 2.302_4, correct: 11, n_samples: 128, n_predictions: 128 };
        let first =
            Step { epoch: 1, batch: 1, n_batches: 469, sums, of_step: sums, learning_rate: 0.001 };
        assert_eq!(
            step(&first).unwrap(),
            "step: 0, acc: 0.086, loss: 2.302 (data_loss: 2.302, reg_loss: 0.000), lr: 0.001"
        );
        let later = Step { batch: 101, learning_rate: 0.001 / 1.1, ..first };
        assert!(step(&later).unwrap().ends_with("lr: 0.0009090909090909091"));
        assert!(step(&Step { batch: 100, ..first }).is_none());
        assert!(step(&Step { batch: 469, ..first }).unwrap().starts_with("step: 468, "));
        let metrics = |loss, accuracy| Metrics { loss, accuracy };
        let (train, validation) = (metrics(0.735, 0.7234), Some(metrics(0.558, 0.7874)));
        let lines =
            record(&EpochRecord { train, validation, penalty: 0.0, learning_rate: 0.000681 });
        assert_eq!(
            lines,
            "training, acc: 0.723, loss: 0.735 (data_loss: 0.735, reg_loss: 0.000), lr: 0.000681\n\
             validation, acc: 0.787, loss: 0.558"
        );
    }

    /// Against `repr` of Python 3.
    #[test]
    fn numbers_of_python() {
        for (number, text) in [
            (0.001, "0.001"),
            (5e-5, "5e-05"),
            (1.25e-7, "1.25e-07"),
            (0.0001, "0.0001"),
            (1.0, "1.0"),
        ] {
            assert_eq!(python(number), text);
        }
    }
}
