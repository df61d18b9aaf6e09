//! Metrics: the confusion matrix, accuracy and recall.

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

    /// The recall of each class: the share of its samples that were predicted correctly, 0 to 1; NaN for a class
    /// without samples.
    pub fn per_class(&self) -> impl Iterator<Item = f64> {
        self.rows()
            .enumerate()
            .map(|(class, row)| row[class] as f64 / row.iter().sum::<u64>() as f64)
    }
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
        assert_eq!((confusion.rows().count(), confusion.per_class().count()), (0, 0));
        assert!(confusion.accuracy().is_nan());
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
        assert_eq!(confusion.per_class().collect::<Vec<_>>(), [0.5, 1.0, 0.0]);
    }
}
