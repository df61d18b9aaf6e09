//! Writes to stdout and stderr. A signal that asks the run to stop also ends the wait for a reader.

use std::io;
#[cfg(not(unix))]
use std::io::Write as _;
#[cfg(unix)]
use std::os::fd::AsFd;

#[cfg(not(unix))]
use anstream::stream::{AsLockedWrite, RawStream};
#[cfg(unix)]
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    pipe::PIPE_BUF,
};

use crate::signal::Stop;

/// How long to wait for a reader after a signal.
#[cfg(unix)]
const PATIENCE: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Writes all of `bytes`, and waits for the reader if it is slow.
///
/// Fails if the stream fails. If a signal asked to stop and nobody reads, the error is [`io::ErrorKind::Interrupted`],
/// with the signal.
#[cfg(unix)]
pub(crate) fn write(stream: impl AsFd, mut bytes: &[u8], stop: &Stop) -> io::Result<()> {
    while !bytes.is_empty() {
        wait_for_reader(&stream, stop)?;
        // A pipe that is ready takes this many bytes at once, so the call does not wait.
        let piece = &bytes[..bytes.len().min(PIPE_BUF)];
        match rustix::io::write(&stream, piece) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn wait_for_reader(stream: &impl AsFd, stop: &Stop) -> io::Result<()> {
    loop {
        let signal = stop.signal();
        match (poll(&mut [PollFd::new(stream, PollFlags::OUT)], Some(&PATIENCE)), signal) {
            (Ok(0), Some(signal)) => {
                return Err(io::Error::new(io::ErrorKind::Interrupted, signal));
            }
            (Ok(0) | Err(Errno::INTR), _) => {}
            (Ok(_), _) => return Ok(()),
            (Err(error), _) => return Err(error.into()),
        }
    }
}

/// Writes all of `bytes`. Translates styles for old consoles, which do not understand escape sequences.
#[cfg(not(unix))]
pub(crate) fn write(
    stream: impl RawStream + AsLockedWrite,
    bytes: &[u8],
    _: &Stop,
) -> io::Result<()> {
    let mut stream = anstream::AutoStream::auto(stream);
    stream.write_all(bytes)?;
    stream.flush()
}
