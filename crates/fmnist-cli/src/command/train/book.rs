//! The output of a run in the format of the book "Neural Networks from Scratch": its `Model.train`, from
//! chapter 18 on.
//!
//! The training numbers of an epoch cover its batches. The validation numbers cover the test set, which the book uses for
//! validation, and leave out regularisation.

use nn_train::{EpochRecord, Step};

/// Steps from one line to the next.
const PRINT_EVERY: u64 = 100;

/// The line before an epoch.
pub(super) fn epoch(epoch: u64) -> String {
    format!("epoch: {epoch}")
}

/// Whether a batch, counted from 1, has a line: every hundredth step from the first, and the last.
pub(super) fn has_line(batch: u64, n_batches: u64) -> bool {
    (batch - 1).is_multiple_of(PRINT_EVERY) || batch == n_batches
}

/// The line of a step. `reg_loss` is the regularisation loss of the weights before it, as in the book.
pub(super) fn step(step: &Step<'_>, reg_loss: f64) -> String {
    let (accuracy, loss) = (step.of_step.accuracy(), step.of_step.mean_loss());
    format!("step: {}, {}", step.batch - 1, numbers(accuracy, loss, reg_loss, step.learning_rate))
}

/// The lines after an epoch. The regularisation loss is of the weights at its end, as in the book.
pub(super) fn record(record: &EpochRecord) -> String {
    let EpochRecord { train, validation, penalty, learning_rate } = record;
    let train = numbers(train.accuracy, train.loss, *penalty, *learning_rate);
    let validation = validation.map_or_else(String::new, |validation| {
        format!("\nvalidation, acc: {:.3}, loss: {:.3}", validation.accuracy, validation.loss)
    });
    format!("training, {train}{validation}")
}

fn numbers(accuracy: f64, data_loss: f64, reg_loss: f64, learning_rate: f64) -> String {
    let (loss, rate) = (data_loss + reg_loss, python(learning_rate));
    format!(
        "acc: {accuracy:.3}, loss: {loss:.3} (data_loss: {data_loss:.3}, reg_loss: {reg_loss:.3}), lr: {rate}"
    )
}

/// A number as Python prints it: the shortest digits that identify it, and below 0.0001 an exponent of at least two
/// digits.
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
    use nn_core::{Architecture, Init, LossSum, Model};
    use nn_train::Metrics;

    use super::*;

    /// Lines in the form of the book's own printout.
    #[test]
    fn lines_of_the_book() {
        assert_eq!(epoch(1), "epoch: 1");
        let sums =
            LossSum { loss: 128.0 * 2.302_4, correct: 11, n_samples: 128, n_predictions: 128 };
        let model = &Model::new(Architecture::mlp(&[1, 1]).unwrap(), Init::He, 0);
        let (n_batches, learning_rate) = (469, 0.001);
        let first =
            Step { epoch: 1, batch: 1, n_batches, sums, of_step: sums, learning_rate, model };
        assert_eq!(
            step(&first, 0.0),
            "step: 0, acc: 0.086, loss: 2.302 (data_loss: 2.302, reg_loss: 0.000), lr: 0.001"
        );
        let later = Step { batch: 101, learning_rate: 0.001 / 1.1, ..first };
        assert_eq!(
            step(&later, 0.0496),
            "step: 100, acc: 0.086, loss: 2.352 (data_loss: 2.302, reg_loss: 0.050), lr: 0.0009090909090909091"
        );
        let lines = |n_batches| (1..=n_batches).filter(|&it| has_line(it, n_batches)).count();
        assert_eq!([1, 2, 100, 101, 469].map(lines), [1, 2, 2, 2, 6]);
        let metrics = |loss, accuracy| Metrics { loss, accuracy };
        let (train, validation) = (metrics(0.735, 0.7234), Some(metrics(0.558, 0.7874)));
        let lines =
            record(&EpochRecord { train, validation, penalty: 0.1, learning_rate: 0.000681 });
        assert_eq!(
            lines,
            "training, acc: 0.723, loss: 0.835 (data_loss: 0.735, reg_loss: 0.100), lr: 0.000681\n\
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
