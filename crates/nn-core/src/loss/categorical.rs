//! Categorical cross-entropy and focal loss, computed from logits (fused with the softmax) or from probabilities.

use super::{Loss, LossSum, Objective, Targets, Values};
use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels::{sums, vectorized},
    layer::softmax::exp_normalize,
    metric::argmax,
};

/// Computes a categorical loss from logits, summed over the samples. Overwrites `probabilities` with their softmax.
///
/// With a target distribution `q`, smoothed to `(1 - s) q + s / classes`, cross-entropy is
/// `ln(sum_j exp(z_j)) - sum_j q_j z_j`.
pub(super) fn forward(
    objective: &Objective<'_>,
    logits: MatrixView<'_>,
    mut probabilities: MatrixViewMut<'_>,
) -> LossSum {
    let &Objective { loss, targets, .. } = objective;
    let (classes, n) = logits.shape();
    assert_eq!((classes, n), probabilities.shape(), "logits and probabilities");
    let n_samples = n as u64;
    let mut sum = LossSum { n_samples, n_predictions: n_samples, ..LossSum::default() };
    let columns = logits.column_iter().zip(probabilities.column_iter_mut());
    for (i, (z, mut p)) in columns.enumerate() {
        p.copy_from(&z);
        let log_sum_exp = exp_normalize(p.as_mut_slice());
        let class = targets.values.class(i, classes);
        let loss = match loss {
            Loss::Focal { gamma } => {
                let surprise = f64::from(log_sum_exp - z[class]);
                libm::pow((1.0 - f64::from(p[class])).max(0.0), gamma) * surprise
            }
            _ => {
                let smoothing = smoothing(loss);
                let of_target = f64::from(log_sum_exp - targets.values.dot(i, z.as_slice()));
                if smoothing == 0.0 {
                    of_target
                } else {
                    let [sum] = vectorized(
                        #[inline(always)]
                        || sums([z.as_slice()], |[z]| [z]),
                    );
                    let of_all = f64::from(log_sum_exp - sum / classes as f32);
                    (1.0 - smoothing) * of_target + smoothing * of_all
                }
            }
        };
        sum.loss += f64::from(targets.weight(i)) * loss;
        sum.correct += u64::from(argmax(z.as_slice()) == class);
    }
    sum
}

/// Overwrites `d` with the gradient of [`forward`], divided by `n_batch`: `(p - q) / n_batch`. For the focal loss it is
/// multiplied by `(1 - p)^gamma (1 - gamma p ln(p) / (1 - p))`, where `p` is the probability of the target's class.
pub(super) fn backward(objective: &Objective<'_>, y: MatrixView<'_>, mut d: MatrixViewMut<'_>) {
    let &Objective { loss, targets, n_batch } = objective;
    let classes = y.nrows();
    let smoothing = smoothing(loss) as f32;
    d.copy_from(&y);
    for (i, mut d) in d.column_iter_mut().enumerate() {
        let mut factor = targets.weight(i) / n_batch as f32;
        if let Loss::Focal { gamma } = loss {
            let class = targets.values.class(i, classes);
            let p = d[class];
            factor *= libm::powf((1.0 - p).max(0.0), gamma as f32)
                * (1.0 - gamma as f32 * p * log_slope(p));
            d[class] -= 1.0;
        } else {
            targets.values.subtract(i, 1.0 - smoothing, d.as_mut_slice());
        }
        if smoothing > 0.0 {
            d.add_scalar_mut(-smoothing / classes as f32);
        }
        d *= factor;
    }
}

/// Computes cross-entropy, `-sum_j q_j ln(p_j)`, from probabilities, which are clipped to `[1e-7, 1 - 1e-7]` as in the
/// book.
pub(super) fn of_outputs(probabilities: MatrixView<'_>, targets: Targets<'_>) -> LossSum {
    let (classes, n) = probabilities.shape();
    let n_samples = n as u64;
    let mut sum = LossSum { n_samples, n_predictions: n_samples, ..LossSum::default() };
    for (i, p) in probabilities.column_iter().enumerate() {
        let logarithms = p.map(|p| libm::logf(p.clamp(1e-7, 1.0 - 1e-7)));
        let loss = -f64::from(targets.values.dot(i, logarithms.as_slice()));
        sum.loss += f64::from(targets.weight(i)) * loss;
        sum.correct += u64::from(argmax(p.as_slice()) == targets.values.class(i, classes));
    }
    sum
}

/// Computes `ln(p) / (1 - p)`, which approaches -1 as `p` approaches 1.
fn log_slope(p: f32) -> f32 {
    const NEAR_1: f32 = 1e-6;
    if 1.0 - p < NEAR_1 { -1.0 } else { libm::logf(p.max(f32::MIN_POSITIVE)) / (1.0 - p) }
}

fn smoothing(loss: Loss) -> f64 {
    if let Loss::CrossEntropy { smoothing } = loss { smoothing } else { 0.0 }
}

/// Targets as distributions `q` over the classes.
impl Values<'_> {
    /// `sum_j q_j z_j` of sample `i`.
    fn dot(self, i: usize, z: &[f32]) -> f32 {
        match self {
            Self::Classes(labels) => z[labels[i] as usize],
            Self::Numbers { numbers, .. } => {
                numbers[i * z.len()..].iter().zip(z).map(|(q, z)| q * z).sum()
            }
        }
    }

    /// `d -= factor q` of sample `i`.
    fn subtract(self, i: usize, factor: f32, d: &mut [f32]) {
        match self {
            Self::Classes(labels) => d[labels[i] as usize] -= factor,
            Self::Numbers { numbers, .. } => {
                let q = &numbers[i * d.len()..];
                d.iter_mut().zip(q).for_each(|(d, q)| *d -= factor * q);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;
    use tally::{Dice, Failure, Tally, ensure, size};

    use super::*;

    /// Computes softmax and cross-entropy for classes. Returns the loss, the probabilities and the gradient.
    fn fused(z: &DMatrix<f32>, labels: &[u32]) -> (LossSum, DMatrix<f32>, DMatrix<f32>) {
        let (mut p, mut d) = (z.clone(), z.clone());
        let objective = Objective::classes(labels);
        let sum = forward(&objective, z.as_view(), p.as_view_mut());
        backward(&objective, p.as_view(), d.as_view_mut());
        (sum, p, d)
    }

    /// Numbers from Python, for a sample of class 0 with logits `z` (1, 2, 3) and one of class 2 with (0.5, -1.5,
    /// 0.25): `s = sum(map(exp, z)); log(s) - z[c], [(exp(a) / s - (i == c)) / 2 for i, a in enumerate(z)]`.
    #[test]
    fn agrees_with_the_formula() {
        let z = DMatrix::from_column_slice(3, 2, &[1.0, 2.0, 3.0, 0.5, -1.5, 0.25]);
        let labels = [0, 2];
        let (sum, p, d) = fused(&z, &labels);
        assert!((sum.loss - (2.4076059644 + 0.8992663805)).abs() < 1e-6, "{}", sum.loss);
        assert_eq!((sum.correct, sum.n_samples), (0, 2));
        let expected = [-0.45498471, 0.12236424, 0.33262048, 0.26121445, 0.03535153, -0.29656598];
        for (found, expected) in d.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{d}");
        }

        // The loss computed from probabilities is the same.
        let apart = of_outputs(p.as_view(), labels[..].into());
        assert!((apart.loss - sum.loss).abs() < 1e-6);
        assert_eq!(apart.correct, sum.correct);
    }

    fn check(logits: [f32; 3], label: u32, expected: f64) {
        let z = DMatrix::from_column_slice(3, 1, &logits);
        let (sum, _, d) = fused(&z, &[label]);
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
            let scale = libm::exp10(dice.below(9) as f64 - 4.0);
            let mut logit = || ((dice.roll() as f64 / u64::MAX as f64 - 0.5) * 2.0 * scale) as f32;
            let first = logit();
            let z = DMatrix::from_fn(n, 1, |_, _| if i % 7 == 0 { first } else { logit() });
            let label = [dice.below(n) as u32];
            tally.case(|| {
                let (LossSum { loss, .. }, _, d) = fused(&z, &label);
                let is_loss = loss.is_finite() && loss >= 0.0;
                ensure(is_loss, || Failure::wrong(format!("loss {loss} of {z}")))?;
                ensure(d.sum().abs() < 1e-5, || Failure::wrong(format!("gradient {d} of {z}")))
            });
        }
        tally.finish();
    }
}
