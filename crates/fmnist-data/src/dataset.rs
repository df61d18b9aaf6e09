//! The dataset in memory: a training set and a test set of images and labels.
//!
//! Pixels stay `u8`, as in the files: 55 MB instead of 220 MB. Normalisation belongs to the model that was
//! trained with it. The readers of the kinds of files are modules of their own, which use this one.

mod image_size;
pub(crate) mod name;

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::{Error, idx, threads};

pub use image_size::{ImageSize, MAX_SIDE};
pub use name::DatasetName;

/// The largest number of images in a split.
pub const MAX_IMAGES: usize = 1 << 24;

/// The largest size of a split's pixels, in bytes.
pub const MAX_PIXELS: u64 = 4 << 30;

/// The largest number of classes: a label is a byte, as in an IDX file.
pub const MAX_CLASSES: usize = 256;

/// The class names of Fashion-MNIST, by label.
pub const CLASS_NAMES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Grey images of one size.
///
/// # Shapes
///
/// `pixels` is `count * height * width` bytes: image after image, row after row from the top,
/// 0 black to 255 white. As a column-major matrix that is `features x samples`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// All pixels of all images.
    pub pixels: Vec<u8>,
    /// Number of images.
    pub count: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
}

impl Images {
    /// The pixels of image `index`; `None` past the last image.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.iter().nth(index)
    }

    /// The images one after another.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        // An image of no pixels cannot be cut out; `max` only keeps `chunks_exact` from panicking.
        self.pixels.chunks_exact(self.height.saturating_mul(self.width).max(1))
    }
}

/// Images with their labels: a training set, a test set or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The images.
    pub images: Images,
    /// A label for each image, an index into [`DatasetInfo::class_names`].
    pub labels: Vec<u8>,
    /// The dataset that the images are from.
    pub dataset: Arc<DatasetInfo>,
}

impl Split {
    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Splits off the last `n` images as a held-out set, to evaluate each epoch on. Returns the remaining images, then the
    /// held-out ones.
    ///
    /// # Panics
    ///
    /// If no image would be left.
    #[track_caller]
    pub fn hold_out(mut self, n: usize) -> (Self, Self) {
        let (count, most) = (self.len(), self.len().saturating_sub(1));
        assert!(n < count, "images to hold out: expected at most {most} of {count}, found {n}");
        let rest = count.saturating_sub(n);
        let Images { pixels, height, width, .. } = &mut self.images;
        let held_out = Self {
            images: Images {
                pixels: pixels.split_off(rest.saturating_mul(*height).saturating_mul(*width)),
                count: n,
                ..self.images
            },
            labels: self.labels.split_off(rest),
            dataset: Arc::clone(&self.dataset),
        };
        self.images.count = rest;
        (self, held_out)
    }

    /// The number of images of each class, up to the last class that has any. Fashion-MNIST has 6,000 (training)
    /// and 1,000 (test) of each.
    pub fn class_counts(&self) -> Vec<usize> {
        let n = self.labels.iter().max().map_or(0, |&label| usize::from(label).saturating_add(1));
        let count = |class| self.labels.iter().filter(|&&it| usize::from(it) == class).count();
        (0..n).map(count).collect()
    }
}

/// The name, the classes and the fingerprint of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Where the images come from.
    pub name: DatasetName,
    /// The name of each class, by label: all different, at most [`MAX_CLASSES`].
    pub class_names: Vec<String>,
    /// The number of training images, held-out ones included.
    pub n_train: usize,
    /// Fingerprint of the decoded content, 64 lower-case hexadecimal digits: the SHA-256 of the
    /// four unzipped IDX files one after another (training images, training labels, test images,
    /// test labels). A resumed run compares it to learn whether the data changed. For files:
    /// `zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum`.
    ///
    /// For a custom dataset, the class names follow, each after its length in bytes as a big-endian u64,
    /// because there they are part of the data.
    pub sha256: String,
}

/// A training set and a test set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The training images.
    pub train: Split,
    /// The test images, for one final evaluation.
    pub test: Split,
    /// Name, classes and fingerprint.
    pub info: Arc<DatasetInfo>,
}

/// Images and labels as read from a file, before the whole dataset is known.
#[derive(Debug)]
pub(crate) struct LabelledImages {
    pub(crate) images: Images,
    pub(crate) labels: Vec<u8>,
}

impl Dataset {
    /// Makes a dataset from a training set and a test set, and computes its fingerprint.
    pub(crate) fn new(
        train: LabelledImages,
        test: LabelledImages,
        name: DatasetName,
        class_names: Vec<String>,
    ) -> Self {
        let mut hasher = Sha256::new();
        for LabelledImages { images, labels } in [&train, &test] {
            hasher.update(idx::header_u8(&[images.count, images.height, images.width]));
            hasher.update(&images.pixels);
            hasher.update(idx::header_u8(&[labels.len()]));
            hasher.update(labels);
        }
        if !matches!(name, DatasetName::FashionMnist | DatasetName::Synthetic) {
            for class in &class_names {
                hasher.update((class.len() as u64).to_be_bytes());
                hasher.update(class);
            }
        }
        let sha256 = hex(&hasher.finalize());
        let n_train = train.images.count;
        Self::with_info(train, test, DatasetInfo { name, class_names, n_train, sha256 })
    }

    /// Makes a dataset whose fingerprint is known.
    pub(crate) fn with_info(
        train: LabelledImages,
        test: LabelledImages,
        info: DatasetInfo,
    ) -> Self {
        let info = Arc::new(info);
        let split = |LabelledImages { images, labels }| Split {
            images,
            labels,
            dataset: Arc::clone(&info),
        };
        Self { train: split(train), test: split(test), info }
    }
}

/// Fails unless the images of both sets have the same size, which `test` and `train` describe.
pub(crate) fn check_same_size(
    test_path: &Path,
    test: String,
    train_path: &Path,
    train: String,
) -> Result<(), Error> {
    if test == train {
        return Ok(());
    }
    let (path, other) = (test_path.into(), train_path.into());
    Err(Error::Disagreement { path, found: test, other, expected: train })
}

/// Reads training and test set at the same time.
pub(crate) fn read_both<T: Send>(
    [train, test]: [T; 2],
    read: impl Fn(T) -> Result<LabelledImages, Error> + Sync,
) -> Result<(LabelledImages, LabelledImages), Error> {
    let mut sets = threads::map([train, test].into_iter(), read).into_iter();
    let (Some(train), Some(test)) = (sets.next(), sets.next()) else {
        unreachable!("a result for each of two sets")
    };
    Ok((train?, test?))
}

/// [`CLASS_NAMES`] as owned strings.
pub(crate) fn fashion_mnist_classes() -> Vec<String> {
    CLASS_NAMES.map(String::from).to_vec()
}

#[cfg(test)]
mod tests;
