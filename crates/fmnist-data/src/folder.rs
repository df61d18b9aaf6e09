//! Datasets of pictures in folders, one folder for each class: `train/CLASS/*.png` and `test/CLASS/*.png`, or only
//! `CLASS/*.png`, where every sixth picture belongs to the test set.
//!
//! The set is the same on every machine: classes and the pictures of a class are sorted by the bytes of their
//! names. The classes are spread evenly over the set, so that its last images, which a run holds out, cover all of
//! them. Pictures are of any [kind](picture#kinds) and made grey, but otherwise unchanged: see
//! [`picture::Preparation::Plain`]. Names that begin with a dot are ignored. So are files next to the class folders, except
//! pictures, which would have no class. Anything else is an error that names it.
//!
//! `listing` finds the files, `order` puts them into the order of the set, and this module decodes them, within a budget of
//! memory.

mod listing;
mod order;

use std::path::{Path, PathBuf};

use crate::dataset::{
    Dataset, DatasetName, ImageSize, Images, LabelledImages, MAX_IMAGES, MAX_PIXELS, MAX_SIDE,
    Parts, ReadOptions,
};
use crate::picture::{self, Picture, SharedMemory};
use crate::{Error, digest, threads};
use listing::check;
pub(crate) use listing::is_in;
use order::Entry;

pub use listing::pictures_in;
pub use order::TEST_SHARE;

/// The contents of a folder, before its pictures are read.
///
/// ```no_run
/// use fmnist_data::{ReadOptions, folder::Folder};
///
/// let dataset = Folder::list("pictures".as_ref())?.load(&ReadOptions::default())?;
/// println!("{} pictures to learn from", dataset.train.labels.len());
/// # Ok::<(), fmnist_data::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
    class_names: Vec<String>,
    has_test: bool,
    train: Vec<Entry>,
    test: Vec<Entry>,
}

impl Folder {
    /// Lists the pictures in `dir`.
    ///
    /// # Errors
    ///
    /// When a directory is missing or cannot be read, when there are not 2 to [`MAX_CLASSES`](crate::MAX_CLASSES) classes
    /// with a picture each, when training and test set have different classes, or when a file or folder is where none
    /// may be.
    pub fn list(dir: &Path) -> Result<Self, Error> {
        Error::check_directory(dir)?;
        let (class_names, has_test, [train, test]) = match listing::train_and_test(dir)? {
            Some([train_dir, test_dir]) => {
                let (train, test) = (listing::classes(&train_dir)?, listing::classes(&test_dir)?);
                listing::check_same(&test_dir, &test, &train_dir, &train)?;
                listing::check_classes(&train_dir, &train)?;
                let test = test.into_iter().map(|(_, pictures)| pictures).collect();
                let (names, train) = train.into_iter().unzip();
                (names, true, [train, test])
            }
            None => {
                let classes = listing::classes(dir)?;
                listing::check_classes(dir, &classes)?;
                let (names, pictures): (_, Vec<_>) = classes.into_iter().unzip();
                (names, false, order::every_sixth(pictures))
            }
        };
        let [train, test] = [train, test].map(order::spread);
        for split in [&train, &test] {
            let expected = format_args!("at most {MAX_IMAGES} pictures in a set");
            check(dir, split.len() <= MAX_IMAGES, expected, split.len())?;
        }
        let expected = format_args!("a test set, or a class with {TEST_SHARE} pictures or more");
        check(dir, !test.is_empty(), expected, "fewer")?;
        Ok(Self { dir: dir.into(), class_names, has_test, train, test })
    }

    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The numbers of training and test pictures.
    pub fn counts(&self) -> (usize, usize) {
        (self.train.len(), self.test.len())
    }

    /// Whether the test set has a folder of its own; otherwise it is every sixth picture of each class.
    pub fn has_test(&self) -> bool {
        self.has_test
    }

    /// Reads all pictures, on all cores, and fits them to the size of `options`. Without one, all must have the size of
    /// the first.
    ///
    /// # Errors
    ///
    /// If a file is not a picture, is damaged or has another size, or if all take more than [`MAX_PIXELS`].
    pub fn load(&self, options: &ReadOptions) -> Result<Dataset, Error> {
        let wanted = match options.size {
            Some(size) => Wanted::new(size, None),
            None => self.size_of_first()?,
        };
        let (train, test) = (self.split(&self.train, &wanted)?, self.split(&self.test, &wanted)?);
        Ok(Dataset::custom(Parts {
            train,
            test,
            validation: None,
            name: DatasetName::Folder,
            class_names: self.class_names.clone(),
            dir: &self.dir,
            notes: Vec::new(),
        }))
    }

    fn size_of_first(&self) -> Result<Wanted<'_>, Error> {
        let like = self.train.first().map_or(self.dir.as_path(), |entry| &entry.path);
        let (file, _) = digest::open(like)?;
        let (width, height) = Picture::open(picture::read_all(file, like)?, like)?.sides();
        let side = |side| usize::try_from(side).unwrap_or(usize::MAX);
        match ImageSize::new(side(width), side(height)) {
            Some(size) => Ok(Wanted::new(size, Some(like))),
            None => Err(Error::Layout {
                path: like.into(),
                expected: format!("sides of at most {MAX_SIDE} pixels"),
                found: format!("{width}x{height}"),
                hint: RESIZE,
            }),
        }
    }

    fn split(&self, entries: &[Entry], wanted: &Wanted<'_>) -> Result<LabelledImages, Error> {
        let size = wanted.size;
        let bytes = entries.len().saturating_mul(size.pixels());
        let expected = format_args!("at most {MAX_PIXELS} bytes of pixels in a set");
        check(&self.dir, bytes as u64 <= MAX_PIXELS, expected, bytes)?;
        let mut pixels = vec![0; bytes];
        let share = entries.len().div_ceil(threads::shares()).max(1);
        let chunks =
            pixels.chunks_mut(share.saturating_mul(size.pixels())).zip(entries.chunks(share));
        let results = threads::map(chunks, |(pixels, entries)| wanted.read_all(entries, pixels));
        // The first error in the order of the set is reported.
        results.into_iter().collect::<Result<(), _>>()?;
        let (height, width) = (size.height(), size.width());
        let images = Images { pixels, count: entries.len(), height, width, channels: 1 };
        Ok(LabelledImages { images, labels: entries.iter().map(|entry| entry.label).collect() })
    }
}

const RESIZE: &str = "give the size to fit all pictures to (--image-size WIDTHxHEIGHT)";

/// The size of all pictures. Without a given size it is that of the picture `like`, and all others must match it.
struct Wanted<'a> {
    size: ImageSize,
    like: Option<&'a Path>,
    memory: SharedMemory,
}

impl<'a> Wanted<'a> {
    fn new(size: ImageSize, like: Option<&'a Path>) -> Self {
        Self { size, like, memory: SharedMemory::new() }
    }

    fn read_all(&self, entries: &[Entry], pixels: &mut [u8]) -> Result<(), Error> {
        for (entry, pixels) in entries.iter().zip(pixels.chunks_exact_mut(self.size.pixels())) {
            self.read(&entry.path, pixels)?;
        }
        Ok(())
    }

    fn read(&self, path: &Path, pixels: &mut [u8]) -> Result<(), Error> {
        let sides = [self.size.width(), self.size.height()];
        let [width, height] = sides.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        let (file, bytes) = digest::open(path)?;
        let has_size = |picture: &Picture<'_>| match (self.like, picture.sides()) {
            (Some(like), found) if found != (width, height) => Err(Error::Layout {
                path: path.into(),
                expected: format!("{} as {}", self.size, like.display()),
                found: format!("{}x{}", found.0, found.1),
                hint: RESIZE,
            }),
            _ => Ok(()),
        };
        self.memory.read(file, bytes, path, has_size, |picture| {
            pixels.copy_from_slice(&picture::fitted(picture.grey()?, width, height));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
