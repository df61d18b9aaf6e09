//! Makes a dataset of four arrays: training images, training labels, test images, test labels.
//!
//! IDX files and NumPy archives share this. All four headers are checked before any numbers are read, so that arrays that do
//! not fit take no memory. The labels, which are small, are read before the pixels.

use std::path::Path;

use crate::dataset::{
    CHECK_LABELS, Colour, Dataset, DatasetName, Images, LabelledImages, MAX_IMAGES, MAX_SIDE, Note,
    Parts, ReadOptions, TestImages, check_same_size,
};
use crate::values::{self, Array, Collected, Header, Number};
use crate::{Error, classes, picture, threads};

/// The largest size of labels in bytes: the largest number of labels, each of 8 bytes.
pub(crate) const MAX_LABELS: u64 = (MAX_IMAGES as u64) << 3;

/// Reads the arrays. `dir` has `classes.txt`, and `shown` is the path that the dataset is named after.
pub(crate) fn load<A: Array + Send>(
    [train_images, train_labels, test_images, test_labels]: [A; 4],
    name: DatasetName,
    [dir, shown]: [&Path; 2],
    options: &ReadOptions,
) -> Result<Dataset, Error> {
    let named = classes::read(dir)?;
    let train = Unread::check(train_images, train_labels)?;
    let test = Unread::check(test_images, test_labels)?;
    let [train_shape, test_shape] = [&train, &test].map(|split| split.shape);
    for (shape, split) in [(train_shape, &train), (test_shape, &test)] {
        shape.check_colour(split.images.header(), options.colour)?;
    }
    let [train_size, test_size] =
        [train_shape, test_shape].map(|shape| shape.describe(options.colour));
    let [train_path, test_path] = [&train, &test].map(|split| split.images.header().path.clone());
    check_same_size(&test_path, test_size, &train_path, train_size)?;

    let [train_header, test_header] = [&train, &test].map(|split| split.labels.header().clone());
    let mut labels = [read_labels(train.labels)?, read_labels(test.labels)?];
    let mut notes = Vec::new();
    let class_names = classes(&mut labels, [&train_header, &test_header], named, &mut notes)?;

    let [train_pixels, test_pixels] = read_both([train.images, test.images])?;
    let (pixels, is_unit) =
        values::same_rule([train_pixels, test_pixels]).map_err(|[train_range, test_range]| {
            Error::Disagreement {
                path: test_path,
                found: test_range.into(),
                other: train_path,
                expected: train_range.into(),
            }
        })?;
    if is_unit {
        notes.push(Note::UnitPixels);
    }
    let [train_pixels, test_pixels] = pixels;
    let (train, train_is_grey) = train_shape.images(train_pixels, options);
    let (test, test_is_grey) = test_shape.images(test_pixels, options);
    if train_is_grey || test_is_grey {
        notes.push(Note::MadeGrey);
    }
    let [train_labels, test_labels] = labels;
    Dataset::custom(Parts {
        train: LabelledImages { images: train, labels: train_labels },
        test: LabelledImages { images: test, labels: test_labels },
        validation: None,
        name,
        class_names,
        dir: shown,
        labels_path: &train_header.path,
        labels_hint: CHECK_LABELS,
        transposed: options.transpose,
        notes,
    })
}

/// Reads some images of the test set, and nothing after them. `None` if the pixels are not bytes: whether they go up to 1 or
/// 255 is known only when all are read.
pub(crate) fn test_images<A: Array>(
    [_, train_labels, test_images, test_labels]: [A; 4],
    dir: &Path,
    options: &ReadOptions,
    indices: &[usize],
) -> Result<Option<TestImages>, Error> {
    let named = classes::read(dir)?;
    let Unread { images, labels, shape } = Unread::check(test_images, test_labels)?;
    if images.header().number != Number::U8 {
        return Ok(None);
    }
    let [train_header, test_header] = [&train_labels, &labels].map(|it| it.header().clone());
    let mut both = [read_labels(train_labels)?, read_labels(labels)?];
    let class_names = named.clone();
    classes(&mut both, [&train_header, &test_header], named, &mut Vec::new())?;
    let [_, labels] = both;
    TestImages::check(indices, shape.count)?;
    let len = shape.height.saturating_mul(shape.width).saturating_mul(shape.channels);
    let mut sorted = indices.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let pixels = images.collect_blocks(len, &sorted)?;
    let (images, _) = Shape { count: sorted.len(), ..shape }.images(pixels, options);
    Ok(Some(TestImages::sorted(&images, &labels, &sorted, indices, class_names)))
}

/// The images and labels of a split. Only their headers have been read.
struct Unread<A> {
    images: A,
    labels: A,
    shape: Shape,
}

impl<A: Array> Unread<A> {
    /// Checks both headers.
    fn check(images: A, labels: A) -> Result<Self, Error> {
        let shape = Shape::of(images.header())?;
        let n_labels = n_labels(labels.header())?;
        if n_labels != shape.count {
            return Err(Error::Disagreement {
                path: labels.header().path.clone(),
                found: format!("{n_labels} labels"),
                other: images.header().path.clone(),
                expected: format!("{} images", shape.count),
            });
        }
        Ok(Self { images, labels, shape })
    }
}

/// The shape of images in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) count: usize,
    height: usize,
    width: usize,
    channels: usize,
}

impl Shape {
    /// The shape that the header gives, if it is one of images within the limits of a dataset.
    pub(crate) fn of(header: &Header) -> Result<Self, Error> {
        // Which dimensions are rows and columns.
        let (shape, sides) = match *header.dims {
            [count, height, width] => ([count, height, width, 1], [1, 2]),
            [count, height, width, 1] => ([count, height, width, 1], [1, 2]),
            [count, 1, height, width] => ([count, height, width, 1], [2, 3]),
            [count, height, width, 3] => ([count, height, width, 3], [1, 2]),
            _ => return Err(wrong_shape(header, true)),
        };
        header.check_dimension(0, MAX_IMAGES)?;
        sides.into_iter().try_for_each(|index| header.check_dimension(index, MAX_SIDE))?;
        let [count, height, width, channels] = shape;
        Ok(Self { count, height, width, channels })
    }

    /// Fails if images are to keep colours that they do not have.
    fn check_colour(self, header: &Header, colour: Colour) -> Result<(), Error> {
        match (self.channels, colour) {
            (1, Colour::Rgb) => Err(Error::Layout {
                path: header.path.clone(),
                expected: "images in colour (count x height x width x 3)".into(),
                found: header.describe(),
                hint: "leave out --colour rgb",
            }),
            _ => Ok(()),
        }
    }

    /// The size of the images once they are read.
    fn describe(self, colour: Colour) -> String {
        let Self { height, width, channels, .. } = self;
        let in_colour = if channels.min(colour.channels()) == 3 { " in colour" } else { "" };
        format!("images of {height} x {width}{in_colour}")
    }

    /// The images of these pixels, and whether they were made grey.
    fn images(self, pixels: Vec<u8>, options: &ReadOptions) -> (Images, bool) {
        let Self { count, height, width, channels } = self;
        let make_grey = channels == 3 && options.colour == Colour::Grey;
        let (pixels, channels) = match make_grey {
            true => (pixels.as_chunks().0.iter().map(|&pixel| picture::luma(pixel)).collect(), 1),
            false => (pixels, channels),
        };
        let images = Images { pixels, count, height, width, channels };
        (if options.transpose { images.transposed() } else { images }, make_grey)
    }
}

/// The number of labels, if the header is that of labels.
fn n_labels(header: &Header) -> Result<usize, Error> {
    match *header.dims {
        [count] | [count, 1] => Ok(count),
        _ => Err(wrong_shape(header, false)),
    }
}

fn wrong_shape(header: &Header, are_images: bool) -> Error {
    let expected = match are_images {
        true => "images (count x height x width, then perhaps x 1 or x 3)",
        false => "labels (one number for each image)",
    };
    let is_other = match (are_images, header.dims.len()) {
        (true, n) => n == 1,
        (false, n) => n > 2,
    };
    Error::Layout {
        path: header.path.clone(),
        expected: expected.into(),
        found: header.describe(),
        hint: match is_other {
            true => "are images and labels swapped?",
            false => "save images as count x height x width, and labels as a list of numbers",
        },
    }
}

fn read_labels(labels: impl Array) -> Result<Vec<u8>, Error> {
    let header = labels.header().clone();
    let labels = labels.collect(false)?;
    let expected = labels.expected();
    labels.whole().map_err(|misfit| header.misfit(&misfit, "label", expected))
}

/// Reads the pixels of both sets at the same time.
fn read_both<A: Array + Send>(images: [A; 2]) -> Result<[Collected; 2], Error> {
    let mut read = threads::map(images.into_iter(), |images| images.collect(true)).into_iter();
    let (Some(train), Some(test)) = (read.next(), read.next()) else {
        unreachable!("a result for each of two sets")
    };
    Ok([train?, test?])
}

/// The names of the classes. Labels that begin at 1 are made to begin at 0.
fn classes(
    labels: &mut [Vec<u8>; 2],
    headers: [&Header; 2],
    named: Option<Vec<String>>,
    notes: &mut Vec<Note>,
) -> Result<Vec<String>, Error> {
    let range = classes::range(labels.iter().flatten().copied(), named.as_deref());
    if *range.start() == 1 {
        labels.iter_mut().flatten().for_each(|label| *label = label.saturating_sub(1));
        notes.push(Note::LabelsFromOne);
    }
    let names = named.unwrap_or_else(|| classes::numbered(range));
    for (labels, header) in labels.iter().zip(headers) {
        let nameless = |&(_, &label): &(usize, &u8)| usize::from(label) >= names.len();
        if let Some((index, &value)) = labels.iter().enumerate().find(nameless) {
            let (path, offset) = (header.path.clone(), header.offset_of(index));
            let last = names.len().saturating_sub(1);
            return Err(Error::Label { path, index, offset, last, value });
        }
    }
    Ok(names)
}
