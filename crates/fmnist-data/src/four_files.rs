//! Reads a dataset of four IDX files.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::dataset::{
    Dataset, DatasetInfo, DatasetName, Images, LabelledImages, MAX_PIXELS, Note, ReadOptions,
    TestImages, read_both,
};
use crate::idx::Opened;
use crate::manifest::{self, FileSpec, Manifest};
use crate::{Error, contents, digest, four_arrays, idx_names};

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

    /// Loads any set of four IDX files from `dir`, for instance MNIST.
    /// Only their consistency is checked; [`Dataset::fashion_mnist`] checks that they are Fashion-MNIST.
    ///
    /// # Files
    ///
    /// Each file may be zipped or not. The names are those of
    ///
    /// - MNIST and Fashion-MNIST: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
    ///   `t10k-labels-idx1-ubyte`. There may be a dot instead of the dash before `idx`, and `test` instead of `t10k`.
    /// - EMNIST: `emnist-letters-train-images-idx3-ubyte.gz` and so on, with any prefix that ends in a dash. There must be only
    ///   one such prefix.
    /// - torchvision: if `dir` has none of these files, they are looked for in `dir/FashionMNIST/raw`, `dir/MNIST/raw`,
    ///   `dir/KMNIST/raw` and `dir/EMNIST/raw`, of which only one may have them.
    ///
    /// # Numbers
    ///
    /// Images are arrays of N x H x W, N x 1 x H x W, N x H x W x 1, or N x H x W x 3 for colour, which is made grey unless
    /// [`ReadOptions::colour`] keeps it. Pixels are numbers of any type from 0 to 255. If all pixels of both sets are
    /// floating-point numbers from 0 to 1, they are multiplied by 255.
    ///
    /// Labels are arrays of N or N x 1 whole numbers of any type from 0 to 255. If they begin at 1, as in EMNIST's letters, 1 is
    /// subtracted from each. [`Dataset::notes`] says what was done.
    ///
    /// # Classes
    ///
    /// Each line of `classes.txt` in `dir` is the name of a class. Without that file, the names are the labels as numbers,
    /// from 0 (or 1, if they begin at 1) to the largest one.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when a number is no pixel or label, when images and labels
    /// or the two splits disagree, when a label has no name in `classes.txt`, when all training images are of one class, or
    /// when an image is larger than
    /// [`MAX_SIDE`](crate::dataset::MAX_SIDE).
    pub fn load_idx(dir: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let paths = contents::idx_files(dir, DatasetName::Idx, &manifest::fashion_mnist())?;
        let mut dataset = four_arrays::load(open(&paths)?, DatasetName::Idx, [dir, dir], options)?;
        let [train_images, ..] = &paths;
        if !options.transpose && idx_names::is_emnist(train_images) {
            dataset.notes.push(Note::OnTheirSides);
        }
        Ok(dataset)
    }
}

/// Reads some images of the test set, as [`four_arrays::test_images`] does.
pub(crate) fn test_images(
    dir: &Path,
    options: &ReadOptions,
    indices: &[usize],
) -> Result<Option<TestImages>, Error> {
    let paths = contents::idx_files(dir, DatasetName::Idx, &manifest::fashion_mnist())?;
    four_arrays::test_images(open(&paths)?, dir, options, indices)
}

/// Opens the four files, and reads their headers.
fn open(paths: &[PathBuf; 4]) -> Result<[Opened<'_, BufReader<File>>; 4], Error> {
    let open = |path, max_bytes| {
        let reader = BufReader::with_capacity(1 << 16, digest::open(path)?.0);
        Opened::new(reader, path, max_bytes)
    };
    let [train_images, train_labels, test_images, test_labels] = paths.each_ref();
    Ok([
        open(train_images, MAX_PIXELS)?,
        open(train_labels, four_arrays::MAX_LABELS)?,
        open(test_images, MAX_PIXELS)?,
        open(test_labels, four_arrays::MAX_LABELS)?,
    ])
}

/// Loads the four files that the manifest pins. Their checksums prove that they belong together.
pub(crate) fn load_published(dir: &Path, manifest: &Manifest) -> Result<Dataset, Error> {
    let paths = contents::idx_files(dir, DatasetName::FashionMnist, manifest)?;
    let [train_images, train_labels, test_images, test_labels] = paths.each_ref();
    let [images, labels, more_images, more_labels] = &manifest.files;
    let train = [(images, train_images), (labels, train_labels)];
    let test = [(more_images, test_images), (more_labels, test_labels)];
    let read = |[(images, images_path), (labels, labels_path)]: [(&FileSpec, &PathBuf); 2]| {
        let ([count, height, width], pixels) = manifest.read(images, images_path)?;
        let ([_], labels) = manifest.read(labels, labels_path)?;
        Ok(LabelledImages { images: Images { pixels, count, height, width, channels: 1 }, labels })
    };
    let (train, test) = read_both([train, test], read)?;
    let (name, sha256) = (DatasetName::FashionMnist, manifest.content_sha256.clone());
    let info = DatasetInfo::garments(name, train.images.count, sha256);
    Ok(Dataset::with_info(train, test, info))
}
