//! Prepares a picture so that it looks like the dataset: a small grey image, the garment bright on black.
//!
//! First the garment is found on its ground, without frames, shadows, dust and text. Then follow the steps by which
//! Fashion-MNIST was made from product photographs (trim, shrink to fit, centre, negate, grey), so that a model trained on
//! it can classify other photographs. A picture of the right size only has its polarity adjusted.
//!
//! For pictures in general this is wrong: they show no object on a ground. Pictures
//! in [folders](crate::folder), and those that their models classify, are only converted to greyscale and fitted to the
//! size: [`load_plain`].
//!
//! # Limits
//!
//! A picture has at most 16,384 pixels a side and 64 Mi (67 million) pixels, fewer where a pixel has more than 3 bytes.
//! Its file has at most 200 MiB: that is room for pixels that do not compress.
//!
//! Memory holds the file and the decoded pixels, at most 420 MB. A progressive JPEG also needs its coefficients, which
//! makes 820 MB, or 960 MB with four components (CMYK).
//!
//! # Sources
//!
//! Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
//! Algorithms", arXiv:1708.07747, section 2.

mod decode;

#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the sides of a decoded picture have been checked, and all places come from them"
)]
mod garment;

use std::path::Path;

use image::{GrayImage, Luma, imageops};

use crate::Error;
pub(crate) use decode::{MAX_FILE, MAX_MEMORY, Picture, read_all};
pub(crate) use garment::fitted;

/// Reads a PNG or JPEG file as an image of `width` x `height` like those of the dataset; see [`decode`].
///
/// # Errors
///
/// When the file cannot be read, is not a PNG or JPEG, is damaged, or exceeds the [limits](self#limits).
pub fn load(path: &Path, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    prepare(Picture::open(decode::read_file(path)?, path)?, width, height)
}

/// Reads a PNG or JPEG file as a grey image of `width` x `height`, without changing its tones.
///
/// In this order:
/// 1. Turned as its EXIF orientation says; transparent parts filled with white for a dark garment, with black for a
///    bright one; made grey (Rec. 709 luma).
/// 2. Unless it already has the size asked for: shrunk or enlarged to fit with its proportions kept,
///    centred on black.
///
/// A grey picture of exactly this size stays the same, byte for byte.
///
/// # Shapes
///
/// As [`decode`].
///
/// # Errors
///
/// As [`load`].
pub fn load_plain(path: &Path, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(fitted(Picture::open(decode::read_file(path)?, path)?.grey()?, width, height).into_raw())
}

/// Converts the bytes of a PNG or JPEG file to a grey image of `width` x `height`, bright on black.
///
/// In this order:
/// 1. Turned as its EXIF orientation says.
/// 2. The garment is found: what differs from the ground in colour or brightness. The ground may be uneven in light, noisy
///    or grained. Frames, shadows, dust and text are left out. Of a cut-out, it is what is not transparent.
/// 3. Cropped to the garment, and made grey (Rec. 709 luma) and black around it. A photograph is negated, so that dark
///    cloth is bright; a picture on black, or of cloth lighter than its grey ground, is not.
/// 4. Shrunk or enlarged to fit with its proportions kept, and centred on black.
///
/// A picture without a garment becomes black. A picture that already has the size asked for is only made grey, and negated
/// when its border is bright (median over 127).
///
/// A grey picture of exactly this size with a dark border stays the same, byte for byte.
///
/// # Shapes
///
/// The result is `width * height` bytes, row after row from the top, 0 black to 255 white.
///
/// # Errors
///
/// When the bytes are not a PNG or JPEG, are damaged, or exceed the [limits](self#limits). Errors call
/// them `<memory>`.
pub fn decode(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    prepare(Picture::open(bytes, Path::new("<memory>"))?, width, height)
}

/// Converts the bytes of a PNG or JPEG file to a grey image of `width` x `height`, as [`load_plain`] does.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_plain(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(fitted(Picture::open(bytes, Path::new("<memory>"))?.grey()?, width, height).into_raw())
}

/// Makes an image of a picture, as [`decode`] says.
fn prepare(picture: Picture<'_>, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    if picture.sides() != (width, height) {
        return Ok(garment::image(&picture.photo()?, width, height).into_raw());
    }
    let mut grey = picture.grey()?;
    if border_median(&grey) > 127 {
        imageops::invert(&mut grey);
    }
    Ok(grey.into_raw())
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
