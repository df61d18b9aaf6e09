//! Images as text: a header, then a line for each image, its label first and its pixels after it.
//!
//! This is how Kaggle has Fashion-MNIST and MNIST. The text is taken apart by `csv_core`, a value at a
//! time, so that memory follows what was checked and no line is ever held as a whole. Nothing tells that
//! lines are missing: a file that ends early is as good as a shorter one.

mod table;

use std::io::Read;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use table::Table;

use crate::dataset::{
    CLASS_NAMES, Dataset, DatasetName, ImageSize, Images, MAX_CLASSES, MAX_IMAGES, MAX_PIXELS,
    MAX_SIDE, Split, classes, fashion_mnist_classes,
};
use crate::{Error, digest};

/// Kaggle's names of Fashion-MNIST's training and test set.
const FASHION_MNIST: [&str; 2] = ["fashion-mnist_train.csv", "fashion-mnist_test.csv"];

/// The names of any set.
const ANY: [&str; 2] = ["train.csv", "test.csv"];

/// See [`Dataset::load_csv`].
pub(crate) fn load(dir: &Path, size: Option<ImageSize>) -> Result<Dataset, Error> {
    let is_there = |names: &[&str; 2]| names.iter().all(|name| dir.join(name).exists());
    let Some(names) = [FASHION_MNIST, ANY].into_iter().find(is_there) else {
        let expected = [FASHION_MNIST, ANY].map(|names| names.join(" and ")).join(", or ");
        let found = [FASHION_MNIST, ANY].concat().into_iter().find(|name| dir.join(name).exists());
        return Err(Error::Layout {
            path: dir.into(),
            expected,
            found: found.map_or_else(|| "none of them".into(), |name| format!("{name} alone")),
            hint: "name the directory that has both",
        });
    };
    let named = classes::read(dir)?;
    let n_classes = named.as_ref().map_or(MAX_CLASSES, Vec::len);
    let [train_path, test_path] = names.map(|name| dir.join(name));
    let (train, test) = thread::scope(|scope| {
        let test = scope.spawn(|| read_split(&test_path, n_classes, size));
        let train = read_split(&train_path, n_classes, size);
        (train, test.join().unwrap_or_else(|panic| resume_unwind(panic)))
    });
    let (train, test) = (train?, test?);
    let pixels = |split: &Split| {
        format!("images of {} pixels", split.images.width.saturating_mul(split.images.height))
    };
    if pixels(&train) != pixels(&test) {
        let (found, expected) = (pixels(&test), pixels(&train));
        return Err(Error::Disagreement { path: test_path, found, other: train_path, expected });
    }
    let class_names = named.unwrap_or_else(|| {
        let numbered = classes::numbered(&[&train, &test]);
        let are_garments = names == FASHION_MNIST && numbered.len() <= CLASS_NAMES.len();
        if are_garments { fashion_mnist_classes() } else { numbered }
    });
    Ok(Dataset::new(train, test, DatasetName::Csv, class_names))
}

fn read_split(path: &Path, n_classes: usize, size: Option<ImageSize>) -> Result<Split, Error> {
    let (file, _) = digest::open(path)?;
    split(&mut Table::new(file, path), n_classes, size)
}

/// Reads all of a table.
fn split<R: Read>(
    table: &mut Table<'_, R>,
    n_classes: usize,
    size: Option<ImageSize>,
) -> Result<Split, Error> {
    let size = header(table, size)?;
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
    let images = Images { pixels, count: labels.len(), height: size.height(), width: size.width() };
    Ok(Split { images, labels })
}

/// Reads the header, whose number of columns tells the size of the images.
fn header<R: Read>(table: &mut Table<'_, R>, size: Option<ImageSize>) -> Result<ImageSize, Error> {
    let n_pixels = table.header()?;
    let expected = match size {
        Some(size) if size.pixels() == n_pixels => return Ok(size),
        Some(size) => format!("{} columns of pixels, for images of {size}", size.pixels()),
        None => {
            let side = n_pixels.isqrt();
            match ImageSize::new(side, side).filter(|size| size.pixels() == n_pixels) {
                Some(size) => return Ok(size),
                None => format!(
                    "as many columns of pixels as a square of up to {MAX_SIDE} has, \
                     or their size as well (--image-size WIDTHxHEIGHT)"
                ),
            }
        }
    };
    Err(table.wrong(expected, n_pixels.to_string()))
}

#[cfg(test)]
mod tests;
