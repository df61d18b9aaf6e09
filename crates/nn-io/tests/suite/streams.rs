use std::io::{self, Read, Write};

use nn_io::{Checkpoint, Error, ErrorKind};

use crate::fixture;

/// A reader that gives one or two bytes at a time, like a slow connection, and counts them.
struct Slow<'a> {
    bytes: &'a [u8],
    taken: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = buffer.len().min(2);
        let n = self.bytes.read(&mut buffer[..n])?;
        self.taken += n;
        Ok(n)
    }
}

/// A writer that takes `room` bytes and then fails. Its flush fails if `flushes` is false.
struct Full {
    room: usize,
    flushes: bool,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.room);
        self.room -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.flushes { Ok(()) } else { Err(io::Error::other("disconnected")) }
    }
}

/// A reader that fails at once.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("disconnected"))
    }
}

#[test]
fn what_is_written_is_read() {
    let checkpoint = fixture::checkpoint();
    let mut bytes = Vec::new();
    checkpoint.view().write(&mut bytes).unwrap();
    assert_eq!(bytes, checkpoint.view().to_bytes().unwrap());
    assert_eq!(Checkpoint::read(Slow { bytes: &bytes, taken: 0 }).unwrap(), checkpoint);
}

/// Whatever is wrong with the bytes, the error is the same as for a file with these bytes.
#[test]
fn readers_are_checked_as_files_are() {
    let bytes = fixture::checkpoint().view().to_bytes().unwrap();
    let mut wrong: Vec<Vec<u8>> = (0..bytes.len()).map(|n| bytes[..n].to_vec()).collect();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        wrong.push(changed);
    }
    wrong.push([&bytes[..], &[0]].concat());
    for bytes in wrong {
        let expected = Checkpoint::from_bytes(&bytes).unwrap_err();
        let found = Checkpoint::read(&bytes[..]).unwrap_err();
        assert_eq!(found.to_string(), expected.to_string(), "{} bytes", bytes.len());
    }
}

/// Bytes that are not a model, or that follow a model, take no memory and no time.
#[test]
fn no_more_is_read_than_the_header_says() {
    let model = fixture::checkpoint().view().to_bytes().unwrap();
    let endless = [&model[..], &[0; 10_000]].concat();
    for (bytes, expected) in [(&vec![b'x'; 10_000], 64), (&endless, model.len() + 1)] {
        let mut reader = Slow { bytes, taken: 0 };
        let error = Checkpoint::read(&mut reader).unwrap_err();
        assert_eq!((reader.taken, error.kind()), (expected, ErrorKind::BadModel), "{error}");
    }
}

#[test]
fn failing_readers_and_writers() {
    let error = Checkpoint::read(Broken).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the model: disconnected");
    let checkpoint = fixture::checkpoint();
    let len = checkpoint.view().to_bytes().unwrap().len();
    for full in [Full { room: len - 1, flushes: true }, Full { room: len, flushes: false }] {
        let error = checkpoint.view().write(full).unwrap_err();
        assert!(matches!(error, Error::Write(_)), "{error}");
        assert_eq!(error.kind(), ErrorKind::Io);
    }
    assert!(checkpoint.view().write(Full { room: len, flushes: true }).is_ok());

    // Of an invalid checkpoint, nothing is written.
    let mut bad = fixture::checkpoint();
    bad.model.params_mut()[0] = f32::NAN;
    let mut bytes = Vec::new();
    assert!(bad.view().write(&mut bytes).is_err());
    assert_eq!(bytes, []);
}
