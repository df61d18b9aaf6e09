//! Recognises the kinds of picture files by their contents, never by their names.

use std::ops::Range;

use image::ImageFormat;

/// What a file must be.
pub(super) const EXPECTED: &str =
    "a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, ICO, TGA or QOI)";

/// The kind of a picture file; `None` if it is not one that is read.
pub(super) fn of(bytes: &[u8]) -> Option<ImageFormat> {
    use ImageFormat::{Bmp, Gif, Ico, Jpeg, Png, Pnm, Qoi, Tga, Tiff, WebP};
    match image::guess_format(bytes) {
        Ok(format @ (Png | Jpeg | WebP | Gif | Tiff | Ico | Qoi)) => Some(format),
        // These begin with two letters, as a text may.
        Ok(Bmp) => is_bmp(bytes).then_some(Bmp),
        Ok(Pnm) => is_pnm(bytes).then_some(Pnm),
        _ => is_tga(bytes).then_some(Tga),
    }
}

/// The name of a kind, for messages.
pub(super) fn name(format: ImageFormat) -> &'static str {
    match format {
        ImageFormat::Png => "PNG",
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        ImageFormat::Pnm => "PNM",
        ImageFormat::Ico => "ICO",
        ImageFormat::Tga => "TGA",
        ImageFormat::Qoi => "QOI",
        _ => "picture",
    }
}

/// Whether the second header of a BMP begins with its own length, at byte 14. Every version has one below 256.
fn is_bmp(bytes: &[u8]) -> bool {
    matches!(bytes.get(14..18), Some([12..=255, 0, 0, 0]))
}

/// Whether a number or a comment follows the two letters. A PAM has words on lines of their own.
fn is_pnm(bytes: &[u8]) -> bool {
    match bytes {
        [b'P', b'7', b'\n', ..] => true,
        [b'P', b'1'..=b'6', space, ..] if space.is_ascii_whitespace() => {
            let next = bytes.iter().skip(2).find(|byte| !byte.is_ascii_whitespace());
            next.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'#')
        }
        [b'P', b'1'..=b'6', b'#', ..] => true,
        _ => false,
    }
}

/// Whether this is a TGA. Only version 2 is marked, at its end. Older files are recognised by a header without any
/// contradiction: it has fixed bytes enough that texts and random bytes do not pass.
fn is_tga(bytes: &[u8]) -> bool {
    if bytes.ends_with(b"TRUEVISION-XFILE.\0") {
        return matches!(bytes.get(2), Some(1..=3 | 9..=11));
    }
    let Some(&[_, map, kind, c0, c1, c2, c3, c4, _, _, _, _, w0, w1, h0, h1, depth, flags]) =
        bytes.first_chunk::<18>()
    else {
        return false;
    };
    let colours = [c0, c1, c2, c3, c4];
    let fits = match (map, kind) {
        // Colours from a map, which is not empty.
        (1, 1 | 9) => {
            matches!(depth, 8 | 16) && [c2, c3] != [0, 0] && matches!(c4, 15 | 16 | 24 | 32)
        }
        (0, 2 | 10) => matches!(depth, 15 | 16 | 24 | 32) && colours == [0; 5],
        (0, 3 | 11) => matches!(depth, 8 | 16) && colours == [0; 5],
        _ => false,
    };
    // The lowest four flags count the bits of opacity; the highest two are not in use.
    let has_plain_flags = flags & 0xc0 == 0 && matches!(flags & 0x0f, 0 | 1 | 8);
    fits && has_plain_flags && [w0, w1] != [0, 0] && [h0, h1] != [0, 0]
}

/// Where the largest PNG in an icon is, if it has one.
///
/// The decoder of icons would read such a PNG too, but without a limit on its metadata, and only with transparency.
pub(super) fn png_in_icon(bytes: &[u8]) -> Option<Range<usize>> {
    let (head, entries) = bytes.split_first_chunk::<6>()?;
    let count = usize::from(u16::from_le_bytes([head[4], head[5]]));
    let (entries, _) = entries.as_chunks::<16>();
    let pngs = entries.iter().take(count).filter_map(|entry| {
        let [width, height, _, _, _, _, _, _, l0, l1, l2, l3, o0, o1, o2, o3] = *entry;
        let [len, start] = [[l0, l1, l2, l3], [o0, o1, o2, o3]]
            .map(|number| usize::try_from(u32::from_le_bytes(number)).unwrap_or(usize::MAX));
        let end = start.saturating_add(len).min(bytes.len());
        let is_png = bytes.get(start..end)?.starts_with(b"\x89PNG\r\n\x1a\n");
        // 0 is 256.
        let side = |side: u8| u32::from(side.wrapping_sub(1));
        is_png.then_some((side(width).saturating_add(side(height)), start..end))
    });
    pngs.max_by_key(|(sides, _)| *sides).map(|(_, range)| range)
}
