//! Reads and writes checkpoints through any reader and writer, such as a socket, an archive or a buffer. The rules are
//! those for files.
//!
//! This is separate from `disk`, whose saves are durable. Here the caller decides where the bytes end up.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use crate::decode;
use crate::wire::header::{self, Header};
use crate::{Checkpoint, CheckpointRef, Error};

impl Checkpoint {
    /// Reads a checkpoint from a reader, up to its end. [`Checkpoint::load`] is for files.
    ///
    /// ```
    /// use nn_io::{Checkpoint, CheckpointRef, ModelInfo, nn_core::Model};
    ///
    /// let (model, info) = (Model::classifier(&[2, 8, 3])?, ModelInfo::default());
    /// let mut bytes = Vec::new();
    /// CheckpointRef { model: &model, info: &info, training: None }.write(&mut bytes)?;
    /// assert_eq!(Checkpoint::read(&bytes[..])?.model, model);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the reader fails, or the bytes break a rule of the format, as in [`Checkpoint::from_bytes`]. If the header is
    /// refused, no more than the header is read. At most one byte more is read than the header says.
    pub fn read(mut reader: impl Read) -> Result<Self, Error> {
        let mut start = Vec::with_capacity(header::LEN);
        read(&mut reader, header::LEN as u64, &mut start)?;
        let header = Header::parse_start(&start)?;
        // The length of a reader is known only at its end. Until then, memory grows with the bytes that were read, not
        // with the length that the header claims.
        let most = header.file_len.saturating_sub(header::LEN as u64).saturating_add(1);
        let rest = Chunks::read(&mut reader, most)?;
        let header = Header::parse(&start, rest.len().saturating_add(header::LEN as u64))?;
        decode::read(header, rest)
    }
}

impl CheckpointRef<'_> {
    /// Writes this checkpoint to a writer, and flushes it. [`CheckpointRef::save`] is for files.
    ///
    /// # Errors
    ///
    /// If [`CheckpointRef::to_bytes`] fails; then nothing is written. Or if writing fails, perhaps after some bytes.
    pub fn write(&self, mut writer: impl Write) -> Result<(), Error> {
        let bytes = self.to_bytes()?;
        writer.write_all(&bytes).and_then(|()| writer.flush()).map_err(Error::Write)
    }
}

/// Reads at most `most` bytes.
fn read(reader: &mut dyn Read, most: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
    reader.take(most).read_to_end(bytes).map(drop).map_err(Error::Read)
}

/// Bytes in chunks, each of which is freed after it has been read.
struct Chunks(VecDeque<io::Cursor<Vec<u8>>>);

impl Chunks {
    /// The number of bytes of a chunk.
    const LEN: u64 = 1 << 20;

    /// Reads at most `most` bytes.
    fn read(reader: &mut dyn Read, most: u64) -> Result<Self, Error> {
        let mut chunks = VecDeque::new();
        let mut left = most;
        while left > 0 {
            let len = left.min(Self::LEN);
            let mut chunk = Vec::with_capacity(len as usize);
            read(reader, len, &mut chunk)?;
            let is_end = (chunk.len() as u64) < len;
            chunks.push_back(io::Cursor::new(chunk));
            if is_end {
                break;
            }
            left = left.saturating_sub(len);
        }
        Ok(Self(chunks))
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|chunk| chunk.get_ref().len() as u64).fold(0, u64::saturating_add)
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(chunk) = self.0.front_mut() {
            match chunk.read(buffer)? {
                0 => drop(self.0.pop_front()),
                n => return Ok(n),
            }
        }
        Ok(0)
    }
}
