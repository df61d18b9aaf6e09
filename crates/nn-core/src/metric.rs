//! Metrics: the confusion matrix, and what follows from it: accuracy, precision, recall and F1.

/// The index of the largest value. If several are equal it is the first of them; without values it is 0.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// A confusion matrix: how often samples of each actual class were predicted as each class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    n_classes: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// Creates an empty matrix. `n_classes` is 0 if samples have no classes.
    pub fn new(n_classes: usize) -> Self {
        Self { n_classes, counts: vec![0; n_classes * n_classes] }
    }

    /// Counts one sample.
    ///
    /// # Panics
    ///
    /// If either class is not below the number of classes.
    #[track_caller]
    pub fn add(&mut self, actual: usize, predicted: usize) {
        let n = self.n_classes;
        let is_valid = actual < n && predicted < n;
        assert!(is_valid, "classes: expected two below {n}, found {actual} and {predicted}");
        self.counts[actual * n + predicted] += 1;
    }

    /// The rows: for each actual class, how often each class was predicted.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks(self.n_classes.max(1))
    }

    /// The accuracy: the share of samples that were predicted correctly, 0 to 1; NaN without samples.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = self.rows().enumerate().map(|(class, row)| row[class]).sum();
        right as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// The scores of each class.
    pub fn classes(&self) -> Vec<ClassScores> {
        let mut n_predicted = vec![0; self.n_classes];
        for row in self.rows() {
            n_predicted.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        let rows = self.rows().zip(n_predicted).enumerate();
        rows.map(|(class, (row, n_predicted))| {
            let (right, n_samples) = (row[class] as f64, row.iter().sum::<u64>());
            // The share of right predictions among others of which there may be none.
            let share = |of: u64| if of == 0 { 0.0 } else { right / of as f64 };
            let scores = Scores {
                precision: share(n_predicted),
                recall: share(n_samples),
                f1: 2.0 * share(n_samples + n_predicted),
            };
            ClassScores { n_samples, scores: (n_samples > 0).then_some(scores) }
        })
        .collect()
    }

    /// The mean scores of the classes that have samples, each class counting alike. NaN without samples.
    pub fn macro_average(&self) -> Scores {
        Scores::average(&self.classes(), |_| 1.0)
    }

    /// The mean scores of the classes, each counting as many times as it has samples. NaN without samples.
    pub fn weighted_average(&self) -> Scores {
        Scores::average(&self.classes(), |class| class.n_samples as f64)
    }

    /// The pairs of different classes that were confused: actual class, predicted class and how often. The most frequent
    /// pair is first.
    pub fn confused(&self) -> Vec<(usize, usize, u64)> {
        let pairs = self.rows().enumerate().flat_map(|(actual, row)| {
            row.iter().enumerate().map(move |(predicted, &count)| (actual, predicted, count))
        });
        let mut pairs: Vec<_> =
            pairs.filter(|&(actual, predicted, count)| actual != predicted && count > 0).collect();
        pairs.sort_by_key(|&(.., count)| std::cmp::Reverse(count));
        pairs
    }
}

/// How well a class is recognised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// The number of its samples.
    pub n_samples: u64,
    /// Its scores; `None` if it has no samples.
    pub scores: Option<Scores>,
}

/// Precision, recall and F1, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// The share of samples predicted as the class that belong to it; 0 if none were predicted.
    pub precision: f64,
    /// The share of the class's samples that were predicted as the class.
    pub recall: f64,
    /// The harmonic mean of the two.
    pub f1: f64,
}

impl Scores {
    fn average(classes: &[ClassScores], weight: impl Fn(&ClassScores) -> f64) -> Self {
        let scored = || classes.iter().filter_map(|class| Some((weight(class), class.scores?)));
        let total: f64 = scored().map(|(weight, _)| weight).sum();
        let mean = |score: fn(Self) -> f64| -> f64 {
            scored().map(|(weight, scores)| weight * score(scores)).sum::<f64>() / total
        };
        Self {
            precision: mean(|it| it.precision),
            recall: mean(|it| it.recall),
            f1: mean(|it| it.f1),
        }
    }
}

/// The 95 % confidence interval of a share, if `right` of `n` samples are right: Wilson's score interval (E. B. Wilson,
/// 1927), within 0 to 1. All of 0 to 1 without samples.
pub fn wilson_interval(right: u64, n: u64) -> [f64; 2] {
    /// The quantile of the normal distribution at 97.5 %.
    const Z: f64 = 1.959_963_984_540_054;
    if n == 0 {
        return [0.0, 1.0];
    }
    let (share, n) = (right as f64 / n as f64, n as f64);
    let z2 = Z * Z / n;
    let centre = share + z2 / 2.0;
    let half = Z * ((share * (1.0 - share) + z2 / 4.0) / n).sqrt();
    [centre - half, centre + half].map(|end| (end / (1.0 + z2)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[1.0, 3.0, 3.0, 2.0]), 1);
        assert_eq!(argmax(&[-3.0, -1.0]), 1);
        assert_eq!(argmax(&[f32::NEG_INFINITY; 2]), 0);
    }

    #[test]
    fn confusion_of_no_classes() {
        let confusion = ConfusionMatrix::new(0);
        assert_eq!((confusion.rows().count(), confusion.classes().len()), (0, 0));
        assert!(confusion.accuracy().is_nan() && confusion.macro_average().f1.is_nan());
    }

    #[test]
    fn confusion_counts_by_actual_class() {
        let mut confusion = ConfusionMatrix::new(3);
        for (actual, predicted) in [(0, 0), (0, 1), (1, 1), (2, 1)] {
            confusion.add(actual, predicted);
        }
        let rows: Vec<&[u64]> = confusion.rows().collect();
        assert_eq!(rows, [[1, 1, 0], [0, 1, 0], [0, 1, 0]]);
        assert_eq!(confusion.accuracy(), 0.5);
        assert_eq!(confusion.confused(), [(0, 1, 1), (2, 1, 1)]);
    }

    /// Of scikit-learn 1.9.1 and SciPy 1.17.1, by `tests/reference/scores.py`.
    #[test]
    fn scores_are_those_of_scikit_learn() {
        let rows = [[5, 2, 0, 1], [1, 7, 0, 0], [3, 1, 0, 0], [0, 0, 0, 9]];
        let mut confusion = ConfusionMatrix::new(5);
        for (actual, row) in rows.iter().enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                (0..count).for_each(|_| confusion.add(actual, predicted));
            }
        }
        let near = |found: Scores, expected: [f64; 3]| {
            let found = [found.precision, found.recall, found.f1];
            let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(is_near, "{found:?}, expected {expected:?}");
        };
        let expected = [
            [0.555_555_555_555_555_6, 0.625, 0.588_235_294_117_647_1],
            [0.7, 0.875, 0.777_777_777_777_777_8],
            [0.0; 3],
            [0.9, 1.0, 0.947_368_421_052_631_5],
        ];
        let classes = confusion.classes();
        for (class, expected) in classes.iter().zip(expected) {
            near(class.scores.unwrap(), expected);
        }
        // A class without samples has no scores, and does not count.
        assert_eq!(classes[4], ClassScores { n_samples: 0, scores: None });
        let expected = [0.538_888_888_888_888_8, 0.625, 0.578_345_373_237_014_1];
        near(confusion.macro_average(), expected);
        let expected = [0.625_670_498_084_291_2, 0.724_137_931_034_482_8, 0.670_842_081_539_209_7];
        near(confusion.weighted_average(), expected);
        for ((right, n), expected) in [
            ((21, 29), [0.542_828_675_831_340_5, 0.853_012_448_979_120_4]),
            ((0, 10), [0.0, 0.277_532_799_862_889_26]),
            ((10, 10), [0.722_467_200_137_110_7, 1.0]),
        ] {
            let found = wilson_interval(right, n);
            let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(is_near, "{found:?}, expected {expected:?}");
        }
        assert_eq!(wilson_interval(0, 0), [0.0, 1.0]);
        // Rounding alone would end outside.
        for n in 1..2000 {
            assert!(wilson_interval(0, n)[0] >= 0.0 && wilson_interval(n, n)[1] <= 1.0, "{n}");
        }
    }
}
