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

/// Small pictures of all kinds.
fn tiny() -> Vec<Vec<u8>> {
    let grey = GrayImage::from_fn(6, 5, |x, y| Luma([(x * 40 + y * 9) as u8]));
    let colours = DynamicImage::from(grey.clone()).into_rgba8();
    let kinds = kinds::every_kind(&colours).into_iter().map(|(_, bytes)| bytes);
    [png(grey.clone()), tiny_jpeg()].into_iter().chain(kinds).collect()
}

fn tiny_jpeg() -> Vec<u8> {
    encode(GrayImage::from_fn(6, 5, |x, y| Luma([(x * 40 + y * 9) as u8])), ImageFormat::Jpeg)
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

/// A file that lacks pixels is refused. What follows the pixels may be missing.
#[test]
fn cut_files_are_refused() {
    let mut tally = Tally::new("A10", "pictures of every kind that are cut short");
    let picture = DynamicImage::from(ImageBuffer::from_fn(40, 30, |x, y| {
        Rgb([(x * 6) as u8, (y * 8) as u8, (x * y % 251) as u8])
    }));
    for (kind, bytes) in kinds::every_kind(&picture.into_rgba8()) {
        let pixels_end = match kind {
            "JPEG" => bytes.len(),
            // The last byte may only make the length even.
            "WebP" | "opaque WebP" => bytes.len() - 1,
            // The mask of an icon, the end of a TGA, and the last part of a TIFF, which is its header.
            _ => bytes.len() * 9 / 10,
        };
        for end in sample(0..pixels_end, size(60, usize::MAX)) {
            tally.case(|| match decode(&bytes[..end], 28, 28) {
                Ok(_) => Err(Failure::torn(format!("{kind} of {} bytes at {end}", bytes.len()))),
                Err(error) => right(error.to_string().starts_with("<memory>: "), error),
            });
        }
    }
    tally.finish();
}

/// A grey TIFF of two floating-point numbers, as image processing saves them.
fn float_tiff() -> Vec<u8> {
    // Tags: width, height, bits, compression, black is zero, offset, channels, rows, bytes, floats.
    let tags = [256_u16, 257, 258, 259, 262, 273, 277, 278, 279, 339];
    let values = [2_u32, 1, 32, 1, 1, 134, 1, 1, 8, 3];
    let mut tiff = b"II*\0\x08\0\0\0\x0a\0".to_vec();
    for (tag, value) in tags.into_iter().zip(values) {
        tiff.extend([tag.to_le_bytes(), 4_u16.to_le_bytes()].concat());
        tiff.extend([1, value].map(u32::to_le_bytes).concat());
    }
    tiff.extend([0; 4]);
    tiff.extend([0.5_f32, 1.0].map(f32::to_le_bytes).concat());
    tiff
}

/// Whatever the decoder says, the message has its reason in plain words.
#[test]
fn reasons_are_plain() {
    let mut tally = Tally::new("A10", "reasons why pictures cannot be read");
    let picture = DynamicImage::from(letter(Rgb([0_u8, 0, 0]), Rgb([230, 230, 228]))).into_rgba8();
    let hint = "; check the file in a viewer, or save it again as PNG or JPEG";
    let mut check = |bytes: &[u8], reason: &str| {
        let message = decode(bytes, 28, 28).err().map(|error| error.to_string());
        let expected = format!("<memory>: {reason}{hint}");
        tally.case(|| right(message.as_ref() == Some(&expected), message));
    };
    for (kind, bytes) in kinds::every_kind(&picture) {
        if ["PNG", "BMP", "TIFF", "PNM", "TGA"].contains(&kind) {
            check(&bytes[..bytes.len() / 2], "the file is cut short");
        }
    }
    let mut damaged = png(garment());
    damaged[20] ^= 1;
    check(&damaged, "the PNG is damaged");
    check(&float_tiff(), "a kind of TIFF that is not supported");
    tally.finish();
}

/// The fuller a JPEG, the more markers: restarts, scans, previews with an end of their own, and what follows the end.
#[test]
fn jpegs_end_where_their_pictures_do() {
    let mut tally = Tally::new("A10", "JPEGs that are cut short, or continue after their end");
    let whole = encode(letter(Rgb([0_u8, 0, 0]), Rgb([230, 230, 228])), ImageFormat::Jpeg);
    // A segment with a whole JPEG, as cameras store previews.
    let preview = tiny_jpeg();
    let len = u16::try_from(preview.len() + 2).unwrap().to_be_bytes();
    let head = [&[0xff, 0xd8, 0xff, 0xe5][..], &len, &preview].concat();
    let with_preview = [&head[..], &whole[2..]].concat();
    for bytes in [&whole, &with_preview] {
        check_letter(bytes);
        check_letter(&[bytes, &b"\xff\xd8 a film"[..]].concat());
        for end in sample(0..bytes.len(), size(100, usize::MAX)) {
            tally.case(|| {
                let cut = decode(&bytes[..end], 28, 28).err().map(|error| error.to_string());
                let is_named = cut.as_ref().is_some_and(|cut| {
                    end < 3 || cut.contains("the file is cut short; check the file in a viewer")
                });
                right(is_named, cut)
            });
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
    let mut bytes = tiny_jpeg();
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

/// An icon of one PNG.
fn icon(png: &[u8]) -> Vec<u8> {
    let mut icon = vec![0, 0, 1, 0, 1, 0, 9, 9, 0, 0, 1, 0, 32, 0];
    icon.extend([png.len() as u32, 22].into_iter().flat_map(u32::to_le_bytes));
    [&icon, png].concat()
}

/// A WebP file of these chunks.
fn riff(chunks: &[u8]) -> Vec<u8> {
    let len = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [&b"RIFF"[..], &len, b"WEBP", chunks].concat()
}

/// The decoder would panic at a transparent frame with more pixels than it says, and allocate a lossy one of any size.
#[test]
fn the_sizes_of_a_webp_agree_or_it_is_refused() {
    let mut tally = Tally::new("A10", "frames of another size than their WebP");
    let canvas = b"VP8X\x0a\0\0\0\0\0\0\0\x07\0\0\x07\0\0";
    let frame = b"ANMF\x32\0\0\0\0\0\0\0\0\0\x07\0\0\x07\0\0\0\0\0\0ALPH\x02\0\0\0\0\0";
    let lossy = b"VP8 \x10\0\0\0\x10\0\0\x9d\x01\x2a\xff\x3f\x09\0\0\0\0\0\0\0";
    for chunks in [[&canvas[..], lossy].concat(), [&canvas[..], frame, lossy].concat()] {
        tally.case(|| {
            let message = decode(&riff(&chunks), 28, 28).err().map(|error| error.to_string());
            let words = "expected a frame of 8x8, found 16383x9; check the file";
            right(message.as_ref().is_some_and(|it| it.contains(words)), message)
        });
    }
    tally.finish();
}

/// Headers of the other kinds, each with the size that it claims.
fn huge_headers() -> Vec<(&'static str, Vec<u8>)> {
    let with = |format, changes: &[(usize, &[u8])]| {
        let mut bytes = encode(ImageBuffer::from_pixel(2, 2, Rgba([9_u8; 4])), format);
        for (at, new) in changes {
            bytes[*at..at + new.len()].copy_from_slice(new);
        }
        bytes
    };
    vec![
        ("65535x65535", with(ImageFormat::Gif, &[(6, &[0xff; 4])])),
        ("16384x16384", with(ImageFormat::Bmp, &[(18, &[0, 0x40, 0, 0, 0, 0x40, 0, 0])])),
        ("65535x65535", with(ImageFormat::Tga, &[(12, &[0xff; 4])])),
        ("20000x20000", with(ImageFormat::Qoi, &[(4, &[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20])])),
        // Both sides less 1, of 14 bits each.
        ("16383x16383", riff(b"VP8L\x06\0\0\0\x2f\xfe\xbf\xff\x0f\0")),
        ("16777216x1", riff(b"VP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\0\0\0VP8L\0\0\0\0")),
        // An animation, which may have half as many pixels.
        (
            "7000x6000",
            riff(
                &[
                    &b"VP8X\x0a\0\0\0\x02\0\0\0\x57\x1b\0\x6f\x17\0ANIM\x06\0\0\0\0\0\0\0\0\0"[..],
                    b"ANMF\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0VP8L\0\0\0\0",
                ]
                .concat(),
            ),
        ),
        ("9000x9000", b"P6 9000 9000 255\n".to_vec()),
        ("9000x9000", b"P5 9000 9000 65535\n".to_vec()),
        ("90000x1", b"P1 90000 1\n1 0".to_vec()),
        (
            "9000x9000",
            b"P7\nWIDTH 9000\nHEIGHT 9000\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
                .to_vec(),
        ),
        ("16384x16384", icon(&header_only(16_384, 16_384, 6))),
        ("50000x1", huge_tiff()),
    ]
}

/// A TIFF of 2 x 2 pixels whose first entry, the width, says 50,000.
fn huge_tiff() -> Vec<u8> {
    let mut bytes = encode(ImageBuffer::from_pixel(2, 1, Rgb([9_u8; 3])), ImageFormat::Tiff);
    let entries = u32::from_le_bytes(*bytes[4..].first_chunk().unwrap()) as usize + 2;
    // Tag 256; its type is a number of 16 or of 32 bits.
    assert_eq!(bytes[entries..entries + 2], [0, 1]);
    bytes[entries + 8..entries + 10].copy_from_slice(&50_000_u16.to_le_bytes());
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
        tally.case(|| measured(bytes)?.refused(&[side, found, "make the picture smaller"], MEMORY));
    };
    refuse(&header_only(u32::MAX / 2, 1, 0), "and 8388608 bytes of metadata, found more");
    refuse(&header_only(1, 50_000, 0), "found 1x50000");
    refuse(&header_only(16_384, 16_384, 0), "and 67108864 in all, found 16384x16384");
    refuse(&header_only(16_384, 16_384, 6), "and 50331648 in all, found 16384x16384");
    refuse(&header_only(1, u32::MAX / 2, 2), "found 1x2147483647");
    // Grey pictures take as much time.
    refuse(&header_only(16_000, 8_000, 0), "and 67108864 in all, found 16000x8000");
    refuse(&jpeg_of(65_535, 65_535), "found 65535x65535");
    refuse(&jpeg_of(16_384, 16_384), "found 16384x16384 (268435456 in all)");
    for (kind, bytes) in huge_headers() {
        refuse(&bytes, &format!("found {kind}"));
    }
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
    tally.case(|| {
        let picture = icon(&with_chunk(b"iCCP", &[b"a\0\0", &zeros[..]].concat()));
        measured(&picture)?.cheap(MEMORY)
    });
    // These claim metadata of 4 GB, at once or within a frame.
    let canvas = b"VP8X\x0a\0\0\0\x0a\0\0\0\0\0\0\0\0\0ANIM\x06\0\0\0\0\0\0\0\0\0";
    let exif = b"EXIF\xfe\xff\xff\xff";
    let frame = b"ANMF\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for chunks in [[&canvas[..], exif].concat(), [&canvas[..], frame, exif].concat()] {
        tally.case(|| measured(&riff(&chunks))?.refused(&["the file is cut short"], MEMORY));
    }
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

/// Decoders that hold pixels twice read pictures over half of the limit too.
#[test]
fn large_pictures_of_other_kinds_are_read() {
    let mut tally = Tally::new("D13", "large pictures of other kinds");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("picture");
    let mut accept = |bytes: &[u8], memory: u64| {
        fs::write(&path, bytes).unwrap();
        let measured = || Measured::of("picture::tests::damage::in_child", &path);
        tally.case(|| measured()?.accepted(memory << 20));
    };
    let colours = ImageBuffer::from_pixel(6000, 6000, Rgb([9_u8, 9, 9]));
    accept(&encode(colours, ImageFormat::Tiff), 3 * 103 + 8);
    // The first frame is smaller than the picture.
    let mut gif = encode(ImageBuffer::from_pixel(3500, 3500, Rgba([9_u8; 4])), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0x70, 0x17, 0x64, 0x19]);
    accept(&gif, 149 + 47 + 16);
    tally.finish();
}
