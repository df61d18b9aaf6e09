//! Prepares a picture for a model: a small grey image that looks like those of the model's dataset.
//!
//! A [`Preparation`] is one way to do this. For garments and ink, the object is first found on its ground, without frames,
//! shadows, dust and text. Then follow the steps by which the dataset was made from photographs or scans, so that a model
//! trained on it can classify others. A picture of the right size only has its polarity adjusted.
//!
//! Pictures in general show no object on a ground. They are only converted to greyscale and fitted to the size, as those
//! in [folders](crate::folder) are.
//!
//! # Kinds
//!
//! A picture file is PNG, JPEG, WebP, GIF, BMP, TIFF, PNM (PBM, PGM, PPM or PAM), ICO, TGA or QOI. Its contents decide, not
//! its name. Of an animation the first frame is read, of a TIFF the first page, and of an icon the largest PNG or, if it has none,
//! the picture with the most colours. A file
//! that is cut short is refused.
//!
//! # Limits
//!
//! A picture has at most 16,384 pixels a side and 64 Mi (67 million) pixels, fewer where a pixel has more than 3 bytes, and
//! half as many in an animated WebP. Its file has at most 200 MiB: that is room for pixels that do not compress.
//!
//! Memory holds the file and the decoded pixels, at most 420 MB. These need more:
//!
//! - a progressive JPEG its coefficients, which makes 820 MB, or 960 MB with four components (CMYK);
//! - GIF, TIFF, TGA and WebP the pixels in another form, which makes at most 750 MB;
//! - a lossless WebP, or one with transparency, the tables of its compression. A hostile file can make these 500 times
//!   as long as itself.
//!
//! # Sources
//!
//! Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
//! Algorithms", arXiv:1708.07747, section 2 ([`Preparation::Garment`]). LeCun, Cortes, Burges, "The MNIST Database of
//! Handwritten Digits" ([`Preparation::Ink`]).

mod decode;
mod grey;
mod kind;
mod whole;

#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the sides of a decoded picture have been checked, and all places come from them"
)]
mod shrink;

#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the sides of a decoded picture have been checked, and all places come from them"
)]
mod object;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma, imageops};

use crate::budget::Budget;
use crate::{Error, threads};
use decode::{MAX_FILE, MAX_MEMORY};
pub(crate) use decode::{Picture, read_all};
pub(crate) use grey::{Grey, luma};
pub use object::Object;
pub(crate) use object::fitted;

/// How a picture becomes an image for a model.
///
/// ```no_run
/// use fmnist_data::picture::Preparation;
///
/// let seen = Preparation::Garment.load("boot.jpg".as_ref(), 28, 28)?;
/// assert_eq!(seen.pixels.len(), 28 * 28);
/// # Ok::<(), fmnist_data::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// As Fashion-MNIST was made: a garment, bright on black.
    ///
    /// 1. The garment is found: what differs from the ground in colour or brightness. The ground may be uneven in light,
    ///    noisy or grained. Frames, shadows, dust and text are left out. Of a cut-out, it is what is not transparent.
    /// 2. The picture is cropped to the garment, and made grey (Rec. 709 luma) and black around it. A photograph is negated,
    ///    so that dark cloth is bright; a picture on black, or of cloth lighter than its grey ground, is not.
    /// 3. It is scaled to fit with its proportions kept, and centred on black.
    Garment,
    /// As MNIST was made: a letter, a digit or a drawing of dark ink on light paper or of chalk on a board, bright on black.
    ///
    /// 1. The ink is found, as a garment is, and becomes white, whatever its colour.
    /// 2. It is scaled to fit into 20/28 of the size (20 x 20 pixels of 28 x 28) with its proportions kept.
    /// 3. Its centre of mass is put into the middle.
    Ink,
    /// Nothing is looked for: the picture is made grey and scaled to fit with its proportions kept, centred on black. A
    /// transparent part becomes white around dark colours, and black around bright ones.
    Plain,
    /// The same, but the picture keeps its colours: a pixel is three bytes, red, green and blue.
    Colour,
}

/// What a model sees of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The pixels of the image, row after row from the top, from 0 (black) to 255 (white). A pixel is a byte; of
    /// [`Preparation::Colour`], it is three.
    pub pixels: Vec<u8>,
    /// What was looked for in the picture, and found.
    pub finding: Finding,
}

/// What a [`Preparation`] found in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It looked for nothing, since the picture has the size of the image, or since it takes pictures as they are.
    Whole,
    /// There is only ground. The image is black.
    Nothing,
    /// An object on its ground.
    Object(Object),
}

impl Preparation {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Garment, Self::Ink, Self::Plain, Self::Colour];

    /// Reads a picture file, turns it as its EXIF orientation says, and prepares it.
    ///
    /// For garments and ink, a picture that already has `width` x `height` pixels is only made grey, and negated when its border is bright (median over 127). A grey picture of this size with a
    /// dark border stays the same, byte for byte.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not a picture of these [kinds](self#kinds), is damaged, or exceeds the [limits](self#limits).
    pub fn load(self, path: &Path, width: u32, height: u32) -> Result<Seen, Error> {
        self.read(decode::open(path)?, path, width, height)
    }

    /// Reads a picture file from a stream, as [`Preparation::load`] does. Errors call it `name`.
    ///
    /// # Errors
    ///
    /// As [`Preparation::load`].
    pub fn read(
        self,
        stream: impl Read,
        name: &Path,
        width: u32,
        height: u32,
    ) -> Result<Seen, Error> {
        self.prepare(Picture::open(read_all(stream, name)?, name)?, width, height)
    }

    /// Reads picture files on all processors, as [`Preparation::load`] does. Returns the results in the order of the
    /// files. Those that are read at the same time take together no more memory than one may.
    pub fn load_all(self, paths: &[PathBuf], width: u32, height: u32) -> Vec<Result<Seen, Error>> {
        let memory = SharedMemory::new();
        threads::map(paths.iter(), |path| {
            let file = decode::open(path)?;
            let metadata = file.metadata().map_err(Error::io(path, "read"))?;
            // The length of a pipe is not known before its end.
            let length = if metadata.is_file() { metadata.len() } else { MAX_FILE };
            memory.read(file, length, path, |_| Ok(()), |it| self.prepare(it, width, height))
        })
    }

    /// Prepares the bytes of a picture file, as [`Preparation::load`] does.
    ///
    /// # Errors
    ///
    /// If the bytes are not a picture of these [kinds](self#kinds), are damaged, or exceed the [limits](self#limits). Errors call them `<memory>`.
    pub fn decode(self, bytes: &[u8], width: u32, height: u32) -> Result<Seen, Error> {
        self.prepare(Picture::open(bytes, Path::new("<memory>"))?, width, height)
    }

    fn prepare(self, picture: Picture<'_>, width: u32, height: u32) -> Result<Seen, Error> {
        let sides = picture.sides();
        let (image, finding) = match self {
            Self::Plain => (fitted(picture.grey()?.image, width, height), Finding::Whole),
            Self::Colour => {
                let pixels = fitted(picture.rgb()?, width, height).into_raw();
                return Ok(Seen { pixels, finding: Finding::Whole });
            }
            _ if sides == (width, height) => {
                let mut grey = picture.grey()?.image;
                if border_median(&grey) > 127 {
                    imageops::invert(&mut grey);
                }
                (grey, Finding::Whole)
            }
            Self::Garment | Self::Ink => {
                let photo = picture.photo()?;
                let find = if self == Self::Ink { object::ink } else { object::garment };
                let (image, object) = find(&photo, width, height);
                // A large picture was made smaller first.
                let object = object.map(|it| it.scaled(photo.colour.dimensions(), sides));
                (image, object.map_or(Finding::Nothing, Finding::Object))
            }
        };
        Ok(Seen { pixels: image.into_raw(), finding })
    }
}

/// The memory of pictures that are read at the same time: together they take no more than one picture may.
pub(crate) struct SharedMemory {
    files: Budget,
    pixels: Budget,
}

impl SharedMemory {
    pub(crate) fn new() -> Self {
        Self { files: Budget::new(MAX_FILE), pixels: Budget::new(MAX_MEMORY) }
    }

    /// Reads a picture file of this length: its header, which is checked, and then its pixels, which are used.
    pub(crate) fn read<R>(
        &self,
        file: File,
        length: u64,
        path: &Path,
        check: impl FnOnce(&Picture<'_>) -> Result<(), Error>,
        use_pixels: impl FnOnce(Picture<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        // A file over the limit is refused when it is read. If a file grows meanwhile, its share does not.
        let _file = self.files.take(length.min(MAX_FILE));
        let picture = Picture::open(read_all(file, path)?, path)?;
        check(&picture)?;
        // A thread with a share of this budget waits for nothing else, so there is no deadlock.
        let _pixels = self.pixels.take(picture.memory());
        use_pixels(picture)
    }
}

/// The median of the outermost ring of pixels: the level of the background, as long as the garment
/// crosses less than half of the ring.
fn border_median(grey: &GrayImage) -> u8 {
    let (right, bottom) = (grey.width().saturating_sub(1), grey.height().saturating_sub(1));
    let mut ring: Vec<u8> = grey
        .enumerate_pixels()
        .filter(|(x, y, _)| *x == 0 || *y == 0 || *x == right || *y == bottom)
        .map(|(_, _, Luma([value]))| *value)
        .collect();
    ring.sort_unstable();
    ring.get(ring.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
