//! Checks picture files before they are decoded, where the decoders are too lenient: that they are whole, and that no
//! part of them would make a decoder panic or allocate more than the file holds.

/// Fails if a palette of a PNG file ends within a colour. The decoder, png 0.18.1, panics at such a palette.
pub(super) fn check_palettes(bytes: &[u8]) -> Result<(), String> {
    // After the signature. A chunk is its length, its type, its content and a checksum.
    let mut offset = 8_u64;
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((&[a, b, c, d, kind @ ..], _)) = rest.split_first_chunk::<8>() {
        let len = u32::from_be_bytes([a, b, c, d]);
        if kind == *b"PLTE" && !len.is_multiple_of(3) {
            return Err(format!(
                "byte {offset} (PLTE): expected 3 bytes a colour, found {len} bytes"
            ));
        }
        let chunk = u64::from(len).saturating_add(12);
        offset = offset.saturating_add(chunk);
        rest = usize::try_from(chunk).ok().and_then(|chunk| rest.get(chunk..)).unwrap_or_default();
    }
    Ok(())
}

/// Fails if a JPEG file ends before its picture does. The decoder, zune-jpeg 0.5.15, would fill what is missing with
/// grey; its strict mode refuses pictures that every viewer shows.
///
/// What follows the end of the picture does not count: phones store previews and films there.
pub(super) fn check_jpeg_end(bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == 0xff) {
        rest = rest.get(at..).unwrap_or_default();
        let skipped = match rest {
            [_, 0xd9, ..] => return Ok(()),
            // A byte of the compressed pixels, a filler, or a marker without content: before a restart, at the start.
            [_, 0x00 | 0x01 | 0xd0..=0xd8, ..] => 2,
            [_, 0xff, ..] => 1,
            [_, _, a, b, ..] => usize::from(u16::from_be_bytes([*a, *b])).saturating_add(2),
            _ => break,
        };
        rest = rest.get(skipped..).unwrap_or_default();
    }
    Err(CUT.into())
}

/// What matters of the chunks of a WebP file.
pub(super) struct WebP<'a> {
    /// Its length, without what may follow.
    pub(super) len: usize,
    pub(super) is_animated: bool,
    pub(super) exif: Option<&'a [u8]>,
}

/// The chunks of a WebP file. Fails if it ends within one, or if a frame has another size than it must have: the decoder,
/// image-webp 0.2.4, would believe any length of a chunk, and panic at some of these frames.
pub(super) fn webp(bytes: &[u8]) -> Result<WebP<'_>, String> {
    let len = bytes.get(4..).map_or(0, number::<4>).saturating_add(8);
    // The last chunk may lack the byte that makes its length even.
    if len > bytes.len().saturating_add(1) {
        return Err(CUT.into());
    }
    let len = len.min(bytes.len());
    let mut webp = WebP { len, is_animated: false, exif: None };
    let mut size = None;
    let mut rest = bytes.get(12..len).unwrap_or_default();
    while let Some((kind, content)) = next_chunk(&mut rest)? {
        match (&kind, content) {
            (b"VP8X", [_, _, _, _, sides @ ..]) => size = Some(sides_less_1(sides)),
            (b"VP8 ", _) => check_frame(content, size)?,
            (b"ANIM", _) => webp.is_animated = true,
            (b"ANMF", [_, _, _, _, _, _, sides @ ..]) => {
                webp.is_animated = true;
                let mut inner = content.get(16..).unwrap_or_default();
                while let Some((kind, content)) = next_chunk(&mut inner)? {
                    if kind == *b"VP8 " {
                        check_frame(content, Some(sides_less_1(sides)))?;
                    }
                }
            }
            (b"EXIF", _) => webp.exif = webp.exif.or(Some(content)),
            _ => {}
        }
    }
    Ok(webp)
}

pub(super) const CUT: &str = "the file is cut short";

/// The kind of a chunk, and its content.
type Chunk<'a> = ([u8; 4], &'a [u8]);

/// Takes the next chunk, if there is one.
fn next_chunk<'a>(rest: &mut &'a [u8]) -> Result<Option<Chunk<'a>>, String> {
    let Some((&[a, b, c, d, len @ ..], after)) = rest.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let len = number::<4>(&len);
    let content = after.get(..len).ok_or(CUT)?;
    *rest = len.checked_next_multiple_of(2).and_then(|len| after.get(len..)).unwrap_or_default();
    Ok(Some(([a, b, c, d], content)))
}

/// Fails if a lossy frame has another size than this one.
fn check_frame(frame: &[u8], size: Option<[usize; 2]>) -> Result<(), String> {
    let side = |at| frame.get(at..).map_or(0, number::<2>) & 0x3fff;
    let found = [side(6), side(8)];
    match size {
        Some(size) if size != found => {
            let [[width, height], [found_width, found_height]] = [size, found];
            let found = format_args!("{found_width}x{found_height}");
            Err(format!("expected a frame of {width}x{height}, found {found}"))
        }
        _ => Ok(()),
    }
}

/// Two sides, each stored as one less.
fn sides_less_1(bytes: &[u8]) -> [usize; 2] {
    [0, 3].map(|at| bytes.get(at..).map_or(0, number::<3>).saturating_add(1))
}

/// The number that begins here, with its lowest byte first; 0 if the bytes end before.
fn number<const N: usize>(bytes: &[u8]) -> usize {
    let bytes = bytes.first_chunk::<N>().into_iter().flatten();
    bytes.rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}
