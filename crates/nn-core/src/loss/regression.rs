//! Regression losses: mean squared error, mean absolute error and Huber loss.

use super::{Loss, LossSum, Objective, Targets};
use crate::buffer::{MatrixView, MatrixViewMut};

/// Computes the precision for the accuracy of regression, as in the book: a 250th of the targets' standard deviation. A
/// prediction counts as correct if its error is below it.
pub fn precision_of(targets: &[f32]) -> f32 {
    let n = targets.len() as f64;
    let mean = targets.iter().map(|&t| f64::from(t)).sum::<f64>() / n;
    let square = |x: f64| x * x;
    let variance = targets.iter().map(|&t| square(f64::from(t) - mean)).sum::<f64>() / n;
    (variance.sqrt() / 250.0) as f32
}

/// The loss of an output with the error `y - t`.
fn of_error(loss: Loss, error: f64) -> f64 {
    match loss {
        Loss::MeanAbsoluteError => error.abs(),
        Loss::Huber { delta } if error.abs() > delta => delta * (error.abs() - 0.5 * delta),
        Loss::Huber { .. } => 0.5 * error * error,
        _ => error * error,
    }
}

/// The derivative of [`of_error`] with respect to the error.
fn d_error(loss: Loss, error: f32) -> f32 {
    match loss {
        Loss::MeanAbsoluteError if error == 0.0 => 0.0,
        Loss::MeanAbsoluteError => error.signum(),
        Loss::Huber { delta } => error.clamp(-delta as f32, delta as f32),
        _ => 2.0 * error,
    }
}

pub(super) fn forward(loss: Loss, y: MatrixView<'_>, targets: Targets<'_>) -> LossSum {
    let (outputs, n) = y.shape();
    let (numbers, precision) = targets.numbers(outputs);
    let n_predictions = (outputs * n) as u64;
    let mut sum = LossSum { n_samples: n as u64, n_predictions, ..LossSum::default() };
    for (i, (y, numbers)) in y.column_iter().zip(numbers).enumerate() {
        let errors = y.iter().zip(numbers).map(|(&y, &target)| f64::from(y) - f64::from(target));
        let total: f64 = errors.clone().map(|error| of_error(loss, error)).sum();
        sum.loss += f64::from(targets.weight(i)) * total / outputs as f64;
        sum.correct += errors.filter(|error| error.abs() < f64::from(precision)).count() as u64;
    }
    sum
}

pub(super) fn backward(objective: &Objective<'_>, y: MatrixView<'_>, mut dy: MatrixViewMut<'_>) {
    let &Objective { loss, targets, n_batch } = objective;
    let outputs = y.nrows();
    let (numbers, _) = targets.numbers(outputs);
    let columns = y.column_iter().zip(dy.column_iter_mut()).zip(numbers);
    for (i, ((y, mut dy), numbers)) in columns.enumerate() {
        let factor = targets.weight(i) / (outputs as f32 * n_batch as f32);
        for ((dy, &y), &target) in dy.iter_mut().zip(y.iter()).zip(numbers) {
            *dy = d_error(loss, y - target) * factor;
        }
    }
}
