//! Recognises a model by its first bytes, and names other kinds of files for error messages.
//!
//! The names are only for messages: no file is accepted or refused because of one.

/// The first bytes of a model: MessagePack's `ext 8` of 61 bytes and type 0x4D, and the magic.
pub(super) const PREFIX: [u8; 11] = *b"\xc7\x3d\x4dNNFM\r\n\x1a\n";

/// The first bytes of other kinds of files.
const MAGIC: [(&[u8], &str); 14] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a zip archive (a PyTorch, Keras or NumPy .npz file is one)"),
    (b"\x1f\x8b", "a gzip stream"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (a Keras .h5 file is one)"),
    (b"GGUF", "a GGUF model"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x7fELF", "an ELF program"),
    (b"%PDF-", "a PDF document"),
    (b"version https://git-lfs", "a git-lfs pointer (the file itself was never fetched)"),
];

/// Describes a file that starts with `start` and is not a model, in a noun phrase.
pub(crate) fn describe(start: &[u8]) -> String {
    if start.is_empty() {
        return "an empty file".into();
    }
    if let Some((_, name)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return (*name).into();
    }
    if let Some(n) = start.windows(PREFIX.len()).position(|bytes| bytes == PREFIX) {
        return format!("a model file after {n} other bytes");
    }
    // The first bytes of a model after a transfer that converted line ends, dropped the high bit, or replaced bytes
    // that are not UTF-8.
    if start.windows(6).take(4).any(|bytes| bytes == b"=MNNFM") {
        return "a model file that was transferred as text (transfer it as binary)".into();
    }
    // safetensors: a 64-bit length and a JSON object.
    if start.get(8) == Some(&b'{') && start.get(5..8) == Some(&[0; 3]) {
        return "a safetensors file".into();
    }
    let text = start.trim_ascii_start();
    let is =
        |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    if is(b"<!doctype html") || is(b"<html") {
        "an HTML page (often a server's error message)".into()
    } else if text.first().is_some_and(|&b| b == b'{' || b == b'[') {
        "a JSON document".into()
    } else if start.iter().all(|&b| b == 0) {
        "zeros (the file was never written to its end)".into()
    } else if is_text(start) {
        "a text file".into()
    } else {
        let bytes: Vec<String> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
        format!("unknown data that starts with {}", bytes.join(" "))
    }
}

/// Whether this is UTF-8 without zeros. The last character may be cut short.
fn is_text(start: &[u8]) -> bool {
    let valid = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !start.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[track_caller]
    fn check(start: &[u8], expected: &str) {
        let found = describe(start);
        assert!(found.contains(expected), "{start:?}: {found}");
    }

    #[test]
    fn names_other_kinds_of_files() {
        check(b"", "empty");
        check(&[0; 300], "zeros");
        check(b"\x89PNG\r\n\x1a\n\0\0", "PNG");
        check(b"\xff\xd8\xff\xe0", "JPEG");
        check(b"PK\x03\x04\x14\0", "zip");
        check(b"\x1f\x8b\x08", "gzip");
        check(b"\x89HDF\r\n\x1a\n", "HDF5");
        check(b"GGUF\x03\0\0\0", "GGUF");
        check(b"\x93NUMPY\x01\0", "NumPy array");
        check(b"\x80\x04\x95\x10", "pickle");
        check(b"\x7fELF\x02", "ELF");
        check(b"%PDF-1.7", "PDF");
        check(b"version https://git-lfs.github.com/spec/v1\n", "git-lfs");
        check(b"\x40\x01\0\0\0\0\0\0{\"__metadata__\"", "safetensors");
        check(b"\n<!DOCTYPE html><title>403", "HTML");
        check(b"{\"error\": 404}", "JSON");
        check("Größe\n".as_bytes(), "text");
        check(b"\x01\x02\x03\0", "unknown data that starts with 01 02 03 00");
    }

    #[test]
    fn recognises_models_that_were_changed_by_accident() {
        check(b"\xc7=MNNFM\n\x1a\n\x01", "transferred as text");
        check(b"\xc7=MNNFM\r\r\n\x1a\r\n\x01", "transferred as text");
        check(b"G=MNNFM\r\n\x1a\n\x01", "transferred as text");
        check("\u{fffd}=MNNFM\r\n\x1a\n".as_bytes(), "transferred as text");
        check("\u{c7}=MNNFM\r\n\x1a\n".as_bytes(), "transferred as text");
        check(b"#!/bin/sh\n\xc7=MNNFM\r\n\x1a\n", "after 10 other bytes");
    }
}
