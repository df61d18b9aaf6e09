//! Datasets as CSV: a header, then one line for each image, with its label and then its pixels.
//!
//! Kaggle publishes Fashion-MNIST and MNIST in this form. `csv_core` parses one value at a time, so only checked values
//! take memory, and no whole line is held. A file that is cut off after a line cannot be
//! distinguished from a shorter one.

mod table;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use table::Table;

use crate::dataset::{
    CLASS_NAMES, Dataset, DatasetName, ImageSize, Images, LabelledImages, MAX_CLASSES, MAX_IMAGES,
    MAX_PIXELS, MAX_SIDE, Parts, ReadOptions, check_same_size, read_both,
};
use crate::{Error, classes, contents, digest};

/// Kaggle's file names for Fashion-MNIST's training and test set.
const FASHION_MNIST: [&str; 2] = ["fashion-mnist_train.csv", "fashion-mnist_test.csv"];

/// The file names of any other set.
const ANY: [&str; 2] = ["train.csv", "test.csv"];

impl Dataset {
    /// Loads a set of two CSV files from `dir`: `fashion-mnist_train.csv` and `fashion-mnist_test.csv` as
    /// published on Kaggle, or `train.csv` and `test.csv`.
    ///
    /// The first line is a header, `label,pixel1,pixel2,...`. Each further line is an image: its label, then
    /// its pixels, row after row from the top, as numbers from 0 to 255. Images are square if no `size` is
    /// given. Classes are named as by [`Dataset::load_idx`]; without a `classes.txt`, Kaggle's two files have
    /// Fashion-MNIST's class names.
    ///
    /// # Errors
    ///
    /// When a file is missing, cannot be read or breaks the format, when a label has no name in
    /// `classes.txt`, or when the number of pixels does not match `size` or, without a size, any square.
    pub fn load_csv(dir: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, Error> {
        let size = options.size;
        let dir = dir.as_ref();
        contents::check_kind(dir, DatasetName::Csv)?;
        Error::check_directory(dir)?;
        let is_there = |names: &[&str; 2]| names.iter().all(|name| dir.join(name).exists());
        let Some(names) = [FASHION_MNIST, ANY].into_iter().find(is_there) else {
            let expected = [FASHION_MNIST, ANY].map(|names| names.join(" and ")).join(", or ");
            let found =
                [FASHION_MNIST, ANY].concat().into_iter().find(|name| dir.join(name).exists());
            return Err(Error::Layout {
                path: dir.into(),
                expected,
                found: found.map_or_else(|| "none of them".into(), |name| format!("{name} alone")),
                hint: "name the directory that has both",
            });
        };
        let named = classes::read(dir)?;
        let n_classes = named.as_ref().map_or(MAX_CLASSES, Vec::len);
        let [train, test] = names.map(|name| dir.join(name));
        let (train_table, test_table) = (Unread::open(&train, size)?, Unread::open(&test, size)?);
        let pixels = |table: &Unread<'_>| format!("images of {} pixels", table.size.pixels());
        check_same_size(&test, pixels(&test_table), &train, pixels(&train_table))?;
        let read = |table: Unread<'_>| table.read(n_classes);
        let (train, test) = read_both([train_table, test_table], read)?;
        let class_names = named.unwrap_or_else(|| {
            let numbered = classes::numbered(&[&train, &test]);
            let are_garments = names == FASHION_MNIST && numbered.len() <= CLASS_NAMES.len();
            if are_garments { CLASS_NAMES.map(String::from).to_vec() } else { numbered }
        });
        Ok(Self::custom(Parts {
            train,
            test,
            validation: None,
            name: DatasetName::Csv,
            class_names,
            dir,
            notes: Vec::new(),
        }))
    }
}

/// A table whose header has been read, and no line after it.
struct Unread<'a> {
    table: Table<'a, File>,
    size: ImageSize,
}

impl<'a> Unread<'a> {
    fn open(path: &'a Path, size: Option<ImageSize>) -> Result<Self, Error> {
        let mut table = Table::new(digest::open(path)?.0, path);
        let size = header(&mut table, size)?;
        Ok(Self { table, size })
    }

    fn read(self, n_classes: usize) -> Result<LabelledImages, Error> {
        let Self { mut table, size } = self;
        let n_pixels = size.pixels();
        let most = MAX_PIXELS.checked_div(n_pixels as u64).unwrap_or(0).min(MAX_IMAGES as u64);
        let (mut labels, mut pixels) = (Vec::new(), Vec::new());
        while let Some(label) = table.begin_line(n_classes)? {
            if labels.len() as u64 >= most {
                return Err(table.wrong(format!("at most {most} images of {size}"), "more".into()));
            }
            labels.push(label);
            for _ in 0..n_pixels {
                pixels.push(table.value(n_pixels.saturating_add(1))?);
            }
            table.end_line()?;
        }
        if labels.is_empty() {
            let expected = "a label and its pixels under the header".into();
            return Err(table.wrong(expected, "the end of the file".into()));
        }
        pixels.shrink_to_fit();
        let (count, height, width) = (labels.len(), size.height(), size.width());
        Ok(LabelledImages { images: Images { pixels, count, height, width, channels: 1 }, labels })
    }
}

/// Reads the header. The number of its columns determines the size of the images, if none is given.
fn header<R: Read>(table: &mut Table<'_, R>, size: Option<ImageSize>) -> Result<ImageSize, Error> {
    let n_pixels = table.header()?;
    let side = n_pixels.isqrt();
    let found = size.or(ImageSize::new(side, side)).filter(|size| size.pixels() == n_pixels);
    if let Some(size) = found {
        return Ok(size);
    }
    let expected = match size {
        Some(size) => format!("{} columns of pixels, for images of {size}", size.pixels()),
        None => format!(
            "a square number of pixel columns, for images of up to {MAX_SIDE}x{MAX_SIDE} \
             (for other images, give --image-size WIDTHxHEIGHT)"
        ),
    };
    Err(table.wrong(expected, n_pixels.to_string()))
}

#[cfg(test)]
mod tests;
