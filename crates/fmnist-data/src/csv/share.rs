//! Takes a test set out of the training set, for tables without one.

use crate::dataset::{LabelledImages, MAX_CLASSES, TEST_SHARE};

/// Splits off the test set: of each class, the last of every [`TEST_SHARE`] images, in the order of the table. `None` if no
/// class has as many.
pub(super) fn split_off(train: LabelledImages) -> Option<(LabelledImages, LabelledImages)> {
    let mut seen = [0_usize; MAX_CLASSES];
    let mut is_test = |label: u8| {
        let n = seen.get_mut(usize::from(label))?;
        *n = n.saturating_add(1);
        Some(n.is_multiple_of(TEST_SHARE))
    };
    let labels = train.labels.iter().enumerate();
    let test: Vec<usize> = labels
        .filter(|&(_, &label)| is_test(label).unwrap_or(false))
        .map(|(index, _)| index)
        .collect();
    (!test.is_empty()).then(|| train.take_out(&test))
}
