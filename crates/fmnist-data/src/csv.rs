//! Datasets as CSV: one line for each image, with its label and its pixels, in the forms that people have.
//!
//! `files` finds the tables. `columns` judges the first line of each, `rows` reads the others: `values` and `labels`
//! hold what they say until both tables are known. `share` makes a test set if there is none. `csv_core` parses one value at
//! a time, so only checked values take memory, and no whole line is held. A file that is cut off after a line
//! cannot be distinguished from a shorter one.

mod columns;
mod files;
mod input;
mod labels;
pub(crate) mod listed;
mod rows;
mod share;
mod table;
mod values;

use std::path::Path;

use columns::{Columns, FirstLine};
use files::Files;
use input::Source;
use labels::Resolved;
use rows::Rows;

use crate::dataset::{
    CHECK_LABELS, Dataset, DatasetName, ImageSize, Images, LabelledImages, MAX_SIDE, Note, Parts,
    ReadOptions, TEST_SHARE, check_same_size,
};
use crate::{Error, classes, contents, threads};

impl Dataset {
    /// Loads a dataset of two CSV tables, each line of which is an image with its label.
    ///
    /// # Forms
    ///
    /// - **Files** in `dir`: `train.csv` and `test.csv`, `mnist_train.csv` and `mnist_test.csv`, or `fashion-mnist_train.csv`
    ///   and `fashion-mnist_test.csv`. Each may be gzip, and its name may end in `.csv.gz`.
    /// - **Separator**: a comma, semicolon or tab. The first line decides.
    /// - **Header**: optional. The column called `label`, `class`, `target` or `y`, in any case, has the labels. Without a
    ///   header, the first column has them. A first column without a name, or called `index`, `id` or `Unnamed: 0`, numbers
    ///   the rows and is skipped. All other columns are pixels, row after row from the top.
    /// - **Pixels**: whole numbers of 0 to 255, also as decimals (`127.0`, `1.27e+02`). If either table has a fraction, all
    ///   pixels of both must be from 0 to 1, and are multiplied by 255.
    /// - **Labels**: whole numbers of 0 to 255. If a label is not a number, all are names of classes.
    /// - **Size**: images are square if `options` have no `size`. In colour, each pixel has three columns: red, green and
    ///   blue. With `transpose`, the pixels are column after column from the left; `size` is that of the upright images.
    /// - **Test set**: if there is no test table, or it has no labels, the last of every [`TEST_SHARE`] images of a
    ///   class in the training table belongs to the test set.
    ///
    /// Other tables in `dir` are not read. [`Dataset::notes`] names them.
    ///
    /// Classes that are numbers are named as by [`Dataset::load_idx`]; without a `classes.txt`, Kaggle's two files have
    /// Fashion-MNIST's class names. Classes that are names are in the order of `classes.txt`, or else sorted by bytes.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when a label is not in `classes.txt` or the training
    /// table, when all training images are of one class, when the number of pixels does not match `size` or, without a size,
    /// any square, or when there is no test set and no class has [`TEST_SHARE`] images.
    pub fn load_csv(dir: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, Error> {
        let dir = dir.as_ref();
        contents::check_kind(dir, DatasetName::Csv)?;
        let files = Files::find(dir)?;
        let unread = files.unread(dir);
        let Files { train: train_path, test: test_path, are_garments } = files;
        let named = classes::read(dir)?;
        let train = Unread::train(&train_path, options)?;
        let test = match &test_path {
            Some(path) => Unread::test(path, &train, options)?,
            None => None,
        };

        let read = |table: Option<&Unread<'_>>| table.map(Unread::read).transpose();
        let mut rows = threads::map([Some(&train), test.as_ref()].into_iter(), read).into_iter();
        let (Some(train_rows), Some(test_rows)) = (rows.next(), rows.next()) else {
            unreachable!("a result for each of two tables")
        };
        let (Some(mut train_rows), mut test_rows) = (train_rows?, test_rows?) else {
            unreachable!("there is a training table")
        };

        let mut notes = Vec::new();
        if !unread.is_empty() {
            notes.push(Note::Unread(unread));
        }
        if let (Some(test_rows), Some(path)) = (&mut test_rows, &test_path) {
            let train = (&mut train_rows.pixels, train_path.as_path());
            values::agree(train, (&mut test_rows.pixels, path))?;
        }
        if train_rows.pixels.are_fractions() {
            notes.push(Note::UnitPixels);
        }
        let labels_hint = match train.may_end_in_labels(&train_rows) {
            true => LABEL_IS_LAST,
            false => CHECK_LABELS,
        };
        let test_labels = test_rows.as_ref().map(|rows| &rows.labels);
        let labels = Resolved::new(&train_rows.labels, test_labels, named, are_garments)?;
        if labels.from_one {
            notes.push(Note::LabelsFromOne);
        }
        let train_set = LabelledImages { images: train.images(train_rows), labels: labels.train };
        let (train, test) = match (test, test_rows, labels.test) {
            (Some(test), Some(rows), Some(labels)) => {
                (train_set, LabelledImages { images: test.images(rows), labels })
            }
            _ => {
                notes.push(Note::EverySixth);
                share::split_off(train_set).ok_or_else(|| no_test(dir))?
            }
        };
        Self::custom(Parts {
            train,
            test,
            validation: None,
            name: DatasetName::Csv,
            class_names: labels.class_names,
            dir,
            labels_path: &train_path,
            labels_hint,
            transposed: options.transpose,
            notes,
        })
    }
}

impl Images {
    /// Reads a single table, with or without labels, in the forms of [`Dataset::load_csv`]. Returns its images, and the
    /// labels as they are written, or `None` if it has none.
    ///
    /// If there is no header, a table whose columns are all pixels of an image, of the size in `options` or square, has
    /// no labels. With another column, the first one has them.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or breaks the format, or when the number of pixels does not match the size or,
    /// without a size, any square.
    pub fn from_csv(
        path: &Path,
        options: &ReadOptions,
    ) -> Result<(Self, Option<Vec<String>>), Error> {
        Self::from_source(Source::File(path), options)
    }

    /// Reads a table held in memory as [`Images::from_csv`] does. Errors call it `<memory>`.
    ///
    /// # Errors
    ///
    /// As [`Images::from_csv`].
    ///
    /// ```
    /// use fmnist_data::{Images, ReadOptions};
    ///
    /// let table = b"a;b;c;d;label\n0;51;102;255;cat\n";
    /// let (images, labels) = Images::parse_csv(table, &ReadOptions::default())?;
    /// assert_eq!((images.width, images.pixels), (2, vec![0, 51, 102, 255]));
    /// assert_eq!(labels.unwrap(), ["cat"]);
    /// # Ok::<(), fmnist_data::Error>(())
    /// ```
    pub fn parse_csv(
        bytes: &[u8],
        options: &ReadOptions,
    ) -> Result<(Self, Option<Vec<String>>), Error> {
        Self::from_source(Source::Memory(bytes), options)
    }

    fn from_source(
        source: Source<'_>,
        options: &ReadOptions,
    ) -> Result<(Self, Option<Vec<String>>), Error> {
        let first = FirstLine::read(source, max_columns(options))?;
        let columns = first.labelled_or_not(|n| image_size(n, options).is_some());
        let table = Unread::new(source, &first, columns, options)?;
        let rows = table.read()?;
        let labels = columns.label.map(|_| rows.labels.texts());
        Ok((table.images(rows), labels))
    }
}

/// A table whose first line is known, and no line after it.
struct Unread<'a> {
    source: Source<'a>,
    separator: u8,
    columns: Columns,
    size: ImageSize,
    options: &'a ReadOptions,
}

impl<'a> Unread<'a> {
    fn new(
        source: Source<'a>,
        first: &FirstLine,
        columns: Columns,
        options: &'a ReadOptions,
    ) -> Result<Self, Error> {
        let n = columns.n_pixels();
        let size = image_size(n, options).ok_or_else(|| wrong_size(first, n, options))?;
        Ok(Self { source, separator: first.separator(), columns, size, options })
    }

    /// Opens the training table.
    fn train(path: &'a Path, options: &'a ReadOptions) -> Result<Self, Error> {
        let source = Source::File(path);
        let first = FirstLine::read(source, max_columns(options))?;
        Self::new(source, &first, first.labelled()?, options)
    }

    /// Opens the test table. `None` if it has the same pixels as the training table, and no labels.
    fn test(path: &'a Path, train: &Self, options: &'a ReadOptions) -> Result<Option<Self>, Error> {
        let source = Source::File(path);
        let first = FirstLine::read(source, max_columns(options))?;
        let n_pixels = train.columns.n_pixels();
        let columns = first.labelled_or_not(|n| n == n_pixels);
        if columns.label.is_none() && columns.n_pixels() == n_pixels {
            return Ok(None);
        }
        let test = Self::new(source, &first, first.labelled()?, options)?;
        let pixels = |table: &Self| format!("images of {} pixels", table.size.pixels());
        check_same_size(path, pixels(&test), train.source.path(), pixels(train))?;
        Ok(Some(test))
    }

    /// Whether the last column, which counts as pixels since there is no header, looks like labels: small whole numbers.
    fn may_end_in_labels(&self, rows: &Rows) -> bool {
        if self.columns.has_header || rows.pixels.are_fractions() {
            return false;
        }
        let mut last = rows
            .pixels
            .bytes()
            .chunks_exact(self.columns.n_pixels().max(1))
            .filter_map(<[u8]>::last);
        let first = last.clone().next();
        last.clone().all(|&value| value < MAX_USUAL_LABELS)
            && last.any(|value| Some(value) != first)
    }

    fn read(&self) -> Result<Rows, Error> {
        Rows::read(self.source, self.separator, self.columns, self.size)
    }

    fn images(&self, rows: Rows) -> Images {
        let (pixels, count) = (rows.pixels.into_bytes(), rows.count);
        let (height, width) = (self.size.height(), self.size.width());
        let channels = self.options.colour.channels();
        if self.options.transpose {
            Images { pixels, count, height: width, width: height, channels }.transposed()
        } else {
            Images { pixels, count, height, width, channels }
        }
    }
}

/// Labels that people use are below this number. The pixels at an edge of images are not, or are all 0.
const MAX_USUAL_LABELS: u8 = 100;

const LABEL_IS_LAST: &str =
    "if the label is the last column and not the first, add a header that calls it label";

/// The largest number of columns: a row number, a label and the pixels of the largest image.
fn max_columns(options: &ReadOptions) -> usize {
    options.colour.channels().saturating_mul(MAX_SIDE * MAX_SIDE).saturating_add(2)
}

/// The size of images of `n` columns, if it is the one in `options`, or a square.
fn image_size(n: usize, options: &ReadOptions) -> Option<ImageSize> {
    let channels = options.colour.channels();
    let side = n.checked_div(channels).unwrap_or(0).isqrt();
    let size = options.size.or(ImageSize::new(side, side));
    size.filter(|size| size.pixels().saturating_mul(channels) == n)
}

/// The error for `n` columns of pixels.
fn wrong_size(first: &FirstLine, n: usize, options: &ReadOptions) -> Error {
    let channels = options.colour.channels();
    let kind = if channels == 1 { "" } else { " in colour" };
    let expected = match options.size {
        Some(size) => {
            let columns = size.pixels().saturating_mul(channels);
            format!("{columns} columns of pixels, for images of {size}{kind}")
        }
        None => {
            let times = if channels == 1 { "" } else { "3 times " };
            format!(
                "{times}a square number of pixel columns, for images of up to {MAX_SIDE}x{MAX_SIDE}{kind} \
                 (for other images, give --image-size WIDTHxHEIGHT)"
            )
        }
    };
    first.wrong(1, expected, n.to_string())
}

/// The error if no test set can be made.
fn no_test(dir: &Path) -> Error {
    Error::Layout {
        path: dir.into(),
        expected: format!("a test table with labels, or a class of {TEST_SHARE} images or more"),
        found: "neither".into(),
        hint: "add a test table, or more images",
    }
}

#[cfg(test)]
mod tests;
