//! The bytes of a file: as they are, or inflated.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::sniff;

/// A file's content, inflated if it is gzip.
pub(super) enum Stream<R: BufRead> {
    Raw(R),
    /// The current member; `None` after the last.
    Gzip(Option<Box<GzDecoder<R>>>),
}

impl<R: BufRead> Stream<R> {
    pub(super) fn gzip(reader: R) -> Self {
        Self::Gzip(Some(Box::new(GzDecoder::new(reader))))
    }
}

impl<R: BufRead> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let member = match self {
            Self::Raw(reader) => return reader.read(buffer),
            Self::Gzip(member) => member,
        };
        // A member may be empty.
        while let Some(current) = member {
            let n = current.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            *member = match member.take() {
                Some(ended) => next(ended.into_inner())?,
                None => None,
            };
        }
        Ok(0)
    }
}

/// The member that begins here, or `None` at the end of the file.
fn next<R: BufRead>(mut reader: R) -> io::Result<Option<Box<GzDecoder<R>>>> {
    match reader.fill_buf()? {
        [] => Ok(None),
        // A reader of single bytes shows only the first one of the two.
        [0x1f] | [0x1f, 0x8b, ..] => Ok(Some(Box::new(GzDecoder::new(reader)))),
        other => {
            let found = sniff::describe(other);
            let expected = "expected the end of the file or another member after a member";
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("{expected}, found {found}")))
        }
    }
}
