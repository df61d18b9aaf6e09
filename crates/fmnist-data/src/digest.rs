//! SHA-256 of a stream while it is read, so that a file is read only once.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::Error;

/// Length and SHA-256 of a file, which identify a published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) bytes: u64,
    /// Lower-case hexadecimal.
    pub(crate) sha256: String,
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes with SHA-256 {}", self.bytes, self.sha256)
    }
}

/// A reader that hashes every byte that it passes on.
pub(crate) struct Digesting<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Digesting<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest { bytes: self.bytes, sha256: hex(&self.hasher.finalize()) }
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..n).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(n as u64);
        Ok(n)
    }
}

/// Opens a regular file and returns its length as well.
///
/// A named pipe or device with a dataset's name would block or never end, so it is an error.
pub(crate) fn open(path: &Path) -> Result<(File, u64), Error> {
    open_regular(path).map_err(Error::io(path, "open"))
}

/// As [`open`], for callers that add the path to the error themselves.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    // Checked before opening, since opening a pipe would block.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

/// Digests a whole file.
pub(crate) fn of_file(path: &Path) -> Result<Digest, Error> {
    let (file, _) = open(path)?;
    let mut file = Digesting::new(file);
    let mut buffer = vec![0; 1 << 16];
    while file.read(&mut buffer).map_err(Error::io(path, "read"))? > 0 {}
    Ok(file.finish())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
