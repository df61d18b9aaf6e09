//! Prepares a picture so that it looks like the dataset: a small grey image, the garment bright on black.
//!
//! The steps are those by which Fashion-MNIST was made from product photographs (trim, shrink to fit, centre, negate,
//! grey), so that a model trained on it can classify other photographs. A picture of the right size only has its
//! polarity adjusted.
//!
//! For pictures in general this is wrong: whether tones are inverted would depend on each picture's border. Pictures
//! in [folders](crate::folder), and those that their models classify, are only made grey and fitted to the size:
//! [`load_plain`].
//!
//! # Sources
//!
//! Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
//! Algorithms", arXiv:1708.07747, section 2.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits, Luma};

use crate::{Error, sniff};

/// The longest side of a picture in pixels: more than cameras have, less than a bomb needs.
const MAX_SIDE: u32 = 16_384;
/// The limit on the memory of the decoded pixels, which exist in a few copies: 64 megapixels of red, green and blue.
/// Grey pictures must not have more pixels, since pixels take the time.
const MAX_MEMORY: u64 = 192 << 20;
/// The limit on the memory of metadata: colour profile, EXIF, texts. It is separate from that of the pixels, so that
/// a bomb in a colour profile is detected early.
const MAX_METADATA: u64 = 8 << 20;
/// The longest file in bytes.
const MAX_FILE: u64 = 64 << 20;
/// How far from the background a pixel must be to belong to the garment (5 % of white, as in the
/// paper).
const TRIM: u8 = 13;

/// Reads a PNG or JPEG file and makes it `width` x `height`; see [`decode`].
///
/// # Errors
///
/// When the file cannot be read, is no PNG or JPEG, is damaged, or is absurdly large.
pub fn load(path: &Path, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    prepare(&read_file(path)?, path, width, height)
}

/// Reads a PNG or JPEG file and makes it grey, without a change of its tones.
///
/// In this order:
/// 1. Turned as its EXIF orientation says; transparent parts filled as [`decode`] does; made grey
///    (Rec. 709 luma).
/// 2. Unless it has the wanted size already: shrunk or enlarged to fit with its proportions kept,
///    centred on black.
///
/// A grey picture of exactly the wanted size comes out byte for byte.
///
/// # Shapes
///
/// As [`decode`].
///
/// # Errors
///
/// As [`load`].
pub fn load_plain(path: &Path, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(fitted(plain(&read_file(path)?, path)?, width, height).into_raw())
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    // Not a regular file alone: the shell's <(command) is a pipe.
    read_all(File::open(path).map_err(Error::io(path, "open"))?, path)
}

/// A PNG or JPEG file's picture, grey.
pub(crate) fn plain(bytes: &[u8], path: &Path) -> Result<GrayImage, Error> {
    Ok(flatten(&open(bytes, path)?))
}

/// The picture itself where it has this size.
pub(crate) fn fitted(grey: GrayImage, width: u32, height: u32) -> GrayImage {
    if grey.dimensions() == (width, height) { grey } else { fit(&grey, width, height) }
}

/// The bytes of a file that may be a picture.
pub(crate) fn read_all(file: File, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::io(path, "read"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(broken(path, format!("expected at most {MAX_FILE} bytes, found more")));
    }
    Ok(bytes)
}

/// Makes the bytes of a PNG or JPEG file a grey image of `width` x `height`, bright on black.
///
/// In this order:
/// 1. Turned as its EXIF orientation says; transparent parts filled with white behind a dark
///    garment, with black behind a bright one; made grey (Rec. 709 luma).
/// 2. Negated when its border is bright (median over 127): the garment was dark on light.
/// 3. Unless it has the wanted size already: the background's level taken as black, trimmed to
///    what differs from it, shrunk or enlarged to fit with its proportions kept, centred on black.
///
/// A grey picture of exactly the wanted size with a dark border comes out byte for byte.
///
/// # Shapes
///
/// The result is `width * height` bytes, row after row from the top, 0 black to 255 white.
///
/// # Errors
///
/// When the bytes are no PNG or JPEG, are damaged, or would take too much memory. Errors call
/// them `<memory>`.
pub fn decode(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    prepare(bytes, Path::new("<memory>"), width, height)
}

/// Makes the bytes of a PNG or JPEG file a grey image of `width` x `height`, as [`load_plain`] does.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_plain(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(fitted(plain(bytes, Path::new("<memory>"))?, width, height).into_raw())
}

/// Decodes bytes that should be a PNG or JPEG file.
fn open(bytes: &[u8], path: &Path) -> Result<DynamicImage, Error> {
    let format = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => {
            let (expected, found) = ("a PNG or JPEG image", sniff::describe(bytes));
            return Err(Error::Kind { path: path.into(), expected, found });
        }
    };
    read(bytes, format).map_err(|error| broken(path, error.to_string()))
}

fn prepare(bytes: &[u8], path: &Path, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let mut grey = plain(bytes, path)?;
    let mut background = border_median(&grey);
    if background > 127 {
        imageops::invert(&mut grey);
        background = 255_u8.saturating_sub(background);
    }
    if grey.dimensions() == (width, height) {
        return Ok(grey.into_raw());
    }
    level(&mut grey, background);
    Ok(fit(&trim(&grey), width, height).into_raw())
}

fn read(bytes: &[u8], format: ImageFormat) -> image::ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_METADATA);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.max_alloc = Some(MAX_MEMORY);
    // The pixels themselves count towards the limit only when the caller says so.
    let (width, height) = decoder.dimensions();
    let coloured = u64::from(width).saturating_mul(height.into()).saturating_mul(3);
    limits.reserve(decoder.total_bytes().max(coloured))?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Grey, without transparency. A cut-out is laid on the ground that shows it best, since a dark
/// garment on transparent ground would vanish on black, and a bright one on white.
fn flatten(picture: &DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.to_luma8();
    }
    let picture = picture.to_luma_alpha8();
    let (mut sum, mut weight) = (0_u64, 0_u64);
    for image::LumaA([luma, alpha]) in picture.pixels() {
        let alpha = u64::from(*alpha);
        sum = sum.saturating_add(u64::from(*luma).saturating_mul(alpha));
        weight = weight.saturating_add(alpha);
    }
    let mean = sum.checked_div(weight).unwrap_or(0);
    let ground = if mean < 128 { 255 } else { 0 };
    let mut grey = GrayImage::new(picture.width(), picture.height());
    for (Luma([out]), image::LumaA([luma, alpha])) in grey.pixels_mut().zip(picture.pixels()) {
        *out = blend(*luma, ground, *alpha);
    }
    grey
}

/// `alpha` parts of `over` and 255 - `alpha` parts of `under`, rounded to nearest.
fn blend(over: u8, under: u8, alpha: u8) -> u8 {
    let [over, under, alpha] = [over, under, alpha].map(u32::from);
    let under_part = under.saturating_mul(255_u32.saturating_sub(alpha));
    let sum = over.saturating_mul(alpha).saturating_add(under_part).saturating_add(127);
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
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

/// Stretches the range from `background` to white over the range from black to white.
fn level(grey: &mut GrayImage, background: u8) {
    let range = f32::from(255_u8.saturating_sub(background));
    for Luma([value]) in grey.pixels_mut() {
        let above = f32::from(value.saturating_sub(background));
        *value = to_u8(above / range * 255.0);
    }
}

/// The part of a picture on black that is not background; all of it when nothing stands out.
fn trim(grey: &GrayImage) -> GrayImage {
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for (x, y, Luma([value])) in grey.enumerate_pixels() {
        if *value > TRIM {
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        }
    }
    if left == u32::MAX {
        return grey.clone();
    }
    let side = |from: u32, to: u32| to.saturating_sub(from).saturating_add(1);
    imageops::crop_imm(grey, left, top, side(left, right), side(top, bottom)).to_image()
}

/// Scales to fit into `width` x `height` with the proportions kept, and centres on black.
fn fit(grey: &GrayImage, width: u32, height: u32) -> GrayImage {
    let ratio = |target: u32, side: u32| f64::from(target) / f64::from(side.max(1));
    let scale = ratio(width, grey.width()).min(ratio(height, grey.height()));
    let side = |side: u32, target: u32| to_u32(f64::from(side) * scale).clamp(1, target.max(1));
    let (fitted_width, fitted_height) = (side(grey.width(), width), side(grey.height(), height));
    let fitted = imageops::resize(grey, fitted_width, fitted_height, FilterType::Lanczos3);
    let mut canvas = GrayImage::new(width, height);
    let offset = |outer: u32, inner: u32| i64::from(outer.saturating_sub(inner) / 2);
    let (x, y) = (offset(width, fitted_width), offset(height, fitted_height));
    imageops::replace(&mut canvas, &fitted, x, y);
    canvas
}

#[allow(clippy::cast_possible_truncation, reason = "float to int casts saturate")]
fn to_u8(value: f32) -> u8 {
    value.round() as u8
}

#[allow(clippy::cast_possible_truncation, reason = "float to int casts saturate")]
fn to_u32(value: f64) -> u32 {
    value.round() as u32
}

fn broken(path: &Path, reason: String) -> Error {
    Error::Picture { path: path.into(), reason }
}

#[cfg(test)]
mod tests;
