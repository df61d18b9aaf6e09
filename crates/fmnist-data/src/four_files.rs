//! Reads a dataset of four IDX files with the names of Fashion-MNIST's, and checks that they belong together.
//!
//! All four headers are read and checked before any elements, so that files that do not fit take no memory.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::dataset::{
    Dataset, DatasetInfo, DatasetName, Images, LabelledImages, MAX_CLASSES, MAX_IMAGES, MAX_SIDE,
    Parts, ReadOptions, check_same_size, read_both,
};
use crate::idx::{MAX_BYTES, Opened};
use crate::manifest::{self, FileSpec, Manifest};
use crate::{Error, classes, contents, digest};

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
    pub fn load_idx(dir: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let named = classes::read(dir)?;
        let n_classes = named.as_ref().map_or(MAX_CLASSES, Vec::len);
        let manifest = manifest::fashion_mnist();
        contents::check(dir, &manifest)?;
        let paths = manifest.files.each_ref().map(|spec| spec.path_in(dir));
        let [train_images, train_labels, test_images, test_labels] = paths.each_ref();
        let train = Unread::open(train_images, train_labels)?;
        let test = Unread::open(test_images, test_labels)?;
        let size = |split: &Unread<'_>| format!("images of {} x {}", split.height, split.width);
        check_same_size(test_images, size(&test), train_images, size(&train))?;
        let (train, test) = read_both([train, test], |split| split.read(n_classes))?;
        let class_names = named.unwrap_or_else(|| classes::numbered(&[&train, &test]));
        Ok(Self::custom(Parts {
            train,
            test,
            validation: None,
            name: DatasetName::Idx,
            class_names,
            dir,
            notes: Vec::new(),
        }))
    }
}

/// Loads the four files that the manifest pins. Their checksums prove that they belong together.
pub(crate) fn load_published(dir: &Path, manifest: &Manifest) -> Result<Dataset, Error> {
    contents::check(dir, manifest)?;
    let [train_images, train_labels, test_images, test_labels] = &manifest.files;
    let read = |[images, labels]: [&FileSpec; 2]| {
        let ([count, height, width], pixels) = manifest.read(images, &images.path_in(dir))?;
        let ([_], labels) = manifest.read(labels, &labels.path_in(dir))?;
        Ok(LabelledImages { images: Images { pixels, count, height, width, channels: 1 }, labels })
    };
    let (train, test) =
        read_both([[train_images, train_labels], [test_images, test_labels]], read)?;
    let (name, sha256) = (DatasetName::FashionMnist, manifest.content_sha256.clone());
    let info = DatasetInfo::garments(name, train.images.count, sha256);
    Ok(Dataset::with_info(train, test, info))
}

/// The image and label files of a split. Only their headers have been read.
struct Unread<'a> {
    images: Opened<'a, BufReader<File>>,
    labels: Opened<'a, BufReader<File>>,
    labels_path: &'a Path,
    count: usize,
    height: usize,
    width: usize,
}

impl<'a> Unread<'a> {
    /// Reads and checks both headers.
    fn open(images_path: &'a Path, labels_path: &'a Path) -> Result<Self, Error> {
        let open = |path| {
            let reader = BufReader::with_capacity(1 << 16, digest::open(path)?.0);
            Opened::new(reader, path, MAX_BYTES)
        };
        let (images, labels) = (open(images_path)?, open(labels_path)?);
        let [count, height, width] = images_shape(&images)?;
        let [n_labels] = labels.shape("labels")?;
        if n_labels != count {
            return Err(Error::Disagreement {
                path: labels_path.into(),
                found: format!("{n_labels} labels"),
                other: images_path.into(),
                expected: format!("{count} images"),
            });
        }
        Ok(Self { images, labels, labels_path, count, height, width })
    }

    /// Reads the elements of both, the few labels first.
    fn read(self, n_classes: usize) -> Result<LabelledImages, Error> {
        let Self { images, labels, labels_path, count, height, width } = self;
        let labels = labels.bytes()?;
        let nameless = |&(_, &label): &(usize, &u8)| usize::from(label) >= n_classes;
        if let Some((index, &value)) = labels.iter().enumerate().find(nameless) {
            return Err(Error::Label {
                path: labels_path.into(),
                index,
                offset: (index as u64).saturating_add(8),
                last: n_classes.saturating_sub(1),
                value,
            });
        }
        let pixels = images.bytes()?;
        Ok(LabelledImages { images: Images { pixels, count, height, width, channels: 1 }, labels })
    }
}

/// The number, height and width of images, if they are within the limits of a dataset.
pub(crate) fn images_shape<R: BufRead>(images: &Opened<'_, R>) -> Result<[usize; 3], Error> {
    let shape = images.shape("images")?;
    for (index, most) in [MAX_IMAGES, MAX_SIDE, MAX_SIDE].into_iter().enumerate() {
        images.check_dimension(index, most)?;
    }
    Ok(shape)
}
