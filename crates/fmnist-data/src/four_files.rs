//! Reads a dataset of four IDX files with the names of Fashion-MNIST's, and checks that they belong together.

use std::path::Path;

use crate::dataset::{
    CLASS_NAMES, Dataset, DatasetInfo, DatasetName, Images, LabelledImages, MAX_CLASSES,
    MAX_IMAGES, MAX_SIDE, fashion_mnist_classes, read_both,
};
use crate::idx::{self, Elements, Idx};
use crate::manifest::{self, FileSpec, Manifest};
use crate::{Error, classes, digest};

impl Dataset {
    /// Loads Fashion-MNIST from the four published files in `dir`, gzip or unzipped.
    ///
    /// Every file is hashed while it is read and must be identical to the published one.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read, or is not the published one; MNIST under the same
    /// names and files under each other's names are recognised as such.
    pub fn fashion_mnist(dir: impl AsRef<Path>) -> Result<Self, Error> {
        load_published(dir.as_ref(), &manifest::fashion_mnist())
    }

    /// Loads any set of four IDX files with Fashion-MNIST's file names from `dir`, for instance MNIST.
    /// Only their consistency is checked; [`Dataset::fashion_mnist`] checks that they are Fashion-MNIST.
    ///
    /// Each line of `classes.txt` in `dir` is the name of a class. Without that file, the classes are
    /// numbered from 0 to the largest label.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when images and labels or the
    /// two splits disagree, when a label has no name in `classes.txt`, or when an image is larger than
    /// [`MAX_SIDE`].
    pub fn load_idx(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let named = classes::read(dir)?;
        let n_classes = named.as_ref().map_or(MAX_CLASSES, Vec::len);
        let read = |_: &FileSpec, path: &Path| idx::read(digest::open(path)?.0, path);
        let (train, test) = load_splits(dir, &manifest::fashion_mnist(), n_classes, read)?;
        let class_names = named.unwrap_or_else(|| classes::numbered(&[&train, &test]));
        Ok(Self::new(train, test, DatasetName::Idx, class_names))
    }
}

/// Loads the four files that the manifest pins.
pub(crate) fn load_published(dir: &Path, manifest: &Manifest) -> Result<Dataset, Error> {
    let read = |spec: &FileSpec, path: &Path| manifest.read(spec, path);
    let (train, test) = load_splits(dir, manifest, CLASS_NAMES.len(), read)?;
    let (name, sha256) = (DatasetName::FashionMnist, manifest.content_sha256.clone());
    let n_train = train.images.count;
    let info = DatasetInfo { name, class_names: fashion_mnist_classes(), n_train, sha256 };
    Ok(Dataset::with_info(train, test, info))
}

/// Loads four files with the manifest's names, each through `read`, and checks that they belong together.
fn load_splits(
    dir: &Path,
    manifest: &Manifest,
    n_classes: usize,
    read: impl Fn(&FileSpec, &Path) -> Result<Idx, Error> + Sync,
) -> Result<(LabelledImages, LabelledImages), Error> {
    Error::check_missing(dir, manifest.missing(dir))?;
    let [train_images, train_labels, test_images, test_labels] = &manifest.files;
    let files = [(train_images, train_labels), (test_images, test_labels)];
    let split = |(images, labels): (&FileSpec, &FileSpec)| {
        let (images_path, labels_path) = (images.path_in(dir), labels.path_in(dir));
        let images = to_images(read(images, &images_path)?, &images_path)?;
        let labels = to_labels(read(labels, &labels_path)?, &labels_path, n_classes)?;
        if images.count == labels.len() {
            return Ok((images_path, LabelledImages { images, labels }));
        }
        Err(Error::Disagreement {
            path: labels_path,
            found: format!("{} labels", labels.len()),
            other: images_path,
            expected: format!("{} images", images.count),
        })
    };
    let size = |images: &Images| format!("images of {} x {}", images.height, images.width);
    read_both(files, split, size)
}

pub(crate) fn to_images(array: Idx, path: &Path) -> Result<Images, Error> {
    match (array.dims.as_slice(), array.elements) {
        (&[count, height, width], Elements::U8(pixels)) => {
            for (offset, most, dim) in
                [(4, MAX_IMAGES, count), (8, MAX_SIDE, height), (12, MAX_SIDE, width)]
            {
                if dim > most {
                    let (expected, found) = (format!("at most {most}"), dim.to_string());
                    let (path, field) = (path.into(), "dimension");
                    return Err(Error::Idx { path, offset, field, expected, found });
                }
            }
            Ok(Images { pixels, count, height, width })
        }
        (dims, elements) => Err(wrong_shape(path, "3 dimensions of u8 (images)", dims, &elements)),
    }
}

fn to_labels(array: Idx, path: &Path, n_classes: usize) -> Result<Vec<u8>, Error> {
    let labels = match (array.dims.as_slice(), array.elements) {
        (&[_], Elements::U8(labels)) => labels,
        (dims, elements) => {
            return Err(wrong_shape(path, "1 dimension of u8 (labels)", dims, &elements));
        }
    };
    let nameless = |&(_, &label): &(usize, &u8)| usize::from(label) >= n_classes;
    match labels.iter().enumerate().find(nameless) {
        None => Ok(labels),
        Some((index, &value)) => Err(Error::Label {
            path: path.into(),
            index,
            offset: (index as u64).saturating_add(8),
            last: n_classes.saturating_sub(1),
            value,
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
