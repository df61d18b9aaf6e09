//! Datasets of pictures in folders, one folder for each class: `train/CLASS/*.png` and `test/CLASS/*.png`, or only
//! `CLASS/*.png`, where every sixth picture belongs to the test set.
//!
//! # Arrangements
//!
//! - A third folder `val` has the images that evaluate each epoch. They become the last ones of the training set, so that a
//!   run holds them out. Without a folder `test`, they are the test set as well.
//! - The folders may also be called `training`, `valid`, `validation` and `testing`, in any case.
//! - All of them may lie in one folder.
//! - Pictures may lie in folders below that of their class.
//! - Instead of folders of classes, there may be a table `labels.csv` next to the pictures, or next to the folder that has
//!   them. Its columns `file` and `label` are the name of a picture, with or without its extension, and its class.
//!
//! # The set
//!
//! The set is the same on every machine: classes and the pictures of a class are sorted by the bytes of their
//! names. The classes are spread evenly over the set, so that its last images, which a run holds out, cover all of
//! them. Pictures are of any [kind](picture#kinds) and made grey, unless [`ReadOptions::colour`] keeps
//! their colours, but otherwise unchanged: see [`picture::Preparation::Plain`]. Names that begin with a dot are ignored, and so are `Thumbs.db`,
//! `desktop.ini` and `__MACOSX`. So are files next to the class folders, except pictures, which would have no class. Anything else is an error that names it.
//!
//! `listing` finds the files, `order` puts them into the order of the set, and this module decodes them, within a budget of
//! memory.

mod labelled;
mod listing;
mod order;
mod unsorted;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::dataset::{
    self, Colour, Dataset, DatasetName, ImageSize, Images, LabelledImages, MAX_IMAGES, MAX_PIXELS,
    MAX_SIDE, Note, ReadOptions, TEST_SHARE, TestImages,
};
use crate::picture::{self, Grey, Picture, SharedMemory};
use crate::{Error, contents, digest, threads};
pub(crate) use listing::is_in;
use listing::{Parts, check};
use order::Entry;

pub use listing::pictures_in;

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
    train: Vec<Entry>,
    validation: Option<Vec<Entry>>,
    test: Test,
    /// Folders that are not read.
    unread: Vec<String>,
}

/// Where the test set is.
#[derive(Debug, Clone)]
enum Test {
    /// It has a folder of its own.
    Own(Vec<Entry>),
    /// It is the validation set.
    Validation,
    /// It is every sixth picture of each class.
    Sixth(Vec<Entry>),
}

/// The classes of a part.
fn classes(dir: &Path) -> Result<Vec<listing::Class>, Error> {
    unsorted::refuse(dir)?;
    listing::classes(dir)
}

impl Folder {
    /// Lists the pictures in `dir`.
    ///
    /// # Errors
    ///
    /// When a directory is missing or cannot be read, when there are not 2 to [`MAX_CLASSES`](crate::MAX_CLASSES) classes
    /// with a picture each, when the parts of the set have different classes, or when a file or folder is where none
    /// may be.
    pub fn list(dir: &Path) -> Result<Self, Error> {
        contents::check_kind(dir, DatasetName::Folder)?;
        Error::check_directory(dir)?;
        let Parts { train: train_dir, validation, test, unread } = listing::parts(dir)?;
        let train = classes(&train_dir)?;
        let like_train = |dir: &PathBuf| -> Result<Vec<Entry>, Error> {
            let classes = classes(dir)?;
            listing::check_same(dir, &classes, &train_dir, &train)?;
            Ok(order::spread(classes.into_iter().map(|(_, pictures)| pictures).collect()))
        };
        let validation = validation.as_ref().map(like_train).transpose()?;
        let test = test.as_ref().map(like_train).transpose()?;
        listing::check_classes(&train_dir, &train)?;
        let (class_names, mut train): (_, Vec<_>) = train.into_iter().unzip();
        let test = match (test, &validation) {
            (Some(test), _) => Test::Own(test),
            (None, Some(_)) => Test::Validation,
            (None, None) => {
                let [rest, sixth] = order::every_sixth(train);
                train = rest;
                Test::Sixth(order::spread(sixth))
            }
        };
        let folder = Self {
            dir: dir.into(),
            class_names,
            train: order::spread(train),
            validation,
            test,
            unread,
        };
        let n_train = folder.train.len().saturating_add(folder.n_validation().unwrap_or(0));
        for n in [n_train, folder.test_entries().len()] {
            let expected = format_args!("at most {MAX_IMAGES} pictures in a set");
            check(dir, n <= MAX_IMAGES, expected, n)?;
        }
        let expected = format_args!("a test set, or a class with {TEST_SHARE} pictures or more");
        check(dir, !folder.test_entries().is_empty(), expected, "fewer")?;
        Ok(folder)
    }

    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// The numbers of training and test pictures. Those for validation are not included.
    pub fn counts(&self) -> (usize, usize) {
        (self.train.len(), self.test_entries().len())
    }

    /// The number of pictures for validation, if they have a folder of their own.
    pub fn n_validation(&self) -> Option<usize> {
        self.validation.as_ref().map(Vec::len)
    }

    fn test_entries(&self) -> &[Entry] {
        match &self.test {
            Test::Own(entries) | Test::Sixth(entries) => entries,
            Test::Validation => self.validation.as_deref().unwrap_or_default(),
        }
    }

    /// Reads all pictures, on all cores, and fits them to the size of `options`. Without one, all must have the size of
    /// the first.
    ///
    /// # Errors
    ///
    /// If a file is not a picture, is damaged or has another size, or if all take more than [`MAX_PIXELS`].
    pub fn load(&self, options: &ReadOptions) -> Result<Dataset, Error> {
        let wanted = self.wanted(options)?;
        let train = self.split(&self.train, &wanted)?;
        let validation =
            self.validation.as_ref().map(|entries| self.split(entries, &wanted)).transpose()?;
        let mut notes = Vec::new();
        if !self.unread.is_empty() {
            notes.push(Note::Unread(self.unread.clone()));
        }
        let test = match (&self.test, &validation) {
            (Test::Validation, Some(validation)) => {
                notes.push(Note::ValidationIsTest);
                validation.clone()
            }
            _ => self.split(self.test_entries(), &wanted)?,
        };
        if matches!(self.test, Test::Sixth(_)) {
            notes.push(Note::EverySixth);
        }
        if wanted.made_grey.into_inner() {
            notes.push(Note::MadeGrey);
        }
        Dataset::custom(dataset::Parts {
            train,
            test,
            validation,
            name: DatasetName::Folder,
            class_names: self.class_names.clone(),
            dir: &self.dir,
            labels_path: &self.dir,
            labels_hint: dataset::CHECK_LABELS,
            transposed: false,
            notes,
        })
    }

    /// Reads some pictures of the test set, in the order of these indices, and no others.
    ///
    /// # Errors
    ///
    /// As [`Self::load`], or if an index is beyond the test set.
    pub(crate) fn test_images(
        &self,
        options: &ReadOptions,
        indices: &[usize],
    ) -> Result<TestImages, Error> {
        let test = self.test_entries();
        TestImages::check(indices, test.len())?;
        let wanted = self.wanted(options)?;
        let chosen: Vec<Entry> = indices.iter().filter_map(|&i| test.get(i).cloned()).collect();
        let LabelledImages { images, labels } = self.split(&chosen, &wanted)?;
        Ok(TestImages { images, labels, class_names: Some(self.class_names.clone()) })
    }

    /// What all pictures become.
    fn wanted(&self, options: &ReadOptions) -> Result<Wanted<'_>, Error> {
        match options.size {
            Some(size) => Ok(Wanted::new(size, None, options.colour)),
            None => self.size_of_first(options.colour),
        }
    }

    fn size_of_first(&self, colour: Colour) -> Result<Wanted<'_>, Error> {
        let like = self.train.first().map_or(self.dir.as_path(), |entry| &entry.path);
        let (file, _) = digest::open(like)?;
        let (width, height) = Picture::open(picture::read_all(file, like)?, like)?.sides();
        let side = |side| usize::try_from(side).unwrap_or(usize::MAX);
        match ImageSize::new(side(width), side(height)) {
            Some(size) => Ok(Wanted::new(size, Some(like), colour)),
            None => Err(Error::Layout {
                path: like.into(),
                expected: format!("sides of at most {MAX_SIDE} pixels"),
                found: format!("{width}x{height}"),
                hint: RESIZE,
            }),
        }
    }

    fn split(&self, entries: &[Entry], wanted: &Wanted<'_>) -> Result<LabelledImages, Error> {
        let len = wanted.image_len();
        let bytes = entries.len().saturating_mul(len);
        let expected = format_args!("at most {MAX_PIXELS} bytes of pixels in a set");
        check(&self.dir, bytes as u64 <= MAX_PIXELS, expected, bytes)?;
        let mut pixels = vec![0; bytes];
        let share = entries.len().div_ceil(threads::shares()).max(1);
        let chunks = pixels.chunks_mut(share.saturating_mul(len)).zip(entries.chunks(share));
        let results = threads::map(chunks, |(pixels, entries)| wanted.read_all(entries, pixels));
        // The first error in the order of the set is reported.
        results.into_iter().collect::<Result<(), _>>()?;
        let (height, width) = (wanted.size.height(), wanted.size.width());
        let channels = wanted.colour.channels();
        let images = Images { pixels, count: entries.len(), height, width, channels };
        Ok(LabelledImages { images, labels: entries.iter().map(|entry| entry.label).collect() })
    }
}

const RESIZE: &str = "give the size to fit all pictures to (--image-size WIDTHxHEIGHT)";

/// What all pictures become. Without a given size it is that of the picture `like`, and all others must match it.
struct Wanted<'a> {
    size: ImageSize,
    like: Option<&'a Path>,
    colour: Colour,
    memory: SharedMemory,
    /// Whether a picture lost its colours.
    made_grey: AtomicBool,
}

impl<'a> Wanted<'a> {
    fn new(size: ImageSize, like: Option<&'a Path>, colour: Colour) -> Self {
        let made_grey = AtomicBool::new(false);
        Self { size, like, colour, memory: SharedMemory::new(), made_grey }
    }

    /// The number of bytes of an image.
    fn image_len(&self) -> usize {
        self.size.pixels().saturating_mul(self.colour.channels())
    }

    fn read_all(&self, entries: &[Entry], pixels: &mut [u8]) -> Result<(), Error> {
        for (entry, pixels) in entries.iter().zip(pixels.chunks_exact_mut(self.image_len())) {
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
            match self.colour {
                Colour::Grey => {
                    let Grey { image, had_colours } = picture.grey()?;
                    pixels.copy_from_slice(&picture::fitted(image, width, height));
                    self.made_grey.fetch_or(had_colours, Ordering::Relaxed);
                }
                Colour::Rgb => {
                    pixels.copy_from_slice(&picture::fitted(picture.rgb()?, width, height));
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
