//! Measures of an image, and how they are scaled.

use nn_core::{Buffer, nalgebra::DMatrix, zeros};

/// The covariance is mixed with this much of its mean variance in all directions, so that it can be inverted.
const SHRINKAGE: f64 = 0.01;
/// The share of held-out images that miss the threshold.
const REJECTED: f64 = 0.05;

/// Scales a measure: `median` becomes 0, and `low` becomes -1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The median of held-out images.
    pub median: f64,
    /// The value that a twentieth of them is below. It is below the median.
    pub low: f64,
}

/// The squared Mahalanobis distance from the nearest class.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// How the negative distance is scaled.
    pub scale: Scale,
    /// The mean of each class, multiplied by `whitening`: classes x n, row by row.
    pub centres: Buffer,
    /// The inverse of the Cholesky factor of the covariance within classes: the lower triangle, row by row.
    pub whitening: Buffer,
}

impl Scale {
    pub(super) fn of(self, value: f64) -> f64 {
        (value - self.median) / (self.median - self.low)
    }

    /// The scale of these values.
    pub(super) fn fit(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let at = |share: f64| values[(share * (values.len() - 1) as f64) as usize];
        let (median, low) = (at(0.5), at(REJECTED));
        // All values are equal, or nearly.
        let least = 1e-6 * median.abs().max(1.0);
        Self { median, low: low.min(median - least) }
    }
}

impl Distance {
    /// Fits the centres and the covariance within classes; the scale is left open. `None` if numbers are not finite.
    pub(super) fn fit(vectors: &[&[f64]], labels: &[usize], classes: usize) -> Option<Self> {
        let n = vectors.first().map_or(0, |vector| vector.len());
        let mean = mean(vectors.iter().copied(), n);
        let means: Vec<Vec<f64>> = (0..classes)
            .map(|class| {
                let is_class = |(_, label): &(&&[f64], &usize)| **label == class;
                let of_class = vectors.iter().zip(labels).filter(is_class).map(|(it, _)| *it);
                // A class without images is as far as the mean of all.
                if labels.contains(&class) { self::mean(of_class, n) } else { mean.clone() }
            })
            .collect();
        let mut covariance = DMatrix::<f64>::zeros(n, n);
        for (vector, &label) in vectors.iter().zip(labels) {
            let residual: Vec<f64> = vector.iter().zip(&means[label]).map(|(x, m)| x - m).collect();
            for (j, &b) in residual.iter().enumerate() {
                let column = &mut covariance.as_mut_slice()[j * n + j..(j + 1) * n];
                column.iter_mut().zip(&residual[j..]).for_each(|(sum, a)| *sum += a * b);
            }
        }
        covariance /= vectors.len().max(1) as f64;
        // Never 0, even if all vectors are equal.
        let variance = (covariance.trace() / n.max(1) as f64).max(1e-12);
        covariance *= 1.0 - SHRINKAGE;
        for i in 0..n {
            covariance[(i, i)] += SHRINKAGE * variance;
        }
        // Only the lower triangle is read.
        let factor = covariance.cholesky()?.l();
        let inverse = factor.solve_lower_triangular(&DMatrix::identity(n, n))?;
        let mut whitening = zeros(triangle(n));
        let lower = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
        whitening.iter_mut().zip(lower).for_each(|(to, at)| *to = inverse[at] as f32);
        let scale = Scale { median: 0.0, low: -1.0 };
        let mut distance = Self { scale, centres: zeros(classes * n), whitening };
        for (class, mean) in means.iter().enumerate() {
            let white = distance.whitened(mean);
            let row = distance.centres[class * n..][..n].iter_mut();
            row.zip(white).for_each(|(to, x)| *to = x as f32);
        }
        Some(distance)
    }

    /// A vector in the coordinates in which the covariance is the identity.
    fn whitened(&self, vector: &[f64]) -> Vec<f64> {
        let mut rest = self.whitening.as_slice();
        (1..=vector.len())
            .map(|n| {
                let (row, after) = rest.split_at(n.min(rest.len()));
                rest = after;
                row.iter().zip(vector).map(|(&w, x)| f64::from(w) * x).sum()
            })
            .collect()
    }

    /// The squared distance from the nearest centre.
    pub(super) fn of(&self, vector: &[f64]) -> f64 {
        let white = self.whitened(vector);
        let squared = |centre: &[f32]| -> f64 {
            white.iter().zip(centre).map(|(x, &c)| (x - f64::from(c)) * (x - f64::from(c))).sum()
        };
        self.centres.chunks(white.len().max(1)).map(squared).fold(f64::INFINITY, f64::min)
    }
}

/// The number of elements of the lower triangle of an n x n matrix.
pub fn triangle(n: usize) -> usize {
    n.saturating_mul(n + 1) / 2
}

fn mean<'a>(vectors: impl Iterator<Item = &'a [f64]>, n: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n];
    let mut count = 0.0_f64;
    for vector in vectors {
        count += 1.0;
        sums.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }
    sums.iter_mut().for_each(|sum| *sum /= count.max(1.0));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes at (0, 0) and (10, 0), with the same deviations: 2 across and 1 down.
    #[test]
    fn distances_count_in_deviations_of_the_nearest_class() {
        let around = |x: f64| [[x - 2.0, 0.0], [x + 2.0, 0.0], [x, -1.0], [x, 1.0]];
        let vectors = [around(0.0), around(10.0)].concat();
        let vectors: Vec<&[f64]> = vectors.iter().map(|it| &it[..]).collect();
        let labels = [0, 0, 0, 0, 1, 1, 1, 1];
        let distance = Distance::fit(&vectors, &labels, 2).unwrap();
        // The variances are 2 and 0.5, shrunk by a hundredth of their mean.
        let expected =
            |x: f64, y: f64| x * x / (0.99 * 2.0 + 0.0125) + y * y / (0.99 * 0.5 + 0.0125);
        for ([x, y], [from_x, from_y]) in
            [([0.0, 0.0], [0.0, 0.0]), ([3.0, 1.0], [3.0, 1.0]), ([9.0, -2.0], [1.0, 2.0])]
        {
            let found = distance.of(&[x, y]);
            assert!((found - expected(from_x, from_y)).abs() < 1e-4, "{x}, {y}: {found}");
        }
    }

    #[test]
    fn scales_have_the_median_and_a_low_value() {
        let scale = Scale::fit((0..101).rev().map(f64::from).collect());
        assert_eq!((scale.median, scale.low), (50.0, 5.0));
        assert_eq!((scale.of(50.0), scale.of(5.0)), (0.0, -1.0));
        let equal = Scale::fit(vec![3.0; 9]);
        assert!(equal.low < equal.median && equal.of(3.0) == 0.0);
    }
}
