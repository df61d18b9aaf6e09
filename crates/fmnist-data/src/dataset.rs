//! The dataset in memory: a training set and a test set of images and labels.
//!
//! Pixels stay `u8`, as in the files: 55 MB instead of 220 MB. Normalisation belongs to the model that was
//! trained with it. The readers of the kinds of files are modules of their own, which use this one.

mod custom;
mod image_size;
pub(crate) mod name;
mod note;
mod read_options;
mod test_images;

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::digest::hex;
use crate::{Error, idx, threads};

pub(crate) use custom::{CHECK_LABELS, Parts};
pub use image_size::{ImageSize, MAX_SIDE};
pub use name::DatasetName;
pub use note::Note;
pub use read_options::{Colour, ReadOptions};
pub use test_images::TestImages;

/// The largest number of images in a split.
pub const MAX_IMAGES: usize = 1 << 24;

/// The largest size of a split's pixels, in bytes.
pub const MAX_PIXELS: u64 = 4 << 30;

/// The largest number of classes: a label is a byte, as in an IDX file.
pub const MAX_CLASSES: usize = 256;

/// One in this many images of a class belongs to the test set, if a dataset has none.
pub const TEST_SHARE: usize = 6;

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

/// Images of one size, grey or in colour.
///
/// # Shapes
///
/// `pixels` is `count * height * width * channels` bytes: image after image, row after row from the top, pixel after
/// pixel, and the channels of a pixel together; 0 is black, 255 white. As a column-major matrix that is
/// `features x samples`.
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
    /// Bytes of a pixel: 1 for grey, 3 for red, green and blue.
    pub channels: usize,
}

impl Images {
    /// The number of bytes of an image.
    pub fn image_len(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// The pixels of image `index`; `None` past the last image.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.iter().nth(index)
    }

    /// The images one after another.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        // An image of no pixels cannot be cut out; `max` only keeps `chunks_exact` from panicking.
        self.pixels.chunks_exact(self.image_len().max(1))
    }

    /// Exchanges rows and columns of each image. The channels of a pixel stay together.
    pub(crate) fn transposed(self) -> Self {
        let image_len = self.image_len().max(1);
        let Self { mut pixels, count, height, width, channels } = self;
        let mut before = Vec::new();
        for image in pixels.chunks_exact_mut(image_len) {
            before.clear();
            before.extend_from_slice(image);
            let mut after = image.chunks_exact_mut(channels.max(1));
            for column in 0..width {
                let column = before.chunks_exact(channels.max(1)).skip(column).step_by(width);
                column.zip(&mut after).for_each(|(from, to)| to.copy_from_slice(from));
            }
        }
        Self { pixels, count, height: width, width: height, channels }
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
        let at = rest.saturating_mul(self.images.image_len());
        let pixels = self.images.pixels.split_off(at);
        let held_out = Self {
            images: Images { pixels, count: n, ..self.images },
            labels: self.labels.split_off(rest),
            dataset: Arc::clone(&self.dataset),
        };
        self.images.count = rest;
        (self, held_out)
    }

    /// Moves some images into a second split, and returns both. The order of images stays the same in each.
    ///
    /// # Panics
    ///
    /// Unless the indices are ascending and those of images.
    #[track_caller]
    pub fn take_out(self, indices: &[usize]) -> (Self, Self) {
        let is_ascending = indices.is_sorted_by(|a, b| a < b);
        let within = indices.last().is_none_or(|&last| last < self.len());
        assert!(is_ascending && within, "expected ascending indices of {} images", self.len());
        let Self { images, labels, dataset } = self;
        let (rest, taken) = LabelledImages { images, labels }.take_out(indices);
        let split = |LabelledImages { images, labels }, dataset| Self { images, labels, dataset };
        (split(rest, Arc::clone(&dataset)), split(taken, dataset))
    }

    /// The number of images of each class, up to the last class that has any. Fashion-MNIST has 6,000 (training)
    /// and 1,000 (test) of each.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = [0_usize; MAX_CLASSES];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count = count.saturating_add(1);
            }
        }
        let n =
            counts.iter().rposition(|&count| count > 0).map_or(0, |last| last.saturating_add(1));
        counts.get(..n).unwrap_or_default().to_vec()
    }
}

/// The name, the classes and the fingerprint of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInfo {
    /// Where the images come from.
    pub name: DatasetName,
    /// The name of the directory of a custom dataset, to show. It is not part of the fingerprint.
    pub directory: Option<String>,
    /// The name of each class, by label: all different, at most [`MAX_CLASSES`].
    pub class_names: Vec<String>,
    /// The number of training images, held-out ones included.
    pub n_train: usize,
    /// How many of them the dataset itself sets apart, as in a folder `val`. They are the last ones.
    pub n_validation: Option<usize>,
    /// Fingerprint of the decoded content, 64 lower-case hexadecimal digits: the SHA-256 of the
    /// four unzipped IDX files one after another (training images, training labels, test images,
    /// test labels). A resumed run compares it to learn whether the data changed. For files:
    /// `zcat train-images*.gz train-labels*.gz t10k-images*.gz t10k-labels*.gz | sha256sum`.
    ///
    /// For a custom dataset, the class names follow, each after its length in bytes as a big-endian u64,
    /// because there they are part of the data. Images in colour have a fourth dimension, the channels.
    pub sha256: String,
    /// Whether rows and columns were exchanged as the images were read: [`ReadOptions::transpose`].
    pub transposed: bool,
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
    /// What a user should know about how it was read.
    pub notes: Vec<Note>,
}

/// Images and labels as read from a file, before the whole dataset is known.
#[derive(Debug, Clone)]
pub(crate) struct LabelledImages {
    pub(crate) images: Images,
    pub(crate) labels: Vec<u8>,
}

impl LabelledImages {
    /// Moves the images with these indices, which are ascending, into a second set.
    pub(crate) fn take_out(mut self, indices: &[usize]) -> (Self, Self) {
        let len = self.images.image_len();
        let (mut labels, mut taken_labels) = (Vec::new(), Vec::new());
        let mut taken_pixels = Vec::with_capacity(indices.len().saturating_mul(len));
        let mut next = indices.iter().peekable();
        for (index, &label) in self.labels.iter().enumerate() {
            let start = index.saturating_mul(len);
            let range = start..start.saturating_add(len);
            if next.next_if_eq(&&index).is_some() {
                taken_labels.push(label);
                taken_pixels.extend_from_slice(self.images.pixels.get(range).unwrap_or_default());
            } else {
                // In place, since a set may take half of the memory.
                self.images.pixels.copy_within(range, labels.len().saturating_mul(len));
                labels.push(label);
            }
        }
        self.images.count = labels.len();
        self.images.pixels.truncate(labels.len().saturating_mul(len));
        self.images.pixels.shrink_to_fit();
        self.labels = labels;
        let images = Images { pixels: taken_pixels, count: taken_labels.len(), ..self.images };
        let taken = Self { images, labels: taken_labels };
        (self, taken)
    }
}

impl Dataset {
    /// Makes a dataset of garments, and computes its fingerprint.
    pub(crate) fn garments(train: LabelledImages, test: LabelledImages, name: DatasetName) -> Self {
        let sha256 = hex(&fingerprint(&train, &test).finalize());
        let info = DatasetInfo::garments(name, train.images.count, sha256);
        Self::with_info(train, test, info)
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
        Self { train: split(train), test: split(test), info, notes: Vec::new() }
    }
}

impl DatasetInfo {
    /// The classes of Fashion-MNIST, for a set with this fingerprint.
    pub(crate) fn garments(name: DatasetName, n_train: usize, sha256: String) -> Self {
        let class_names = CLASS_NAMES.map(String::from).to_vec();
        Self {
            name,
            directory: None,
            class_names,
            n_train,
            n_validation: None,
            sha256,
            transposed: false,
        }
    }

    /// The name to show, such as `shapes (folder)`: that of the directory, and the kind.
    pub fn title(&self) -> String {
        match &self.directory {
            Some(directory) => format!("{directory} ({})", self.name),
            None => self.name.to_string(),
        }
    }
}

/// Hashes images and labels as IDX files of them.
fn fingerprint(train: &LabelledImages, test: &LabelledImages) -> Sha256 {
    let mut hasher = Sha256::new();
    for LabelledImages { images, labels } in [train, test] {
        let dims = [images.count, images.height, images.width, images.channels];
        // A grey image has no fourth dimension.
        let rank = if images.channels == 1 { 3 } else { 4 };
        hasher.update(idx::header_u8(dims.get(..rank).unwrap_or_default()));
        hasher.update(&images.pixels);
        hasher.update(idx::header_u8(&[labels.len()]));
        hasher.update(labels);
    }
    hasher
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

#[cfg(test)]
mod tests;
