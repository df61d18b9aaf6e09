//! Pictures that are cut short or have a flipped bit, and pictures that are or claim to be large.

use std::fs;
use std::io::Write as _;

use flate2::{Compression, Crc, write::ZlibEncoder};
use tally::{Failure, Tally, size};

use super::*;
use crate::child::{self, Measured};
use crate::fixture::{flipped, right, sample};

/// Counted in row A10, together with files that are not models.
const FAULT: &str = "pictures that are damaged";

/// Small pictures of both kinds.
fn tiny() -> [Vec<u8>; 2] {
    let grey = GrayImage::from_fn(6, 5, |x, y| Luma([(x * 40 + y * 9) as u8]));
    [png(grey.clone()), encode(grey, ImageFormat::Jpeg)]
}

/// A picture may be damaged where it does not matter. It must give an image of the right size, or an error.
fn ends_well(bytes: &[u8]) -> Result<(), Failure> {
    match decode(bytes, 28, 28) {
        Ok(image) => right(image.len() == 784, image.len()),
        Err(error) => right(error.to_string().starts_with("<memory>: "), error.to_string()),
    }
}

#[test]
fn no_prefix_panics() {
    let mut tally = Tally::new("A10", FAULT);
    for picture in tiny().into_iter().chain([png(garment()), encode(garment(), ImageFormat::Jpeg)])
    {
        for end in sample(0..picture.len(), size(300, usize::MAX)) {
            tally.case(|| ends_well(&picture[..end]));
        }
    }
    tally.finish();
}

#[test]
fn no_flipped_bit_panics() {
    let mut tally = Tally::new("A10", FAULT);
    for picture in tiny() {
        for bit in sample(0..picture.len() * 8, size(500, usize::MAX)) {
            tally.case(|| ends_well(&flipped(&picture, bit)));
        }
    }
    tally.finish();
}

/// The 1 x 1 PNG with one more chunk before its end.
fn with_chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = png(GrayImage::new(1, 1));
    // After the header, which is 8 + 25 bytes.
    let rest = bytes.split_off(33);
    bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    let body = [kind.as_slice(), content].concat();
    let mut crc = Crc::new();
    crc.update(&body);
    bytes.extend(&body);
    bytes.extend(crc.sum().to_be_bytes());
    [bytes, rest].concat()
}

/// 64 MiB of zeros, deflated.
fn deflated_zeros() -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&vec![0; 64 << 20]).unwrap();
    encoder.finish().unwrap()
}

/// A JPEG whose header claims a picture of this size.
fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let [_, mut bytes] = tiny();
    // The start of the frame: its marker, its length, 8 bits, then height and width.
    let frame = bytes.windows(5).position(|five| five == [0xff, 0xc0, 0, 11, 8]).unwrap();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// A PNG whose header claims a picture of this size and colour type, although there is only one pixel.
fn header_only(width: u32, height: u32, colour_type: u8) -> Vec<u8> {
    let mut bytes = png(GrayImage::new(1, 1));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    with_colour_type(bytes, colour_type)
}

/// A PNG whose header claims this colour type.
fn with_colour_type(mut bytes: Vec<u8>, colour_type: u8) -> Vec<u8> {
    bytes[25] = colour_type;
    let mut crc = Crc::new();
    crc.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    bytes
}

/// Fuzzing found that the decoder panics at a palette whose last colour is cut short.
#[test]
fn palettes_are_whole_or_refused() {
    let mut tally = Tally::new("A10", "palettes of every length");
    for len in 0..=size(40, 768) {
        let bytes = with_colour_type(with_chunk(b"PLTE", &vec![200; len]), 3);
        tally.case(|| {
            ends_well(&bytes)?;
            let message = decode(&bytes, 28, 28).err().map(|error| error.to_string());
            match (len % 3, message) {
                (0, None) => Ok(()),
                (0, Some(message)) => right(len == 0, message),
                (_, message) => {
                    let words = format!("byte 33 (PLTE): expected 3 bytes a colour, found {len}");
                    right(message.as_ref().is_some_and(|it| it.contains(&words)), message)
                }
            }
        });
    }
    tally.finish();
}

#[test]
fn in_child() {
    child::measure(|path| Preparation::Garment.load(path, 28, 28));
}

#[test]
fn a_small_file_takes_little_memory() {
    const MEMORY: u64 = 16 << 20;
    let mut tally = Tally::new("A10", "pictures that would grow");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("picture");
    let measured = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Measured::of("picture::tests::damage::in_child", &path)
    };
    let side = "picture: expected at most 16384 pixels a side";
    let mut refuse = |bytes: &[u8], found: &str| {
        tally.case(|| measured(bytes)?.refused(&[side, found, "scale the picture down"], MEMORY));
    };
    refuse(&header_only(u32::MAX / 2, 1, 0), "and 8388608 bytes of metadata, found more");
    refuse(&header_only(1, 50_000, 0), "found 1x50000");
    refuse(&header_only(16_384, 16_384, 0), "and 67108864 in all, found 16384x16384");
    refuse(&header_only(16_384, 16_384, 6), "and 50331648 in all, found 16384x16384");
    refuse(&header_only(1, u32::MAX / 2, 2), "found 1x2147483647");
    // Grey pictures take as much time.
    refuse(&header_only(16_000, 8_000, 0), "and 67108864 in all, found 16000x8000");
    refuse(&jpeg_of(65_535, 65_535), "found 65535x65535");
    refuse(&jpeg_of(16_384, 16_384), "found 16384x16384");
    // A header within the limits is accepted, so the headers above are refused for their size.
    assert!(decode(&header_only(1, 1, 0), 28, 28).is_ok());

    // Metadata may be ignored, but must not be inflated.
    let zeros = deflated_zeros();
    let mut cheap = |kind: &[u8; 4], head: &[u8]| {
        let picture = with_chunk(kind, &[head, &zeros].concat());
        tally.case(|| measured(&picture)?.cheap(MEMORY));
    };
    cheap(b"iCCP", b"a\0\0");
    cheap(b"zTXt", b"a\0\0");
    cheap(b"iTXt", b"a\0\x01\0\0\0");
    cheap(b"IDAT", b"");
    tally.finish();
    // Pixels may take more memory than metadata.
    let large = ImageBuffer::from_pixel(4000, 1000, image::Rgb([9_u8, 9, 9]));
    assert!(decode(&png(large), 28, 28).is_ok());
}

/// A file may be as large as its uncompressed pixels. The file and the colours are kept no longer than needed.
#[test]
fn a_large_picture_takes_its_file_and_its_pixels() {
    let mut tally = Tally::new("D13", "pictures of 24 megapixels that do not compress");
    let colours = ImageBuffer::from_pixel(6000, 4000, image::Rgb([9_u8, 9, 9]));
    let bytes = fixture::turned_png(&colours);
    let (file, pixels) = (bytes.len() as u64, colours.as_raw().len() as u64);
    right(file > 64 << 20, file).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("picture");
    fs::write(&path, bytes).unwrap();
    let measured = || Measured::of("picture::tests::damage::in_child", &path);
    tally.case(|| measured()?.accepted(file + pixels + (8 << 20)));
    tally.finish();
}
