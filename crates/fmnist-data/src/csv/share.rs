//! Takes a test set out of the training set, for tables without one.

use crate::dataset::{Images, LabelledImages, MAX_CLASSES};
use crate::folder::TEST_SHARE;

/// Splits off the test set: of each class, the last of every [`TEST_SHARE`] images, in the order of the table. `None` if no
/// class has as many.
pub(super) fn split_off(train: LabelledImages) -> Option<(LabelledImages, LabelledImages)> {
    let LabelledImages { images, labels } = train;
    let Images { mut pixels, height, width, channels, count: _ } = images;
    let len = height.saturating_mul(width).saturating_mul(channels);
    let mut seen = [0_usize; MAX_CLASSES];
    let (mut train_labels, mut test_labels) = (Vec::new(), Vec::new());
    let mut test_pixels = Vec::new();
    for (index, label) in labels.into_iter().enumerate() {
        let start = index.saturating_mul(len);
        let image = start..start.saturating_add(len);
        let n = seen.get_mut(usize::from(label))?;
        *n = n.saturating_add(1);
        if n.is_multiple_of(TEST_SHARE) {
            test_pixels.extend_from_slice(pixels.get(image)?);
            test_labels.push(label);
        } else {
            // Moves it next to the training image before it, so that the set is not in memory twice.
            pixels.copy_within(image, train_labels.len().saturating_mul(len));
            train_labels.push(label);
        }
    }
    pixels.truncate(train_labels.len().saturating_mul(len));
    pixels.shrink_to_fit();
    let set = |pixels, labels: Vec<u8>| LabelledImages {
        images: Images { pixels, count: labels.len(), height, width, channels },
        labels,
    };
    let has_test = !test_labels.is_empty();
    has_test.then(|| (set(pixels, train_labels), set(test_pixels, test_labels)))
}
