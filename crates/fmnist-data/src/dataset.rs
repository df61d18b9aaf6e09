//! The dataset in memory: two splits of images and labels, checked against each other.
//!
//! Pixels stay `u8`, as in the file: 55 MB instead of 220 MB, and normalisation belongs to the
//! model that was trained with it. What the published files are is known to `manifest`;
//! how bytes become arrays, to [`idx`].

use std::fmt;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::digest::{self, hex};
use crate::idx::{self, Elements, Idx};
use crate::manifest::{self, FileSpec, Manifest};

/// What each label stands for, by label.
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
}

impl DatasetName {
    /// The name in files and on the command line: `fashion-mnist`, `synthetic` or `idx`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FashionMnist => "fashion-mnist",
            Self::Synthetic => "synthetic",
            Self::Idx => "idx",
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
    /// A label for each image, an index into [`CLASS_NAMES`].
    pub labels: Vec<u8>,
}

impl Split {
    /// How many images each class has. Fashion-MNIST has 6,000 (training) and 1,000 (test) of each.
    pub fn class_counts(&self) -> [usize; CLASS_NAMES.len()] {
        std::array::from_fn(|class| {
            self.labels.iter().filter(|&&label| usize::from(label) == class).count()
        })
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
    /// Fingerprint of the decoded content, 64 lower-case hexadecimal digits: the SHA-256 of the
    /// four unzipped IDX files one after another (training images, training labels, test images,
    /// test labels). A resumed run compares it to learn whether the data changed. For files:
    /// `zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum`.
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
        load_published(dir, &manifest::fashion_mnist())
    }

    /// Loads any set of four IDX files under Fashion-MNIST's file names from `dir`, for instance
    /// MNIST itself. Only consistency is checked: see [`Dataset::load`] for the real thing.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when images and labels or the
    /// two splits disagree, or when a label is 10 or more.
    pub fn load_idx(dir: &Path) -> Result<Self, Error> {
        let (train, test) = load_splits(dir, &manifest::fashion_mnist(), |_, path| {
            let (file, _) = digest::open(path)?;
            idx::read(file, path)
        })?;
        Ok(Self::new(train, test, DatasetName::Idx))
    }

    /// Puts two splits together under a name, and takes their fingerprint.
    pub(crate) fn new(train: Split, test: Split, name: DatasetName) -> Self {
        let mut hasher = Sha256::new();
        for Split { images, labels } in [&train, &test] {
            hasher.update(idx::header_u8(&[images.count, images.height, images.width]));
            hasher.update(&images.pixels);
            hasher.update(idx::header_u8(&[labels.len()]));
            hasher.update(labels);
        }
        let sha256 = hex(&hasher.finalize());
        Self { train, test, name, sha256 }
    }
}

fn load_published(dir: &Path, manifest: &Manifest) -> Result<Dataset, Error> {
    let (train, test) = load_splits(dir, manifest, |spec, path| manifest.read(spec, path))?;
    let (name, sha256) = (DatasetName::FashionMnist, manifest.content_sha256.clone());
    Ok(Dataset { train, test, name, sha256 })
}

/// Loads four files by the manifest's names, each through `read`, if they belong together. The two
/// splits are read at the same time.
fn load_splits(
    dir: &Path,
    manifest: &Manifest,
    read: impl Fn(&FileSpec, &Path) -> Result<Idx, Error> + Sync,
) -> Result<(Split, Split), Error> {
    let missing = manifest.missing(dir);
    if !missing.is_empty() {
        return Err(Error::Missing { dir: dir.into(), missing });
    }
    let split = |images: &FileSpec, labels: &FileSpec| -> Result<(PathBuf, Split), Error> {
        let (images_path, labels_path) = (images.path_in(dir), labels.path_in(dir));
        let images = to_images(read(images, &images_path)?, &images_path)?;
        let labels = to_labels(read(labels, &labels_path)?, &labels_path)?;
        if images.count == labels.len() {
            return Ok((images_path, Split { images, labels }));
        }
        Err(Error::Disagreement {
            path: labels_path,
            found: format!("{} labels", labels.len()),
            other: images_path,
            expected: format!("{} images", images.count),
        })
    };
    let [train_images, train_labels, test_images, test_labels] = &manifest.files;
    let (train, test) = thread::scope(|scope| {
        let test = scope.spawn(|| split(test_images, test_labels));
        let train = split(train_images, train_labels);
        (train, test.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let ((train_path, train), (test_path, test)) = (train?, test?);
    let size = |images: &Images| format!("images of {} x {}", images.height, images.width);
    if size(&train.images) != size(&test.images) {
        return Err(Error::Disagreement {
            path: test_path,
            found: size(&test.images),
            other: train_path,
            expected: size(&train.images),
        });
    }
    Ok((train, test))
}

fn to_images(array: Idx, path: &Path) -> Result<Images, Error> {
    match (array.dims.as_slice(), array.elements) {
        (&[count, height, width], Elements::U8(pixels)) => {
            Ok(Images { pixels, count, height, width })
        }
        (dims, elements) => Err(wrong_shape(path, "3 dimensions of u8 (images)", dims, &elements)),
    }
}

fn to_labels(array: Idx, path: &Path) -> Result<Vec<u8>, Error> {
    let labels = match (array.dims.as_slice(), array.elements) {
        (&[_], Elements::U8(labels)) => labels,
        (dims, elements) => {
            return Err(wrong_shape(path, "1 dimension of u8 (labels)", dims, &elements));
        }
    };
    match labels.iter().position(|&label| usize::from(label) >= CLASS_NAMES.len()) {
        None => Ok(labels),
        Some(index) => Err(Error::Label {
            path: path.into(),
            index,
            offset: (index as u64).saturating_add(8),
            value: labels.get(index).copied().unwrap_or_default(),
        }),
    }
}

fn wrong_shape(path: &Path, expected: &str, dims: &[usize], elements: &Elements) -> Error {
    Error::Idx {
        path: path.into(),
        offset: 2,
        field: "element type and rank",
        expected: expected.into(),
        found: format!(
            "{} of {}; are images and labels swapped?",
            dims.len(),
            elements.type_name()
        ),
    }
}

#[cfg(test)]
mod tests;
