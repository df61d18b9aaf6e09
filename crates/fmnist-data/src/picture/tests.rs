//! Pictures of every kind, and files that only look like one.

mod damage;
mod kinds;

use std::io::Cursor;

use image::{DynamicImage, ImageBuffer, ImageFormat, LumaA, Rgb, Rgba};

use super::*;
use crate::{fixture, garments};

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    encode(picture, ImageFormat::Png)
}

/// The image of the garment in a picture.
fn decode(bytes: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    Ok(Preparation::Garment.decode(bytes, width, height)?.pixels)
}

#[track_caller]
fn refuse(bytes: &[u8], expected: &str) {
    let message = decode(bytes, 28, 28).expect_err("accepted").to_string();
    assert!(message.contains(expected), "{message}");
}

/// A 28 x 28 garment with a black border.
fn garment() -> GrayImage {
    let images = garments::synthetic(0, 10, 0).train.images;
    let bordered =
        images.iter().map(|pixels| GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap());
    bordered.into_iter().find(|image| border_median(image) == 0).unwrap()
}

/// A T of `ink` on `paper`, wider than high, off the centre of a 120 x 90 picture.
fn letter<P: image::Pixel>(ink: P, paper: P) -> ImageBuffer<P, Vec<P::Subpixel>> {
    ImageBuffer::from_fn(120, 90, |x, y| {
        let bar = (20..100).contains(&x) && (10..30).contains(&y);
        let stem = (50..70).contains(&x) && (10..70).contains(&y);
        if bar || stem { ink } else { paper }
    })
}

/// Checks what any picture of the letter becomes: 28 wide, 21 high, with 3 black rows above.
#[track_caller]
fn check_letter(bytes: &[u8]) {
    let image = decode(bytes, 28, 28).unwrap();
    let at = |x: usize, y: usize| image[y * 28 + x];
    let near = |found: u8, expected: u8| assert!(found.abs_diff(expected) <= 12, "{image:?}");
    near(at(14, 1), 0);
    near(at(3, 6), 255);
    near(at(14, 6), 255);
    near(at(25, 6), 255);
    near(at(14, 20), 255);
    near(at(4, 18), 0);
    near(at(24, 18), 0);
    near(at(14, 27), 0);
}

#[test]
fn a_finished_image_passes_byte_for_byte() {
    let image = garment();
    assert_eq!(decode(&png(image.clone()), 28, 28).unwrap(), image.clone().into_raw());
    let with_alpha = DynamicImage::from(image.clone()).to_luma_alpha8();
    assert_eq!(decode(&png(with_alpha), 28, 28).unwrap(), image.clone().into_raw());
    let colour = DynamicImage::from(image.clone()).to_rgb8();
    assert_eq!(decode(&png(colour), 28, 28).unwrap(), image.clone().into_raw());
    let deep = DynamicImage::from(image.clone()).to_luma16();
    assert_eq!(decode(&png(deep), 28, 28).unwrap(), image.clone().into_raw());
    let mut negative = image.clone();
    imageops::invert(&mut negative);
    assert_eq!(decode(&png(negative), 28, 28).unwrap(), image.into_raw());
}

#[test]
fn a_photograph_is_trimmed_levelled_and_centred() {
    check_letter(&png(letter(Luma([255_u8]), Luma([0]))));
    check_letter(&png(letter(Luma([0_u8]), Luma([255]))));
    check_letter(&png(letter(Luma([u16::MAX]), Luma([2000]))));
    check_letter(&png(letter(Rgb([0_u8, 0, 0]), Rgb([230, 230, 228]))));
    check_letter(&encode(letter(Rgb([0_u8, 0, 0]), Rgb([230, 230, 228])), ImageFormat::Jpeg));
    check_letter(&png(letter(Rgb([255_u8, 255, 255]), Rgb([40, 40, 40]))));
}

#[test]
fn a_cut_out_is_seen_whatever_its_tone() {
    check_letter(&png(letter(Rgba([0_u8, 0, 0, 255]), Rgba([0, 0, 0, 0]))));
    check_letter(&png(letter(Rgba([255_u8, 255, 255, 255]), Rgba([255, 255, 255, 0]))));
    check_letter(&png(letter(LumaA([u16::MAX, u16::MAX]), LumaA([0, 0]))));
}

#[test]
fn odd_pictures_give_an_image_too() {
    let size_of = |bytes: &[u8]| decode(bytes, 28, 28).unwrap().len();
    assert_eq!(size_of(&png(GrayImage::new(1, 1))), 784);
    assert_eq!(size_of(&png(GrayImage::from_pixel(1, 1, Luma([255])))), 784);
    assert_eq!(size_of(&png(GrayImage::from_pixel(2000, 3, Luma([9])))), 784);
    assert_eq!(size_of(&png(GrayImage::from_fn(3, 900, |x, _| Luma([(x * 100) as u8])))), 784);
    assert_eq!(size_of(&png(ImageBuffer::from_pixel(5, 5, Rgba([0_u8; 4])))), 784);
    assert_eq!(decode(&png(garment()), 10, 20).unwrap().len(), 200);
}

#[test]
fn a_picture_is_turned_upright() {
    let lying = GrayImage::from_fn(3, 2, |x, y| Luma([(10 * x + y) as u8]));
    let upright = Preparation::Plain.decode(&fixture::turned_png(&lying), 2, 3).unwrap().pixels;
    assert_eq!(upright, [1, 0, 11, 10, 21, 20]);
}

#[test]
fn other_kinds_of_files_are_named() {
    refuse(b"", "expected a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, ICO, TGA or QOI)");
    refuse(b"", "found an empty file; check the path, or convert the picture to PNG or JPEG");
    let avif = b"\0\0\0\x1cftypavif\0\0\0\0";
    refuse(avif, "found an AVIF image; open it in a viewer, and save it as PNG or JPEG");
    refuse(b"\0\0\0\x18ftypheic\0\0\0\0", "found a HEIC image; open it in a viewer, and save");
    refuse(b"\0\0\0\x18ftypmif1\0\0\0\0", "found a HEIF image; open it in a viewer, and save");
    refuse(b"<svg></svg>", "found an SVG drawing");
    refuse(b"\0\0\x08\x03", "found an IDX file");
    refuse(b"%PDF-1.7", "found a PDF document");
    let whole = png(garment());
    refuse(&whole[..whole.len() / 2], "<memory>: ");
    refuse(b"\xff\xd8\xff\xe0 and no more", "<memory>: ");
}

#[test]
fn a_file_is_read_and_named_in_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("boot.png");
    let missing = Preparation::Garment.load(&path, 28, 28).unwrap_err().to_string();
    assert!(missing.contains("boot.png: cannot open"), "{missing}");
    let directory = Preparation::Garment.load(dir.path(), 28, 28).unwrap_err().to_string();
    let words = ": expected a picture, found a directory; name the pictures in it";
    assert!(directory.contains(words), "{directory}");
    std::fs::write(&path, png(garment())).unwrap();
    assert_eq!(Preparation::Garment.load(&path, 28, 28).unwrap().pixels, garment().into_raw());
    std::fs::write(&path, "text").unwrap();
    let wrong = Preparation::Garment.load(&path, 28, 28).unwrap_err().to_string();
    assert!(wrong.contains("boot.png: expected a picture ("), "{wrong}");
    assert!(wrong.contains("found a text file; check the path"), "{wrong}");
}
