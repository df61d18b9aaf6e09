//! The bytes of a member.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::broken_stream;
use crate::Error;

/// The content of a member, inflated.
pub(super) struct Stream<'a> {
    reader: Box<dyn Read + Send + 'a>,
    path: PathBuf,
}

impl<'a> Stream<'a> {
    pub(super) fn new(reader: Box<dyn Read + Send + 'a>, path: PathBuf) -> Self {
        Self { reader, path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads at most `limit` bytes in place of those in the vector, fewer only at the end.
    pub(super) fn fill(&mut self, limit: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.clear();
        let read = (&mut self.reader).take(limit).read_to_end(bytes);
        read.map(|_| ()).map_err(|source| broken_stream(&self.path, source))
    }
}
