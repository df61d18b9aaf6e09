//! Prepares a picture so that it looks like the dataset: a small grey image, the garment bright on black.
//!
//! The steps are those by which Fashion-MNIST was made from product photographs (trim, shrink to fit, centre, negate,
//! grey), so that a model trained on it can classify other photographs. A picture of the right size only has its
//! polarity adjusted.
//!
//! For pictures in general this is wrong: whether tones are inverted would depend on each picture's border. Pictures
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

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Luma,
};

use crate::{Error, sniff};

/// The longest side of a picture in pixels: longer than those of cameras, too short for a bomb.
const MAX_SIDE: u32 = 16_384;
/// The limit on the memory of the decoded pixels: 64 Mi pixels of red, green and blue.
pub(crate) const MAX_MEMORY: u64 = 192 << 20;
/// The least number of bytes that a pixel counts towards that limit. Grey pictures must not have more pixels than others,
/// since the number of pixels determines the time.
const MIN_PIXEL: u64 = 3;
/// The limit on the memory of metadata: colour profile, EXIF, texts. It is separate from that of the pixels, so that
/// a bomb in a colour profile is detected early.
const MAX_METADATA: u64 = 8 << 20;
/// The longest file in bytes: pixels that do not compress at all, and the rest.
pub(crate) const MAX_FILE: u64 = MAX_MEMORY + MAX_METADATA;
/// How far from the background a pixel must be to belong to the garment (5 % of white, as in the
/// paper).
const TRIM: u8 = 13;

/// Reads a PNG or JPEG file as an image of `width` x `height` like those of the dataset; see [`decode`].
///
/// # Errors
///
/// When the file cannot be read, is not a PNG or JPEG, is damaged, or exceeds the [limits](self#limits).
pub fn load(path: &Path, width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(prepare(Picture::open(read_file(path)?, path)?.grey()?, width, height))
}

/// Reads a PNG or JPEG file as a grey image of `width` x `height`, without changing its tones.
///
/// In this order:
/// 1. Turned as its EXIF orientation says; transparent parts filled as [`decode`] does; made grey
///    (Rec. 709 luma).
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
    Ok(fitted(Picture::open(read_file(path)?, path)?.grey()?, width, height).into_raw())
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    if path.is_dir() {
        let hint = "name the pictures in it";
        return Err(wrong_kind(path, "a directory".into(), hint));
    }
    // A pipe is accepted as well, such as the shell's <(command).
    read_all(File::open(path).map_err(Error::io(path, "open"))?, path)
}

/// A PNG or JPEG file of which only the header has been read. No memory has been allocated for pixels.
pub(crate) struct Picture<'a> {
    path: &'a Path,
    decoder: Box<dyn ImageDecoder + 'a>,
    orientation: Orientation,
    memory: u64,
}

impl<'a> Picture<'a> {
    /// Reads the header.
    pub(crate) fn open(bytes: impl AsRef<[u8]> + 'a, path: &'a Path) -> Result<Self, Error> {
        let format = match image::guess_format(bytes.as_ref()) {
            Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
            _ => {
                let hint = "check the path, or convert the picture to PNG or JPEG";
                return Err(wrong_kind(path, sniff::describe(bytes.as_ref()), hint));
            }
        };
        if format == ImageFormat::Png {
            check_palettes(bytes.as_ref(), path)?;
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_METADATA);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(broken(path))?;
        let memory = check_size(&decoder, path)?;
        let orientation = decoder.orientation().map_err(broken(path))?;
        Ok(Self { path, decoder: Box::new(decoder), orientation, memory })
    }

    /// Width and height of the picture after it is turned as its EXIF orientation says.
    pub(crate) fn sides(&self) -> (u32, u32) {
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        let (width, height) = self.decoder.dimensions();
        match self.orientation {
            Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH => (height, width),
            _ => (width, height),
        }
    }

    /// The bytes that its pixels count towards [`MAX_MEMORY`].
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// Decodes the picture, makes it grey and turns it. To save memory, the file is dropped once it is decoded, and the
    /// colours before the picture is turned.
    pub(crate) fn grey(mut self) -> Result<GrayImage, Error> {
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_MEMORY.saturating_sub(self.memory));
        self.decoder.set_limits(limits).map_err(broken(self.path))?;
        let picture = DynamicImage::from_decoder(self.decoder).map_err(broken(self.path))?;
        let mut grey = DynamicImage::from(flatten(picture));
        grey.apply_orientation(self.orientation);
        Ok(grey.into_luma8())
    }
}

/// Fails if a palette of a PNG file ends within a colour. The decoder, png 0.18.1, panics at such a palette.
fn check_palettes(bytes: &[u8], path: &Path) -> Result<(), Error> {
    // After the signature. A chunk is its length, its type, its content and a checksum.
    let mut offset = 8_u64;
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((&[a, b, c, d, kind @ ..], _)) = rest.split_first_chunk::<8>() {
        let len = u32::from_be_bytes([a, b, c, d]);
        if kind == *b"PLTE" && !len.is_multiple_of(3) {
            let reason =
                format!("byte {offset} (PLTE): expected 3 bytes a colour, found {len} bytes");
            return Err(Error::Picture { path: path.into(), reason });
        }
        let chunk = u64::from(len).saturating_add(12);
        offset = offset.saturating_add(chunk);
        rest = usize::try_from(chunk).ok().and_then(|chunk| rest.get(chunk..)).unwrap_or_default();
    }
    Ok(())
}

/// The bytes that the pixels count towards [`MAX_MEMORY`], if the picture is within the limits.
fn check_size(decoder: &impl ImageDecoder, path: &Path) -> Result<u64, Error> {
    let (width, height) = decoder.dimensions();
    let pixel = u64::from(decoder.color_type().bytes_per_pixel()).max(MIN_PIXEL);
    let memory = u64::from(width).saturating_mul(height.into()).saturating_mul(pixel);
    if width.max(height) <= MAX_SIDE && memory <= MAX_MEMORY {
        return Ok(memory);
    }
    let most = MAX_MEMORY.checked_div(pixel).unwrap_or_default();
    let expected = format!("at most {MAX_SIDE} pixels a side and {most} in all");
    Err(too_large(path, expected, format!("{width}x{height}")))
}

fn broken(path: &Path) -> impl FnOnce(ImageError) -> Error {
    move |error| match error {
        // A row or a colour profile is too large. The decoder does not say how large.
        ImageError::Limits(_) => {
            let metadata = format!("{MAX_METADATA} bytes of metadata");
            Error::Layout {
                path: path.into(),
                expected: format!("at most {MAX_SIDE} pixels a side, and {metadata}"),
                found: "more".into(),
                hint: "scale the picture down, or save it without metadata",
            }
        }
        error => Error::Picture { path: path.into(), reason: error.to_string() },
    }
}

fn wrong_kind(path: &Path, found: String, hint: &'static str) -> Error {
    Error::Kind { path: path.into(), expected: "a PNG or JPEG image", found, hint }
}

fn too_large(path: &Path, expected: String, found: String) -> Error {
    Error::Layout { path: path.into(), expected, found, hint: "scale the picture down" }
}

/// Fits a picture to this size. One that has it is returned unchanged.
pub(crate) fn fitted(grey: GrayImage, width: u32, height: u32) -> GrayImage {
    if grey.dimensions() == (width, height) { grey } else { fit(&grey, width, height) }
}

/// Reads a file that may be a picture, up to [`MAX_FILE`] bytes.
pub(crate) fn read_all(file: File, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::io(path, "read"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path, format!("at most {MAX_FILE} bytes"), "more".into()));
    }
    Ok(bytes)
}

/// Converts the bytes of a PNG or JPEG file to a grey image of `width` x `height`, bright on black.
///
/// In this order:
/// 1. Turned as its EXIF orientation says; transparent parts filled with white for a dark garment, with black for a
///    bright one; made grey (Rec. 709 luma).
/// 2. Negated when its border is bright (median over 127): the garment was dark on light.
/// 3. Unless it already has the size asked for: levelled so that the background is black, trimmed to what is not
///    background, shrunk or enlarged to fit with its proportions kept, centred on black.
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
    Ok(prepare(Picture::open(bytes, Path::new("<memory>"))?.grey()?, width, height))
}

/// Converts the bytes of a PNG or JPEG file to a grey image of `width` x `height`, as [`load_plain`] does.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_plain(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(fitted(Picture::open(bytes, Path::new("<memory>"))?.grey()?, width, height).into_raw())
}

/// Negates, levels, trims and fits a picture, as [`decode`] says.
fn prepare(mut grey: GrayImage, width: u32, height: u32) -> Vec<u8> {
    let mut background = border_median(&grey);
    if background > 127 {
        imageops::invert(&mut grey);
        background = 255_u8.saturating_sub(background);
    }
    if grey.dimensions() == (width, height) {
        return grey.into_raw();
    }
    level(&mut grey, background);
    fit(&trim(&grey), width, height).into_raw()
}

/// Makes a picture grey and opaque. A cut-out gets the background that shows it best: a dark garment would vanish on
/// black, and a bright one on white.
fn flatten(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let picture = picture.into_luma_alpha8();
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

/// Crops a picture on black to what is not background. If nothing stands out, it keeps the whole picture.
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

#[cfg(test)]
mod tests;
