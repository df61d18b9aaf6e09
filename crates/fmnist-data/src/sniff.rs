//! Describes a file by its first bytes, for error messages.
//!
//! The IDX reader, the download and the picture decoder share it, since they all meet the same wrong files: an error
//! page of a mirror, a git-lfs pointer, an archive that was never unpacked. The description never decides whether a
//! file is accepted.

use std::io::Read;
use std::path::Path;

use crate::{Error, digest};

/// How many bytes are enough to describe a file (tar has its magic number at byte 257).
pub(crate) const HEAD: usize = 512;

/// The first bytes of a file, at most [`HEAD`] of them.
pub(crate) fn head(path: &Path) -> Result<Vec<u8>, Error> {
    let (file, _) = digest::open(path)?;
    let mut head = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut head).map_err(Error::io(path, "read"))?;
    Ok(head)
}

const MAGIC: [(&[u8], &str); 20] = [
    (b"\x1f\x8b", "a gzip stream"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\0\0\x01\0", "an ICO image"),
    (b"qoif", "a QOI image"),
    (b"8BPS", "a Photoshop image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\xfd7zXZ\0", "an xz stream"),
    (b"BZh", "a bzip2 stream"),
    (b"\x28\xb5\x2f\xfd", "a zstd stream"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\xc7\x3d\x4dNNFM", "a saved model"),
    (b"version https://git-lfs", "a git-lfs pointer (the file itself was never fetched)"),
];

/// Whether a text begins with the byte order mark of UTF-16, which Excel and PowerShell write.
pub(crate) fn is_utf_16(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff")
}

/// Describes the file that starts with `head`, as a noun phrase. Only the first [`HEAD`] bytes count.
pub(crate) fn describe(head: &[u8]) -> String {
    let head = head.get(..HEAD).unwrap_or(head);
    if head.is_empty() {
        return "an empty file".into();
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).into();
    }
    match head {
        _ if is_utf_16(head) => return "a text file in UTF-16".into(),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            return "a WebP image".into();
        }
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', b'i', ..] => return "a HEIC image".into(),
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => {
            return "an AVIF image".into();
        }
        [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i', b'f', b'1', ..] => {
            return "a HEIF image".into();
        }
        [b'P', b'1'..=b'6', b'\t' | b'\n' | b'\r' | b' ', ..] => {
            return "a PNM image (PBM, PGM or PPM)".into();
        }
        // The letters alone may begin a text. A length below 256 follows in a bitmap.
        [b'B', b'M', rest @ ..] if rest.get(13..16) == Some(&[0; 3]) => {
            return "a BMP image".into();
        }
        [0, 0, 0x08 | 0x09 | 0x0b..=0x0e, 1..=8, ..] => return "an IDX file".into(),
        _ => {}
    }
    if head.get(257..262) == Some(b"ustar") {
        return "a tar archive".into();
    }
    let text = head.trim_ascii_start();
    let starts =
        |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    if starts(b"<!doctype html") || starts(b"<html") {
        "an HTML page (often a server's error message)".into()
    } else if starts(b"<?xml") || starts(b"<error") {
        "an XML document (often a storage server's error message)".into()
    } else if starts(b"<svg") {
        "an SVG drawing".into()
    } else if text.first().is_some_and(|&b| b == b'{' || b == b'[') {
        "a JSON document".into()
    } else if head.iter().all(|&b| b >= b' ' || b.is_ascii_whitespace()) {
        "a text file".into()
    } else {
        let bytes: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("unknown data that starts with {}", bytes.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[track_caller]
    fn check(head: &[u8], expected: &str) {
        let found = describe(head);
        assert!(found.contains(expected), "{head:?}: {found}");
    }

    #[test]
    fn names_what_people_put_in_place_of_a_dataset() {
        check(b"", "empty");
        check(b"\n<!DOCTYPE html><title>403", "HTML page");
        check(b"<HTML>", "HTML page");
        check(b"version https://git-lfs.github.com/spec/v1\n", "git-lfs pointer");
        check(b"PK\x03\x04\x14\0", "zip");
        check(b"\x89PNG\r\n\x1a\n\0\0", "PNG");
        check(b"\xff\xd8\xff\xe0", "JPEG");
        check(b"\x1f\x8b\x08", "gzip");
        check(b"\0\0\x08\x03\0\0\xea\x60", "IDX");
        check(b"II*\0\x08\0\0\0", "TIFF");
        check(b"MM\0*\0\0\0\x08", "TIFF");
        check(b"\0\0\x01\0\x01\0", "ICO");
        check(b"P6 2 2 255\n", "PPM");
        check(b"RIFF\0\0\0\0WEBPVP8 ", "WebP");
        check(b"<?xml version=\"1.0\"?><Error>", "XML");
        check(b"{\"error\": 404}", "JSON");
        check(b"404: Not Found", "text");
        check(b"\xff\xfel\0", "a text file in UTF-16");
        check(b"\xfe\xff\0l", "a text file in UTF-16");
        check(b"\x01\x02\x03", "unknown data that starts with 01 02 03");
        check(&[[0; 257].as_slice(), b"ustar"].concat(), "tar");
    }
}
