//! Some images of a test set.

use super::{Images, Split};
use crate::Error;

/// Some images of a test set, with their labels.
///
/// ```no_run
/// use fmnist_data::{DatasetName, ReadOptions, TestImages};
///
/// let found = TestImages::load(DatasetName::Idx, "mnist", &ReadOptions::default(), &[0, 41])?;
/// assert_eq!(found.images.count, 2);
/// # Ok::<(), fmnist_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestImages {
    /// The images, in the order of the indices.
    pub images: Images,
    /// Their labels.
    pub labels: Vec<u8>,
    /// The names of the dataset's classes, if they are known without reading the rest of it.
    pub class_names: Option<Vec<String>>,
}

impl TestImages {
    /// Copies the images with these indices from a test set.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchImage`] if an index is beyond it.
    pub fn of(test: &Split, indices: &[usize]) -> Result<Self, Error> {
        Self::check(indices, test.len())?;
        let all: Vec<usize> = (0..test.len()).collect();
        let class_names = Some(test.dataset.class_names.clone());
        Ok(Self::sorted(&test.images, &test.labels, &all, indices, class_names))
    }

    /// Fails if an index is beyond a test set of `n` images.
    pub(crate) fn check(indices: &[usize], n: usize) -> Result<(), Error> {
        match indices.iter().find(|&&index| index >= n) {
            Some(&index) => Err(Error::NoSuchImage { index, last: n.saturating_sub(1) }),
            None => Ok(()),
        }
    }

    /// The images with these indices. `images` has those with the indices `sorted`, and `labels` are those of the whole
    /// test set.
    pub(crate) fn sorted(
        images: &Images,
        labels: &[u8],
        sorted: &[usize],
        indices: &[usize],
        class_names: Option<Vec<String>>,
    ) -> Self {
        let len = images.image_len();
        let mut pixels = Vec::with_capacity(indices.len().saturating_mul(len));
        let mut chosen = Vec::with_capacity(indices.len());
        for index in indices {
            let place = sorted.binary_search(index).unwrap_or_default().saturating_mul(len);
            let image = images.pixels.get(place..place.saturating_add(len));
            pixels.extend_from_slice(image.unwrap_or_default());
            chosen.push(labels.get(*index).copied().unwrap_or_default());
        }
        let count = chosen.len();
        Self { images: Images { pixels, count, ..*images }, labels: chosen, class_names }
    }
}
