//! Reads and replaces a model file on a disk, and rehearses a save.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::system::Disk;
use super::temporary::{Temporary, flush_names};
use crate::wire::header::{self, Header};
use crate::{Error, Version};

/// The number of bytes from the start that are enough to check a header or to name another kind of file.
const START: u64 = 512;

/// Opens a model file, and returns its header and a reader of the rest.
pub(crate) fn open_model(path: &Path) -> Result<(Header, impl Read), Error> {
    let (file, len) = open(path)?;
    let mut start = start(path, &file)?;
    let header = Header::parse(&start, len).map_err(Error::file(path))?;
    let rest = start.split_off(header::LEN);
    Ok((header, Cursor::new(rest).chain(file)))
}

/// Replaces the whole file, and returns once the new one is on the disk.
pub(crate) fn replace(disk: &impl Disk, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let target = follow_link(path)?;
    Temporary::write(disk, &target, Some(&target), bytes)?.rename(&target)?;
    flush_names(disk, &target)
}

/// Does everything that a save does, except for the rename, with this many copies at the same time. Does not follow
/// links.
pub(crate) fn rehearse(
    disk: &impl Disk,
    target: &Path,
    bytes: &[u8],
    copies: usize,
) -> Result<(), Error> {
    let written: Result<Vec<_>, Error> =
        (0..copies).map(|_| Temporary::write(disk, target, Some(target), bytes)).collect();
    match written {
        Err(Error::NoSpace { path, needed, source }) => {
            let needed = needed.saturating_mul(copies as u64);
            Err(Error::NoSpace { path, needed, source })
        }
        result => result.map(drop),
    }
}

/// The file that a symbolic link leads to; any other path unchanged.
pub(crate) fn follow_link(path: &Path) -> Result<PathBuf, Error> {
    if path.is_symlink() {
        fs::canonicalize(path).map_err(Error::io(path, "follow this link"))
    } else {
        Ok(path.to_path_buf())
    }
}

/// Fails if the path is a symbolic link.
pub(crate) fn refuse_link(path: &Path) -> Result<(), Error> {
    match path.is_symlink() {
        true => {
            let found = "expected a file, found a symbolic link, which is not followed here";
            Err(Error::io(path, "open")(io::Error::other(found)))
        }
        false => Ok(()),
    }
}

/// The version of a file's format.
pub(crate) fn version(path: &Path) -> Result<Version, Error> {
    open_model(path).map(|(header, _)| header.version)
}

/// Whether a file begins like a model file; `false` if it cannot be read.
pub fn is_model(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    open(path).and_then(|(file, _)| start(path, &file)).is_ok_and(|start| header::is_model(&start))
}

/// Opens a regular file, and returns it with its length.
///
/// Opening a named pipe would block, so the kind of the file is checked first. It is checked again after opening,
/// because another file may have taken the name in between.
pub(super) fn open(path: &Path) -> Result<(File, u64), Error> {
    let check = |metadata: fs::Metadata| match metadata.file_type() {
        kind if kind.is_file() => Ok(metadata.len()),
        kind if kind.is_dir() => {
            let found = "expected a file, found a directory; name a model in it";
            Err(io::Error::other(found))
        }
        _ => Err(io::Error::other("expected a file, found a device, pipe or socket")),
    };
    let opened = fs::metadata(path).and_then(check).and_then(|_| {
        let file = File::open(path)?;
        let len = file.metadata().and_then(check)?;
        Ok((file, len))
    });
    opened.map_err(Error::io(path, "open"))
}

/// Reads the first bytes.
pub(super) fn start(path: &Path, file: &File) -> Result<Vec<u8>, Error> {
    let mut start = Vec::with_capacity(header::LEN);
    file.take(START).read_to_end(&mut start).map_err(Error::io(path, "read"))?;
    Ok(start)
}

#[cfg(test)]
mod tests {
    use tally::{Failure, Tally, ensure};

    use super::*;
    use crate::disk::simulated::{Contents, Simulated};

    const PATH: &str = "/run/m.model";

    /// The contents of the n-th save, which takes three writes.
    fn contents(version: u64) -> Vec<u8> {
        (0..2000).map(|i| (i * version) as u8).collect()
    }

    fn save(disk: &Simulated, version: u64) -> Result<(), Error> {
        replace(disk, Path::new(PATH), &contents(version))?;
        disk.acknowledge(version);
        Ok(())
    }

    /// The version of the file; 0 if there is none.
    fn version(files: &Contents) -> Result<u64, Failure> {
        let Some(bytes) = files.get(Path::new(PATH)) else { return Ok(0) };
        let version = (1..=3).find(|&version| *bytes == contents(version));
        version.ok_or_else(|| Failure::torn(format!("a file of {} bytes", bytes.len())))
    }

    /// After a power cut during three saves, the file is a whole version, no older than the last acknowledged one.
    #[test]
    fn power_cuts() {
        let disk = Simulated::with_short_writes(700);
        (1..=3).for_each(|version| save(&disk, version).unwrap());
        let mut tally = Tally::new("B6", "a power cut among saves to one file");
        disk.after_power_cuts(|files, acknowledged| {
            tally.case(|| {
                let found = version(files)?;
                let lost = || Failure::lost(format!("{found} instead of {acknowledged}"));
                ensure(found >= acknowledged, lost)
            });
        });
        tally.finish();
    }

    const EINTR: i32 = 4;
    const EIO: i32 = 5;
    const EFBIG: i32 = 27;
    const ENOSPC: i32 = 28;
    const EDQUOT: i32 = 122;

    /// Each call of a save fails once with each error: the file stays a whole version, no other file is left over, a
    /// file whose sync failed is not used, and the next save works.
    #[test]
    #[cfg(target_os = "linux")]
    fn failing_calls() {
        let mut tally = Tally::new("B5", "each call of a save fails");
        for error in [EINTR, EIO, EFBIG, ENOSPC, EDQUOT] {
            for n in 1.. {
                let disk = Simulated::with_short_writes(700);
                save(&disk, 1).unwrap();
                disk.fail(n, error);
                let result = save(&disk, 2);
                if !disk.has_failed() {
                    break;
                }
                tally.case(|| {
                    let files = disk.contents();
                    let found = version(&files)?;
                    let lost =
                        || Failure::lost(format!("call {n}, error {error}: version {found}"));
                    ensure(found == 2 || found == 1 && result.is_err(), lost)?;
                    let litter = || Failure::wrong(format!("call {n}, error {error}: {files:?}"));
                    ensure(files.len() == 1, litter)?;
                    if let Err(refused) = &result
                        && [EFBIG, ENOSPC, EDQUOT].contains(&error)
                        && (2..=5).contains(&n)
                    {
                        let message = refused.to_string();
                        let says = message.contains("2000 more bytes") && message.contains(PATH);
                        ensure(says, || Failure::wrong(message))?;
                    }
                    let again = save(&disk, 3);
                    let next = version(&disk.contents())?;
                    let stuck = || Failure::lost(format!("call {n}: then {again:?}"));
                    ensure(again.is_ok() && next == 3, stuck)?;
                    let trusts = || Failure::torn(format!("call {n}: a failed sync was trusted"));
                    ensure(!disk.trusts_a_failed_sync(), trusts)
                });
            }
        }
        tally.finish();
    }

    /// A rehearsal does everything except the renaming.
    #[test]
    fn rehearsing() {
        let disk = Simulated::default();
        save(&disk, 1).unwrap();
        rehearse(&disk, Path::new(PATH), &contents(2), 3).unwrap();
        let files = disk.contents();
        assert_eq!((version(&files).unwrap(), files.len()), (1, 1));
        // The write of the second of three copies fails. The message gives the room for all three.
        disk.fail(6, ENOSPC);
        let error = rehearse(&disk, Path::new(PATH), &contents(2), 3).unwrap_err();
        assert!(error.to_string().contains("6000 more bytes are needed"), "{error}");
        assert_eq!(disk.contents().len(), 1);
    }
}
