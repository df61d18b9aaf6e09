//! The bytes of a table: those of a file or in memory, inflated if they are gzip.
//!
//! Gzip is detected from the first bytes, not from the name. Several members are read one after another, as `gzip -d` does.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, digest, sniff};

/// The size of a buffer, and of the head that shows the separator.
const BUFFER: usize = 1 << 16;

/// Where the bytes of a table are. They can be read again from the beginning.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    File(&'a Path),
    Memory(&'a [u8]),
}

impl<'a> Source<'a> {
    /// The path for messages.
    pub(super) fn path(self) -> &'a Path {
        match self {
            Self::File(path) => path,
            Self::Memory(_) => Path::new("<memory>"),
        }
    }

    pub(super) fn open(self) -> Result<Input<'a>, Error> {
        let path = self.path();
        let bytes: Box<dyn Read + Send + 'a> = match self {
            Self::File(path) => Box::new(digest::open(path)?.0),
            Self::Memory(bytes) => Box::new(bytes),
        };
        let mut bytes = BufReader::with_capacity(BUFFER, bytes);
        let head = bytes.fill_buf().map_err(Error::io(path, "read"))?;
        let is_gzip = head.starts_with(b"\x1f\x8b");
        let content: Box<dyn Read + Send + 'a> =
            if is_gzip { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };
        let content = BufReader::with_capacity(BUFFER, content);
        Ok(Input { content, path, is_gzip, consumed: 0 })
    }

    /// The first bytes of the content. Fails if they are those of another kind of file.
    pub(super) fn head(self) -> Result<Vec<u8>, Error> {
        let mut input = self.open()?;
        let mut head = Vec::new();
        while head.len() < BUFFER {
            let more = input.fill()?;
            if more.is_empty() {
                break;
            }
            head.extend_from_slice(more);
            let n = more.len();
            input.consume(n);
        }
        check_kind(self.path(), &head)?;
        Ok(head)
    }
}

/// Fails if the content cannot be a table: commas and line ends in it would be taken for those of one.
fn check_kind(path: &Path, head: &[u8]) -> Result<(), Error> {
    let hint = match head {
        _ if sniff::is_utf_16(head) => "save it as UTF-8",
        [b'P', b'K', 3, 4, ..] => "unpack it, or save the spreadsheet as CSV",
        _ => return Ok(()),
    };
    let (expected, found) = ("a CSV table in UTF-8", sniff::describe(head));
    Err(Error::Kind { path: path.into(), expected, found, hint })
}

/// A table that is being read.
pub(super) struct Input<'a> {
    content: BufReader<Box<dyn Read + Send + 'a>>,
    path: &'a Path,
    is_gzip: bool,
    consumed: u64,
}

impl Input<'_> {
    /// The next bytes; none at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], Error> {
        let Self { content, path, is_gzip, consumed } = self;
        content.fill_buf().map_err(|source| {
            // Errors of the decoder itself have no error number of the operating system.
            if !*is_gzip || source.raw_os_error().is_some() {
                return Error::io(path, "read")(source);
            }
            let reason = match source.kind() {
                std::io::ErrorKind::UnexpectedEof => "the file is cut short".into(),
                _ => source.to_string(),
            };
            Error::Gzip { path: path.to_path_buf(), decoded: *consumed, reason }
        })
    }

    /// The bytes that are already in memory.
    pub(super) fn buffered(&self) -> &[u8] {
        self.content.buffer()
    }

    /// Goes `n` bytes on.
    pub(super) fn consume(&mut self, n: usize) {
        self.content.consume(n);
        self.consumed = self.consumed.saturating_add(n as u64);
    }
}
