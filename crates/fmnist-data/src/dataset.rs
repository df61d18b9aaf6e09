//! The dataset in memory: two splits of images and labels, checked against each other.
//!
//! Pixels stay `u8`, as in the file: 55 MB instead of 220 MB, and normalisation belongs to the
//! model that was trained with it. What the published files are is known to `manifest`;
//! how bytes become arrays, to [`idx`]; other kinds of sets, to `csv` and [`folder`](crate::folder).

pub(crate) mod classes;
mod four_files;
mod image_size;

use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::{Error, csv, idx, manifest};

pub use image_size::ImageSize;

/// Longest side of an image, in pixels.
pub const MAX_SIDE: usize = 1024;

/// Most images of a split.
pub const MAX_IMAGES: usize = 1 << 24;

/// Most bytes that the pixels of a split take.
pub const MAX_PIXELS: u64 = 4 << 30;

/// Most classes: a label is a byte, as in an IDX file.
pub const MAX_CLASSES: usize = 256;

/// What each label of Fashion-MNIST stands for, by label.
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
    /// Some other set in the same file format, not verified against anything.
    Idx,
    /// Pictures in [folders](crate::folder), one a class.
    Folder,
    /// A table of numbers as text, a line an image.
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
    /// How many images each class has, up to the last that has one. Fashion-MNIST has 6,000 (training)
    /// and 1,000 (test) of each.
    pub fn class_counts(&self) -> Vec<usize> {
        let n = self.labels.iter().max().map_or(0, |&label| usize::from(label).saturating_add(1));
        let count = |class| self.labels.iter().filter(|&&it| usize::from(it) == class).count();
        (0..n).map(count).collect()
    }
}

/// A training set, a test set, and the proof of what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The images to learn from.
    pub train: Split,
    /// The images to be judged by, once, at the end.
    pub test: Split,
    /// Where they come from.
    pub name: DatasetName,
    /// What each label stands for, by label: no two the same, at most [`MAX_CLASSES`].
    pub class_names: Vec<String>,
    /// Fingerprint of the decoded content, 64 lower-case hexadecimal digits: the SHA-256 of the
    /// four unzipped IDX files one after another (training images, training labels, test images,
    /// test labels). A resumed run compares it to learn whether the data changed. For files:
    /// `zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum`.
    ///
    /// Of other sets than Fashion-MNIST and its stand-in, the names of the classes come after that, each
    /// behind its length in bytes, a big-endian u64: what a label stands for is theirs to say.
    pub sha256: String,
}

impl Dataset {
    /// Loads Fashion-MNIST from the four published files in `dir`, gzip or unzipped.
    ///
    /// Every file is hashed while it is read and must be the published one, byte for byte.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read, or is not the published one; MNIST under the same
    /// names and files under each other's names are recognised as such.
    pub fn load(dir: &Path) -> Result<Self, Error> {
        four_files::load_published(dir, &manifest::fashion_mnist())
    }

    /// Loads any set of four IDX files under Fashion-MNIST's file names from `dir`, for instance
    /// MNIST itself. Only consistency is checked: see [`Dataset::load`] for the real thing.
    ///
    /// There are as many classes as the largest label says, named by their numbers; or as many as
    /// `classes.txt` in `dir` has lines, each the name of one.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when images and labels or the
    /// two splits disagree, when a label has no name in `classes.txt`, or when an image is larger than
    /// [`MAX_SIDE`].
    pub fn load_idx(dir: &Path) -> Result<Self, Error> {
        four_files::load_unpublished(dir)
    }

    /// Loads a set of two CSV files from `dir`: `fashion-mnist_train.csv` and `fashion-mnist_test.csv`, as
    /// Kaggle has Fashion-MNIST, or `train.csv` and `test.csv`.
    ///
    /// A header comes first, `label,pixel1,pixel2,...`, then a line for each image: its label and its
    /// pixels, row after row from the top, numbers of 0 to 255. Images are square where no `size` is given.
    /// Classes are named as by [`Dataset::load_idx`], but the ten of the first two files, where there is
    /// no `classes.txt`, as Fashion-MNIST's.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when a label has no name in
    /// `classes.txt`, or when the pixels are not those of images of `size`, or of any square.
    pub fn load_csv(dir: &Path, size: Option<ImageSize>) -> Result<Self, Error> {
        csv::load(dir, size)
    }

    /// Puts two splits together under a name, and takes their fingerprint.
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

/// [`CLASS_NAMES`], as a [`Dataset`] has them.
pub(crate) fn fashion_mnist_classes() -> Vec<String> {
    CLASS_NAMES.map(String::from).to_vec()
}

#[cfg(test)]
mod tests;
