//! Each kind of picture file, and files that only begin like one.

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::*;

/// All kinds, by a picture with few colours. Only JPEG changes it.
pub(super) fn every_kind(picture: &image::RgbaImage) -> Vec<(&'static str, Vec<u8>)> {
    use ImageFormat::{Bmp, Gif, Ico, Jpeg, Png, Pnm, Qoi, Tga, Tiff, WebP};
    let opaque = DynamicImage::from(picture.clone()).into_rgb8();
    let mut tga_2 = encode(opaque.clone(), Tga);
    tga_2.extend(b"\0\0\0\0\0\0\0\0TRUEVISION-XFILE.\0");
    vec![
        ("PNG", encode(picture.clone(), Png)),
        ("JPEG", encode(opaque.clone(), Jpeg)),
        ("WebP", encode(picture.clone(), WebP)),
        ("opaque WebP", encode(opaque.clone(), WebP)),
        ("GIF", encode(picture.clone(), Gif)),
        ("BMP", encode(opaque.clone(), Bmp)),
        ("transparent BMP", encode(picture.clone(), Bmp)),
        ("TIFF", encode(opaque.clone(), Tiff)),
        ("PNM", encode(opaque.clone(), Pnm)),
        ("ICO of PNG", encode(picture.clone(), Ico)),
        ("ICO of BMP", icon(picture)),
        ("TGA", encode(opaque.clone(), Tga)),
        ("transparent TGA", encode(picture.clone(), Tga)),
        ("TGA 2", tga_2),
        ("QOI", encode(picture.clone(), Qoi)),
    ]
}

/// An icon of an uncompressed bitmap, with a mask of what is transparent.
fn icon(picture: &image::RgbaImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    // Twice the height, for the mask.
    let mut bitmap: Vec<u8> =
        [40, width, 2 * height].into_iter().flat_map(u32::to_le_bytes).collect();
    bitmap.extend([1, 0, 32, 0]);
    bitmap.extend([0; 24]);
    for row in picture.rows().rev() {
        bitmap.extend(row.flat_map(|&Rgba([r, g, b, a])| [b, g, r, a]));
    }
    bitmap.extend(vec![0; (width.div_ceil(32) * 4 * height) as usize]);
    let mut icon = vec![0, 0, 1, 0, 1, 0, width as u8, height as u8, 0, 0, 1, 0, 32, 0];
    icon.extend([bitmap.len() as u32, 22].into_iter().flat_map(u32::to_le_bytes));
    [icon, bitmap].concat()
}

/// The text or the bytes of a PNM file.
fn pnm(head: &str, values: impl IntoIterator<Item = u8>, is_text: bool) -> Vec<u8> {
    let values = values.into_iter();
    match is_text {
        true => format!("{head}{}", values.map(|value| format!("{value} ")).collect::<String>())
            .into_bytes(),
        false => head.bytes().chain(values).collect(),
    }
}

#[test]
fn every_kind_gives_the_same_image() {
    let (ink, paper) = (Rgba([90_u8, 20, 10, 255]), Rgba([230, 230, 228, 255]));
    let picture = letter(ink, paper);
    let expected = decode(&png(picture.clone()), 28, 28).unwrap();
    for (kind, bytes) in every_kind(&picture) {
        let image = decode(&bytes, 28, 28).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let differences: u32 =
            image.iter().zip(&expected).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        // JPEG blurs edges.
        let most = if kind == "JPEG" { 10 * 784 } else { 0 };
        assert!(differences <= most, "{kind}: {image:?}");
        assert_eq!(
            Preparation::Plain.decode(&bytes, 28, 28).map(|seen| seen.pixels).unwrap().len(),
            784,
            "{kind}"
        );
    }
}

#[test]
fn a_cut_out_of_every_kind_keeps_its_transparency() {
    let picture = letter(Rgba([255_u8, 255, 255, 255]), Rgba([255, 255, 255, 0]));
    for (kind, bytes) in every_kind(&picture) {
        let is_opaque =
            ["JPEG", "opaque WebP", "BMP", "TIFF", "PNM", "TGA", "TGA 2"].contains(&kind);
        if !is_opaque {
            check_letter(&bytes);
        }
    }
}

#[test]
fn a_finished_image_of_every_pnm_passes_byte_for_byte() {
    let image = garment();
    let grey = || image.as_raw().iter().copied();
    let check = |head: &str, is_text| {
        assert_eq!(decode(&pnm(head, grey(), is_text), 28, 28).unwrap(), *image.as_raw(), "{head}");
    };
    check("P2\n28 28\n255\n", true);
    check("P2 # a comment\n28 28 255 ", true);
    check("P5\n28 28\n255\n", false);
    check("P5#\n28 28\n255\n", false);
    check("P7\nWIDTH 28\nHEIGHT 28\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n", false);
    // In a bitmap, 1 is black.
    let ink = GrayImage::from_fn(8, 2, |x, _| Luma([if x == 3 { 255 } else { 0 }]));
    let bits = ink.as_raw().iter().map(|value| u8::from(*value == 0));
    assert_eq!(decode(&pnm("P1\n8 2\n", bits, true), 8, 2).unwrap(), *ink.as_raw());
    assert_eq!(decode(b"P4\n8 2\n\xef\xef", 8, 2).unwrap(), *ink.as_raw());
}

#[test]
fn a_webp_is_turned_upright() {
    let lying = GrayImage::from_fn(3, 2, |x, y| Luma([(10 * x + y) as u8]));
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(lying.as_raw(), 3, 2, ExtendedColorType::L8).unwrap();
    assert_eq!(
        Preparation::Plain.decode(&bytes, 2, 3).map(|seen| seen.pixels).unwrap(),
        [1, 0, 11, 10, 21, 20]
    );
}

#[test]
fn the_largest_png_of_an_icon_is_read() {
    let [small, large] = [[6, 7], [9, 8]].map(|[width, height]| png(GrayImage::new(width, height)));
    let mut icon = vec![0, 0, 1, 0, 2, 0];
    for (side, at, bytes) in [(6, 38, &small), (9, 38 + small.len(), &large)] {
        icon.extend([side, side, 0, 0, 1, 0, 32, 0]);
        icon.extend([bytes.len() as u32, at as u32].into_iter().flat_map(u32::to_le_bytes));
    }
    let icon = [icon, small, large].concat();
    assert_eq!(Picture::open(icon, Path::new("a.ico")).unwrap().sides(), (9, 8));
}

/// Some kinds begin with letters or with bytes that many files begin with.
#[test]
fn files_that_only_begin_like_a_picture_are_none() {
    refuse(b"BMW, Audi and others", "found a text file; check the path");
    refuse(b"P5 is a planet", "check the path");
    refuse(b"P1\n\nNotes of Monday", "check the path");
    refuse(b"TRUEVISION-XFILE.", "found a text file; check the path");
    refuse(&[0; 1000], "found unknown data");
    refuse(&[[0; 900].as_slice(), b"TRUEVISION-XFILE.\0"].concat(), "found unknown data");
    let mut dice = tally::Dice::new(1);
    for _ in 0..10_000 {
        let bytes: Vec<u8> = (0..64).map(|_| dice.below(256) as u8).collect();
        assert!(decode(&bytes, 28, 28).is_err());
    }
}

#[test]
fn shrinking_averages_what_each_pixel_covers() {
    let picture = image::RgbaImage::from_fn(2048, 256, |x, y| {
        Rgba([(x * 7) as u8, (y * 5) as u8, (x * y) as u8, (x + y) as u8])
    });
    let picture = DynamicImage::from(picture);
    for picture in [
        picture.to_luma8().into(),
        picture.to_luma_alpha8().into(),
        picture.to_rgb8().into(),
        picture.to_rgb16().into(),
        picture,
    ] {
        let expected = picture.thumbnail(512, 512);
        assert_eq!(shrink::to_side(picture.clone(), 512), expected, "{:?}", picture.color());
        assert_eq!(shrink::to_side(picture.clone(), 2048), picture);
        // Sides that do not divide the others.
        assert_eq!(shrink::to_side(picture.clone(), 1023).to_rgb8().dimensions(), (1023, 128));
        assert_eq!(shrink::to_side(picture, 17).to_rgb8().dimensions(), (17, 2));
    }
}

#[test]
fn greys_are_those_of_the_image_crate() {
    let colours =
        image::RgbImage::from_fn(256, 256, |x, y| Rgb([x as u8, y as u8, (x * 37 + y * 91) as u8]));
    let expected = DynamicImage::from(colours.clone()).into_luma8();
    let found = Picture::open(png(colours), Path::new("a.png")).unwrap().grey().unwrap().image;
    assert_eq!(found, expected);
}
