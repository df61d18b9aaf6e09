//! Reads picture files: their kinds, their limits, and their pixels.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::path::Path;

use image::metadata::Orientation;
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
};

use super::grey::{self, Grey};
use super::{kind, shrink, whole};
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
        return Err(Error::Kind {
            path: path.into(),
            expected: "a picture",
            found: "a directory".into(),
            hint: "name the pictures in it",
        });
    }
    File::open(path).map_err(Error::io(path, "open"))
}

/// A picture file of which only the header has been read. No memory has been allocated for pixels.
pub(crate) struct Picture<'a> {
    path: &'a Path,
    format: ImageFormat,
    decoder: Box<dyn ImageDecoder + 'a>,
    orientation: Orientation,
    memory: u64,
}

impl<'a> Picture<'a> {
    /// Reads the header.
    pub(crate) fn open(bytes: impl AsRef<[u8]> + 'a, path: &'a Path) -> Result<Self, Error> {
        let damaged = |reason| Error::Picture { path: path.into(), reason };
        let all = bytes.as_ref();
        let mut range = 0..all.len();
        let mut format = kind::of(all).ok_or_else(|| wrong_kind(path, all))?;
        if format == ImageFormat::Ico
            && let Some(png) = kind::png_in_icon(all)
        {
            (format, range) = (ImageFormat::Png, png);
        }
        // The decoder of WebP would allocate the length that the metadata claim, so they are read here.
        let mut known_orientation = None;
        let mut copies = 1;
        match format {
            ImageFormat::Png => {
                whole::check_palettes(all.get(range.clone()).unwrap_or_default())
                    .map_err(damaged)?;
            }
            ImageFormat::Jpeg => whole::check_jpeg_end(all).map_err(damaged)?,
            ImageFormat::WebP => {
                let webp = whole::webp(all).map_err(damaged)?;
                range.end = webp.len;
                let orientation = webp.exif.and_then(Orientation::from_exif_chunk);
                known_orientation = Some(orientation.unwrap_or(Orientation::NoTransforms));
                // An animation is drawn on a canvas of its own.
                copies = if webp.is_animated { 2 } else { 1 };
            }
            _ => {}
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(MAX_METADATA);
        let mut reader = ImageReader::with_format(Cursor::new(Part { bytes, range }), format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(broken(path, format))?;
        let memory = check_size(&decoder, copies, path)?;
        let orientation = match known_orientation {
            Some(orientation) => orientation,
            None => decoder.orientation().map_err(broken(path, format))?,
        };
        Ok(Self { path, format, decoder: Box::new(decoder), orientation, memory })
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
    pub(crate) fn grey(self) -> Result<Grey, Error> {
        let orientation = self.orientation;
        let Grey { image, had_colours } = Grey::new(self.pixels()?);
        let mut image = DynamicImage::from(image);
        image.apply_orientation(orientation);
        Ok(Grey { image: image.into_luma8(), had_colours })
    }

    /// Decodes the picture, makes it opaque and turns it.
    pub(crate) fn rgb(self) -> Result<RgbImage, Error> {
        let orientation = self.orientation;
        let mut picture = DynamicImage::from(grey::opaque(self.pixels()?));
        picture.apply_orientation(orientation);
        Ok(picture.into_rgb8())
    }

    /// Decodes the picture, makes it smaller and turns it.
    pub(super) fn photo(self) -> Result<Photo, Error> {
        let orientation = self.orientation;
        let mut picture = shrink::to_side(self.pixels()?, LONGEST);
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
        limits.max_alloc = Some(match self.format {
            // The first frame may be smaller than the picture, and is then decoded separately.
            ImageFormat::Gif => MAX_MEMORY,
            // The limit includes the pixels, which may have a fourth colour here (CMYK), and what is read at once.
            ImageFormat::Tiff => MAX_MEMORY.saturating_mul(2),
            _ => MAX_MEMORY.saturating_sub(self.memory),
        });
        self.decoder.set_limits(limits).map_err(broken(self.path, self.format))?;
        DynamicImage::from_decoder(self.decoder).map_err(broken(self.path, self.format))
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

/// The part of a file that has the picture.
struct Part<B> {
    bytes: B,
    range: Range<usize>,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Part<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref().get(self.range.clone()).unwrap_or_default()
    }
}

/// The bytes that the pixels count towards [`MAX_MEMORY`], if the picture is within the limits.
fn check_size(decoder: &impl ImageDecoder, copies: u64, path: &Path) -> Result<u64, Error> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        let reason = format!("the picture has no pixels ({width}x{height})");
        return Err(Error::Picture { path: path.into(), reason });
    }
    let pixel = u64::from(decoder.color_type().bytes_per_pixel()).max(MIN_PIXEL);
    let pixel = pixel.saturating_mul(copies);
    let pixels = u64::from(width).saturating_mul(height.into());
    let memory = pixels.saturating_mul(pixel);
    if width.max(height) <= MAX_SIDE && memory <= MAX_MEMORY {
        return Ok(memory);
    }
    let most = MAX_MEMORY.checked_div(pixel).unwrap_or_default();
    let expected = format!("at most {MAX_SIDE} pixels a side and {most} in all");
    Err(too_large(path, expected, format!("{width}x{height} ({pixels} in all)")))
}

/// The error of a decoder, in words that do not need its documentation.
fn broken(path: &Path, format: ImageFormat) -> impl FnOnce(ImageError) -> Error {
    move |error| {
        let reason = match &error {
            // A row or a colour profile is too large. The decoder does not say how large.
            ImageError::Limits(_) => {
                let metadata = format!("{MAX_METADATA} bytes of metadata");
                return Error::Layout {
                    path: path.into(),
                    expected: format!("at most {MAX_SIDE} pixels a side, and {metadata}"),
                    found: "more".into(),
                    hint: "make the picture smaller, or save it without metadata",
                };
            }
            ImageError::Unsupported(_) => {
                format!("a kind of {} that is not supported", kind::name(format))
            }
            error if is_cut(error) => whole::CUT.into(),
            _ => format!("the {} is damaged", kind::name(format)),
        };
        Error::Picture { path: path.into(), reason }
    }
}

/// Whether the decoder reached the end of the file.
fn is_cut(error: &ImageError) -> bool {
    if let ImageError::IoError(error) = error {
        return error.kind() == io::ErrorKind::UnexpectedEof;
    }
    let mut reason = error.source();
    while let Some(error) = reason {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind == Some(io::ErrorKind::UnexpectedEof) {
            return true;
        }
        reason = error.source();
    }
    false
}

fn wrong_kind(path: &Path, bytes: &[u8]) -> Error {
    let found = sniff::describe(bytes);
    let hint = match found.ends_with(" image") {
        true => "open it in a viewer, and save it as PNG or JPEG",
        false => "check the path, or convert the picture to PNG or JPEG",
    };
    Error::Kind { path: path.into(), expected: kind::EXPECTED, found, hint }
}

fn too_large(path: &Path, expected: String, found: String) -> Error {
    Error::Layout { path: path.into(), expected, found, hint: "make the picture smaller" }
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
