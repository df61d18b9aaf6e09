//! An array in a member of the archive.

use std::io::{BufReader, Read};
use std::path::PathBuf;

use flate2::bufread::DeflateDecoder;
use rawzip::{ReaderAt, ZipEntry};

use super::header;
use super::stream::Stream;
use crate::Error;
use crate::values::{Array, Header, UsePiece};

/// How many bytes of numbers are read at a time: a multiple of every number's size.
const PIECE: u64 = 1 << 16;

/// A member of which only the header has been read. No memory has been allocated for numbers.
pub(super) struct Member<'a> {
    header: Header,
    /// How many bytes the numbers take.
    len: u64,
    stream: Stream<'a>,
}

impl<'a> Member<'a> {
    /// Reads the header. Numbers that take more than `max_bytes` are an error.
    pub(super) fn open<R: ReaderAt + Sync>(
        data: ZipEntry<'a, R>,
        is_deflated: bool,
        path: PathBuf,
        max_bytes: u64,
    ) -> Result<Self, Error> {
        let reader = BufReader::with_capacity(1 << 16, data.reader());
        let reader: Box<dyn Read + Send + 'a> = match is_deflated {
            true => Box::new(data.verifying_reader(DeflateDecoder::new(reader))),
            false => Box::new(data.verifying_reader(reader)),
        };
        let mut stream = Stream::new(reader, path);
        let (header, len) = header::read(&mut stream, max_bytes)?;
        Ok(Self { header, len, stream })
    }
}

impl Array for Member<'_> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(self, use_piece: UsePiece<'_>) -> Result<(), Error> {
        let Self { len, mut stream, .. } = self;
        let mut left = len;
        let mut piece = Vec::new();
        while left > 0 {
            let wanted = left.min(PIECE);
            stream.fill(wanted, &mut piece)?;
            if (piece.len() as u64) < wanted {
                let found = len.saturating_sub(left).saturating_add(piece.len() as u64);
                return Err(wrong_length(&stream, len, &format!("the end after {found}")));
            }
            if use_piece(&piece)?.is_break() {
                return Ok(());
            }
            left = left.saturating_sub(wanted);
        }
        // The checksum is compared at the end.
        stream.fill(1, &mut piece)?;
        if piece.is_empty() { Ok(()) } else { Err(wrong_length(&stream, len, "more")) }
    }
}

fn wrong_length(stream: &Stream<'_>, expected: u64, found: &str) -> Error {
    let reason = format!("expected {expected} bytes of numbers, then the end, found {found}");
    Error::Npz { path: stream.path().into(), reason }
}
