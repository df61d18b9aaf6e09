//! The dataset in memory: a training set and a test set of images and labels.
//!
//! Pixels stay `u8`, as in the files: 55 MB instead of 220 MB. Normalisation belongs to the model that was
//! trained with it. The readers of each kind of files stand in modules of their own, which use this one.

mod image_size;

use std::fmt;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::{Error, idx};

pub use image_size::{ImageSize, MAX_SIDE};

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

/// Where the images of a dataset come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatasetName {
    /// Zalando's Fashion-MNIST, byte for byte as published.
    FashionMnist,
    /// Garments drawn by [`garments`](crate::garments).
    Synthetic,
    /// Another set in the same file format, not compared with any checksum.
    Idx,
    /// Pictures in [folders](crate::folder), one folder for each class.
    Folder,
    /// CSV files, with one image on each line.
    Csv,
}

impl DatasetName {
    /// The name in files and on the command line, as `fashion-mnist`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FashionMnist => "fashion-mnist",
            Self::Synthetic => "synthetic",
            Self::Idx => "idx",
            Self::Folder => "folder",
            Self::Csv => "csv",
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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
    /// The pixels of image `index`; none past the last image.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.iter().nth(index)
    }

    /// The images one after another.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        // An image of no pixels cannot be cut out; `max` only keeps `chunks_exact` from panicking.
        self.pixels.chunks_exact(self.height.saturating_mul(self.width).max(1))
    }
}

/// Images and their labels, in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The images.
    pub images: Images,
    /// A label for each image, an index into [`Dataset::class_names`].
    pub labels: Vec<u8>,
}

impl Split {
    /// The number of images of each class, up to the last class that has any. Fashion-MNIST has 6,000 (training)
    /// and 1,000 (test) of each.
    pub fn class_counts(&self) -> Vec<usize> {
        let n = self.labels.iter().max().map_or(0, |&label| usize::from(label).saturating_add(1));
        let count = |class| self.labels.iter().filter(|&&it| usize::from(it) == class).count();
        (0..n).map(count).collect()
    }
}

/// A training set and a test set, with their class names and a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The training images.
    pub train: Split,
    /// The test images, for one final evaluation.
    pub test: Split,
    /// Where they come from.
    pub name: DatasetName,
    /// The name of each class, by label: all different, at most [`MAX_CLASSES`].
    pub class_names: Vec<String>,
    /// Fingerprint of the decoded content, 64 lower-case hexadecimal digits: the SHA-256 of the
    /// four unzipped IDX files one after another (training images, training labels, test images,
    /// test labels). A resumed run compares it to learn whether the data changed. For files:
    /// `zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum`.
    ///
    /// For a custom dataset, the class names follow, each after its length in bytes as a big-endian u64,
    /// because there they are part of the data.
    pub sha256: String,
}

impl Dataset {
    /// Makes a dataset of two splits and computes its fingerprint.
    pub(crate) fn new(
        train: Split,
        test: Split,
        name: DatasetName,
        class_names: Vec<String>,
    ) -> Self {
        let mut hasher = Sha256::new();
        for Split { images, labels } in [&train, &test] {
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
        Self { train, test, name, class_names, sha256 }
    }
}

/// Reads training and test set at the same time, each with the path of its images, and checks that the images of both
/// have the same size in the words of `size`.
pub(crate) fn read_both<T: Send>(
    [train, test]: [T; 2],
    read: impl Fn(T) -> Result<(PathBuf, Split), Error> + Sync,
    size: impl Fn(&Images) -> String,
) -> Result<(Split, Split), Error> {
    let (train, test) = thread::scope(|scope| {
        let test = scope.spawn(|| read(test));
        (read(train), test.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let ((train_path, train), (test_path, test)) = (train?, test?);
    let (expected, found) = (size(&train.images), size(&test.images));
    if found == expected {
        return Ok((train, test));
    }
    Err(Error::Disagreement { path: test_path, found, other: train_path, expected })
}

/// [`CLASS_NAMES`] as owned strings.
pub(crate) fn fashion_mnist_classes() -> Vec<String> {
    CLASS_NAMES.map(String::from).to_vec()
}

#[cfg(test)]
mod tests;
