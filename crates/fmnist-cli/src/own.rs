//! Recognises the pictures and pages that the program has written. It never replaces another program's file, so each of its own has a
//! mark.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use anyhow::Context as _;

use crate::{exit::Usage, outside::Outside};

/// A kind of file that the program writes, besides models.
#[derive(Clone, Copy)]
pub(crate) enum OwnFile {
    Png,
    Svg,
    Html,
}

/// The signature and the first chunk of a PNG file have this many bytes. The mark comes next.
const PNG_HEAD: usize = 33;

/// A PNG chunk with its length, type, text and CRC-32. The image crate writes no text, and this one is always the same.
const PNG_MARK: &[u8] = b"\0\0\0\x0ftEXtSoftware\0fmnist\xa1\x96\xef\xaf";

/// The second line of an SVG or HTML file. By the first one, other programs recognise the kind.
const LINE_MARK: &str = "<!-- written by fmnist -->";

/// More than the part of any file that has a mark.
const MAX_HEAD: u64 = 4096;

impl OwnFile {
    /// The file with its mark.
    fn marked(self, mut file: Vec<u8>) -> Vec<u8> {
        let (at, mark) = match self {
            Self::Png => (PNG_HEAD, PNG_MARK.to_vec()),
            Self::Svg | Self::Html => (end_of_line(&file), format!("{LINE_MARK}\n").into_bytes()),
        };
        file.splice(at..at, mark);
        file
    }

    /// Whether a file that begins like this has the mark.
    fn is_marked(self, head: &[u8]) -> bool {
        let starts = |at, mark: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(mark));
        match self {
            Self::Png => starts(PNG_HEAD, PNG_MARK),
            Self::Svg => starts(0, b"<svg") && starts(end_of_line(head), LINE_MARK.as_bytes()),
            Self::Html => {
                starts(0, b"<!doctype html>") && starts(end_of_line(head), LINE_MARK.as_bytes())
            }
        }
    }

    /// Fails if a file at `path` must not be replaced, because this program did not write it.
    pub(crate) fn check(self, path: &Path) -> anyhow::Result<()> {
        let name = Outside::from(path);
        let mut head = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_HEAD).read_to_end(&mut head));
        match read {
            Ok(_) if !self.is_marked(&head) => {
                let kind = match self {
                    Self::Png => "a PNG file of fmnist",
                    Self::Svg => "an SVG file of fmnist",
                    Self::Html => "a page of fmnist",
                };
                let message = "move it away, or choose another place";
                Err(Usage::error(format!("{name}: exists and is not {kind}; {message}")))
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{name}: cannot read"))
            }
            _ => Ok(()),
        }
    }

    /// Writes the file with its mark, unless it would replace another program's file.
    pub(crate) fn write(self, path: &Path, file: Vec<u8>) -> anyhow::Result<()> {
        self.check(path)?;
        let name = Outside::from(path);
        fs::write(path, self.marked(file)).with_context(|| format!("{name}: cannot write"))
    }
}

fn end_of_line(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_of_a_png_is_a_chunk() {
        let (body, crc) = PNG_MARK[4..].split_last_chunk::<4>().unwrap();
        assert_eq!(u32::from_be_bytes(*crc), crc32fast::hash(body));
        assert_eq!(PNG_MARK[..4], (body.len() as u32 - 4).to_be_bytes());
    }
}
