//! Reads picture files: their kinds, their limits, and their pixels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Luma,
    RgbImage,
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

/// Opens the file at `path`, or the pipe, such as the shell's <(command).
pub(super) fn open(path: &Path) -> Result<File, Error> {
    if path.is_dir() {
        let hint = "name the pictures in it";
        return Err(wrong_kind(path, "a directory".into(), hint));
    }
    File::open(path).map_err(Error::io(path, "open"))
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
    pub(crate) fn grey(self) -> Result<GrayImage, Error> {
        let orientation = self.orientation;
        let mut grey = DynamicImage::from(flatten(self.pixels()?));
        grey.apply_orientation(orientation);
        Ok(grey.into_luma8())
    }

    /// Decodes the picture, makes it smaller and turns it.
    pub(super) fn photo(self) -> Result<Photo, Error> {
        let orientation = self.orientation;
        let mut picture = self.pixels()?;
        let longest = picture.width().max(picture.height());
        if longest > LONGEST {
            picture = picture.thumbnail(LONGEST, LONGEST);
        }
        picture.apply_orientation(orientation);
        if !picture.color().has_alpha() {
            return Ok(Photo { colour: picture.into_rgb8(), alpha: None });
        }
        let picture = picture.into_rgba8();
        let (mut colour, mut alpha) = (
            RgbImage::new(picture.width(), picture.height()),
            GrayImage::new(picture.width(), picture.height()),
        );
        for ((image::Rgba([r, g, b, a]), colour), alpha) in
            picture.pixels().zip(colour.pixels_mut()).zip(alpha.pixels_mut())
        {
            colour.0 = [*r, *g, *b];
            alpha.0 = [*a];
        }
        let opaque = alpha.pixels().all(|alpha| alpha.0[0] > 250);
        Ok(Photo { colour, alpha: (!opaque).then_some(alpha) })
    }

    /// Decodes the picture as it lies in the file, and drops the file.
    fn pixels(mut self) -> Result<DynamicImage, Error> {
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_MEMORY.saturating_sub(self.memory));
        self.decoder.set_limits(limits).map_err(broken(self.path))?;
        DynamicImage::from_decoder(self.decoder).map_err(broken(self.path))
    }
}

/// A decoded picture, upright, with at most [`LONGEST`] pixels a side.
pub(super) struct Photo {
    pub(super) colour: RgbImage,
    /// How opaque each pixel is, if any is transparent.
    pub(super) alpha: Option<GrayImage>,
}

/// The longest side of a [`Photo`]. More pixels show nothing more of a garment that becomes a small image.
const LONGEST: u32 = 1024;

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

/// Reads a file that may be a picture, up to [`MAX_FILE`] bytes.
pub(crate) fn read_all(file: impl Read, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Error::io(path, "read"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large(path, format!("at most {MAX_FILE} bytes"), "more".into()));
    }
    Ok(bytes)
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
