//! Binary cross-entropy, fused with the sigmoid before it.

use super::{LossSum, Objective, Targets};
use crate::{
    buffer::{MatrixView, MatrixViewMut},
    functions::sigmoid,
};

/// Computes the loss `max(z, 0) - t z + ln(1 + exp(-|z|))` for each logit `z` and target `t`. Overwrites `y` with the
/// sigmoids.
pub(super) fn forward(
    objective: &Objective<'_>,
    logits: MatrixView<'_>,
    mut y: MatrixViewMut<'_>,
) -> LossSum {
    let targets = objective.targets;
    let (outputs, n) = logits.shape();
    let (numbers, _) = targets.numbers(outputs);
    let n_predictions = (outputs * n) as u64;
    let mut sum = LossSum { n_samples: n as u64, n_predictions, ..LossSum::default() };
    let columns = logits.column_iter().zip(y.column_iter_mut()).zip(numbers);
    for (i, ((z, mut y), numbers)) in columns.enumerate() {
        let mut loss = 0.0;
        for ((&z, y), &target) in z.iter().zip(y.iter_mut()).zip(numbers) {
            *y = sigmoid(z);
            let (z, target) = (f64::from(z), f64::from(target));
            loss += z.max(0.0) - target * z + libm::log1p(libm::exp(-z.abs()));
            sum.correct += u64::from((*y > 0.5) == (target > 0.5));
        }
        sum.loss += f64::from(targets.weight(i)) * loss / outputs as f64;
    }
    sum
}

/// Overwrites `d` with the gradient with respect to the logits: `(y - t) / outputs / n_batch`.
pub(super) fn backward(objective: &Objective<'_>, y: MatrixView<'_>, mut d: MatrixViewMut<'_>) {
    let &Objective { targets, n_batch, .. } = objective;
    let outputs = y.nrows();
    let (numbers, _) = targets.numbers(outputs);
    let columns = y.column_iter().zip(d.column_iter_mut()).zip(numbers);
    for (i, ((y, mut d), numbers)) in columns.enumerate() {
        let factor = targets.weight(i) / (outputs as f32 * n_batch as f32);
        for ((d, &y), &target) in d.iter_mut().zip(y.iter()).zip(numbers) {
            *d = (y - target) * factor;
        }
    }
}

/// Computes the loss `-(t ln(y) + (1 - t) ln(1 - y))` from outputs, which are clipped to `[1e-7, 1 - 1e-7]` as in the
/// book.
pub(super) fn of_outputs(y: MatrixView<'_>, targets: Targets<'_>) -> LossSum {
    let (outputs, n) = y.shape();
    let (numbers, _) = targets.numbers(outputs);
    let n_predictions = (outputs * n) as u64;
    let mut sum = LossSum { n_samples: n as u64, n_predictions, ..LossSum::default() };
    for (i, (y, numbers)) in y.column_iter().zip(numbers).enumerate() {
        let mut loss = 0.0;
        for (&y, &target) in y.iter().zip(numbers) {
            sum.correct += u64::from((y > 0.5) == (target > 0.5));
            let (y, target) = (f64::from(y).clamp(1e-7, 1.0 - 1e-7), f64::from(target));
            loss -= target * libm::log(y) + (1.0 - target) * libm::log(1.0 - y);
        }
        sum.loss += f64::from(targets.weight(i)) * loss / outputs as f64;
    }
    sum
}
