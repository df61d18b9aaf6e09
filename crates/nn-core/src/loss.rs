//! Categorical cross-entropy: of probabilities, and fused with the softmax that makes them.
//!
//! A class is its index. Losses are sums over samples in `f64`, in the samples' order, so that
//! parts of a batch can be added up exactly the same way by any number of threads; gradients are
//! scaled once, here, by one over the size of the whole batch.

use std::ops::AddAssign;

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    layer::softmax::exp_normalize,
    metric::argmax,
};

/// Sums over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossSum {
    /// The sum of the samples' losses, in nats.
    pub loss: f64,
    /// How many samples had their class as the most probable one.
    pub correct: u64,
    /// How many samples there were.
    pub n_samples: u64,
}

impl LossSum {
    /// The mean loss of a sample.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.n_samples as f64
    }

    /// The share of correct samples, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.n_samples as f64
    }
}

impl AddAssign for LossSum {
    fn add_assign(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.n_samples += other.n_samples;
    }
}

/// `-ln p[class]`, summed over the samples; the probability is clipped to `[1e-7, 1 - 1e-7]` as in
/// the book.
///
/// # Shapes
///
/// `probabilities`: classes x n. `labels`: n classes.
///
/// # Panics
///
/// If the lengths differ or a label is no class.
#[track_caller]
pub fn cross_entropy(probabilities: MatrixView<'_>, labels: &[u32]) -> LossSum {
    assert_eq!(probabilities.ncols(), labels.len(), "samples and labels");
    let mut sum = LossSum { n_samples: labels.len() as u64, ..LossSum::default() };
    for (column, &label) in probabilities.column_iter().zip(labels) {
        let p = column[label as usize].clamp(1e-7, 1.0 - 1e-7);
        sum.loss -= f64::from(p.ln());
        sum.correct += u64::from(argmax(column.as_slice()) == label as usize);
    }
    sum
}

/// Overwrites `d_probabilities` with the gradient of [`cross_entropy`] over `n_batch`:
/// `-1 / p[class] / n_batch` at the class, else 0.
///
/// # Shapes
///
/// Both matrices: classes x n. `labels`: n classes. `n_batch`: samples of the whole batch.
///
/// # Panics
///
/// If the lengths differ or a label is no class.
#[track_caller]
pub fn cross_entropy_backward(
    probabilities: MatrixView<'_>,
    labels: &[u32],
    n_batch: usize,
    mut d_probabilities: MatrixViewMut<'_>,
) {
    assert_eq!(probabilities.ncols(), labels.len(), "samples and labels");
    d_probabilities.fill(0.0);
    for (i, &label) in labels.iter().enumerate() {
        let at = (label as usize, i);
        d_probabilities[at] = -1.0 / (probabilities[at] * n_batch as f32);
    }
}

/// Softmax and cross-entropy in one: `ln(sum_j exp(z_j)) - z[class]`, summed over the samples.
///
/// The sum's logarithm is taken with the largest logit set apart, so no logit, however large,
/// makes the loss infinite. Overwrites `probabilities` with the softmax.
///
/// # Shapes
///
/// `logits`, `probabilities`: classes x n. `labels`: n classes.
///
/// # Panics
///
/// If the shapes differ or a label is no class.
#[track_caller]
pub fn softmax_cross_entropy(
    logits: MatrixView<'_>,
    labels: &[u32],
    mut probabilities: MatrixViewMut<'_>,
) -> LossSum {
    assert_eq!(logits.shape(), probabilities.shape(), "logits and probabilities");
    assert_eq!(logits.ncols(), labels.len(), "samples and labels");
    let mut sum = LossSum { n_samples: labels.len() as u64, ..LossSum::default() };
    let columns = logits.column_iter().zip(probabilities.column_iter_mut());
    for ((z, mut p), &label) in columns.zip(labels) {
        let label = label as usize;
        p.copy_from(&z);
        let log_sum_exp = exp_normalize(p.as_mut_slice());
        sum.loss += f64::from(log_sum_exp - z[label]);
        sum.correct += u64::from(argmax(z.as_slice()) == label);
    }
    sum
}

/// Overwrites `d_logits` with the gradient of [`softmax_cross_entropy`] over `n_batch`:
/// `(p - onehot(class)) / n_batch`.
///
/// # Shapes
///
/// Both matrices: classes x n. `labels`: n classes. `n_batch`: samples of the whole batch.
///
/// # Panics
///
/// If the shapes differ or a label is no class.
#[track_caller]
pub fn softmax_cross_entropy_backward(
    probabilities: MatrixView<'_>,
    labels: &[u32],
    n_batch: usize,
    mut d_logits: MatrixViewMut<'_>,
) {
    assert_eq!(probabilities.ncols(), labels.len(), "samples and labels");
    d_logits.copy_from(&probabilities);
    for (mut d, &label) in d_logits.column_iter_mut().zip(labels) {
        d[label as usize] -= 1.0;
        d *= 1.0 / n_batch as f32;
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;
    use tally::{Dice, Failure, Tally, ensure, size};

    use super::*;

    /// Two samples, logits `z` (1, 2, 3) of class 0 and (0.5, -1.5, 0.25) of class 2, in Python:
    /// `s = sum(map(exp, z)); log(s) - z[c], [(exp(a) / s - (i == c)) / 2 for i, a in enumerate(z)]`.
    #[test]
    fn agrees_with_the_formula() {
        let z = DMatrix::from_column_slice(3, 2, &[1.0, 2.0, 3.0, 0.5, -1.5, 0.25]);
        let labels = [0, 2];
        let (mut p, mut d) = (z.clone(), z.clone());
        let sum = softmax_cross_entropy(z.as_view(), &labels, p.as_view_mut());
        softmax_cross_entropy_backward(p.as_view(), &labels, 2, d.as_view_mut());
        assert!((sum.loss - (2.4076059644 + 0.8992663805)).abs() < 1e-6, "{}", sum.loss);
        assert_eq!((sum.correct, sum.n_samples), (0, 2));
        let expected = [-0.45498471, 0.12236424, 0.33262048, 0.26121445, 0.03535153, -0.29656598];
        for (found, expected) in d.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{d}");
        }

        // The same through probabilities.
        let apart = cross_entropy(p.as_view(), &labels);
        assert!((apart.loss - sum.loss).abs() < 1e-6);
        assert_eq!(apart.correct, sum.correct);
    }

    #[track_caller]
    fn check(logits: [f32; 3], label: u32, expected: f64) {
        let z = DMatrix::from_column_slice(3, 1, &logits);
        let (mut p, mut d) = (z.clone(), z.clone());
        let sum = softmax_cross_entropy(z.as_view(), &[label], p.as_view_mut());
        softmax_cross_entropy_backward(p.as_view(), &[label], 1, d.as_view_mut());
        assert!((sum.loss - expected).abs() < 1e-3, "loss {}", sum.loss);
        assert!(d.iter().all(|d| d.is_finite()), "{d}");
    }

    #[test]
    fn extreme_logits_give_finite_losses() {
        check([1e4, -1e4, 0.0], 1, 2e4);
        check([1e4, -1e4, 0.0], 0, 0.0);
        check([0.0, 0.0, 0.0], 2, 1.098612);
        check([-1e4, -1e4, -1e4], 0, 1.098612);
    }

    /// Random logits of any size, all equal, or one class only: the loss is finite, and the gradient
    /// sums to 0.
    #[test]
    fn any_logits_give_finite_losses() {
        let mut tally = Tally::new("E3", "logits of up to 1e4, all equal, or of one class");
        let mut dice = Dice::new(3);
        for i in 0..size(1000, 10_000) {
            let n = if i % 10 == 0 { 1 } else { 2 + dice.below(20) };
            let scale = 10_f64.powi(dice.below(9) as i32 - 4);
            let mut logit = || ((dice.roll() as f64 / u64::MAX as f64 - 0.5) * 2.0 * scale) as f32;
            let first = logit();
            let z = DMatrix::from_fn(n, 1, |_, _| if i % 7 == 0 { first } else { logit() });
            let label = [dice.below(n) as u32];
            tally.case(|| {
                let (mut p, mut d) = (z.clone(), z.clone());
                let loss = softmax_cross_entropy(z.as_view(), &label, p.as_view_mut()).loss;
                softmax_cross_entropy_backward(p.as_view(), &label, 1, d.as_view_mut());
                let is_loss = loss.is_finite() && loss >= 0.0;
                ensure(is_loss, || Failure::wrong(format!("loss {loss} of {z}")))?;
                ensure(d.sum().abs() < 1e-5, || Failure::wrong(format!("gradient {d} of {z}")))
            });
        }
        tally.finish();
    }
}
