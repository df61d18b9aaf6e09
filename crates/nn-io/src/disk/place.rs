//! A path that a run saves to repeatedly. A file that the run did not put there is set aside, not replaced.
//!
//! A file is recognised by its first bytes. The header has the checksum of the metadata, and the metadata have the
//! checksums of all tensors. So a file that begins like the last save is the last save. Inode numbers and times are
//! less reliable, since some file systems change them.

use std::path::{Path, PathBuf};

use super::system::Disk;
use super::temporary::{Temporary, flush_names};
use crate::Error;
use crate::wire::header;

/// Appended to the name of a file that is set aside.
const ASIDE: &str = ".skipped";

/// A file that was in the way of a save, and was renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its old path.
    pub from: PathBuf,
    /// Its new path, which ends in `.skipped` or `.skipped.N`.
    pub to: PathBuf,
}

/// A path, and the first bytes of the file that may be replaced there.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// `None` if no file may be replaced.
    own: Option<Vec<u8>>,
}

impl Place {
    /// A path whose current file, if there is one, may be replaced.
    pub(crate) fn own(disk: &impl Disk, path: PathBuf) -> Result<Self, Error> {
        let own = disk.start(&path).map_err(Error::io(&path, "access it"))?;
        Ok(Self { path, own })
    }

    /// A path whose current file, if there is one, is not the run's.
    pub(crate) fn foreign(path: PathBuf) -> Self {
        Self { path, own: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file as a whole, and returns once the new file is on the disk. A file that is not the run's is set
    /// aside.
    pub(crate) fn replace(
        &mut self,
        disk: &impl Disk,
        bytes: &[u8],
    ) -> Result<Option<SetAside>, Error> {
        let like = (self.is_foreign(disk)? == Some(false)).then_some(&*self.path);
        let temporary = Temporary::write(disk, &self.path, like, bytes)?;
        // Not earlier: another file can appear while the new one is written, and if writing fails, nothing must be
        // moved.
        let moved = self.set_aside(disk)?;
        temporary.rename(&self.path)?;
        self.own = Some(bytes.iter().copied().take(header::LEN).collect());
        flush_names(disk, &self.path)?;
        Ok(moved)
    }

    /// Removes the file, unless another file has taken its place.
    pub(crate) fn remove(&self, disk: &impl Disk) -> Result<(), Error> {
        let failed = |error| Error::io(&self.path, "remove this old checkpoint")(error);
        match self.is_foreign(disk)? {
            Some(false) => disk.remove(&self.path).map_err(failed),
            _ => Ok(()),
        }
    }

    /// Whether the file at the path is not the run's; `None` if there is no file.
    fn is_foreign(&self, disk: &impl Disk) -> Result<Option<bool>, Error> {
        let found = disk.start(&self.path).map_err(Error::io(&self.path, "access it"))?;
        Ok(found.map(|found| found.is_empty() || self.own.as_ref() != Some(&found)))
    }

    /// Renames a file that is not the run's to a free name.
    fn set_aside(&self, disk: &impl Disk) -> Result<Option<SetAside>, Error> {
        if self.is_foreign(disk)? != Some(true) {
            return Ok(None);
        }
        let to = self.free_name(disk)?;
        let renamed = disk.rename(&self.path, &to);
        renamed.map_err(Error::io(&self.path, "set aside this file, which is not the run's"))?;
        // Otherwise, after a power cut, the new file could have replaced the one that was set aside.
        flush_names(disk, &to)?;
        Ok(Some(SetAside { from: self.path.clone(), to }))
    }

    /// `NAME.skipped`, or the first of `NAME.skipped.1` and so on that is free.
    fn free_name(&self, disk: &impl Disk) -> Result<PathBuf, Error> {
        let mut first = self.path.clone().into_os_string();
        first.push(ASIDE);
        let mut name = PathBuf::from(&first);
        for n in 1_u64.. {
            if disk.start(&name).map_err(Error::io(&name, "access it"))?.is_none() {
                break;
            }
            let mut next = first.clone();
            next.push(format!(".{n}"));
            name = next.into();
        }
        Ok(name)
    }
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

    /// The file of another program.
    const DIARY: &[u8] = b"dear diary";

    fn keeps_diary(files: &Contents) -> Result<(), Failure> {
        ensure(files.values().any(|bytes| bytes == DIARY), || Failure::lost("the diary"))
    }

    /// A disk with the other program's file at the path.
    fn disk() -> Simulated {
        let disk = Simulated::with_short_writes(700);
        write_diary(&disk);
        disk
    }

    fn write_diary(disk: &Simulated) {
        let path = Path::new("/run/diary");
        Temporary::write(disk, path, None, DIARY).unwrap().rename(Path::new(PATH)).unwrap();
        flush_names(disk, path).unwrap();
        disk.acknowledge(1);
    }

    /// A power cut during a save that sets another program's file aside, or during the next save: that file is whole,
    /// and so is the last acknowledged save or a later one.
    #[test]
    fn power_cuts() {
        let disk = disk();
        let mut place = Place::foreign(PATH.into());
        for version in [2, 3] {
            place.replace(&disk, &contents(version)).unwrap();
            disk.acknowledge(version);
        }
        let mut tally = Tally::new("B6", "a power cut while another program's file is set aside");
        disk.after_power_cuts(|files, acknowledged| {
            tally.case(|| {
                let Some(found) = files.get(Path::new(PATH)) else {
                    return ensure(acknowledged < 2, || Failure::lost("a save"));
                };
                let version = (2..=3).find(|&version| *found == contents(version));
                let is_old = found == DIARY && acknowledged < 2;
                let torn = || Failure::torn(format!("{} bytes", found.len()));
                ensure(acknowledged == 0 || is_old || version >= Some(acknowledged), torn)?;
                if acknowledged >= 1 { keeps_diary(files) } else { Ok(()) }
            });
        });
        tally.finish();
    }

    /// If the new file cannot be written, for example because the disk is full, nothing is moved.
    #[test]
    fn a_failed_write_moves_nothing() {
        let mut tally =
            Tally::new("B5", "each call before another program's file is set aside fails");
        let is_at_its_place = |disk: &Simulated| {
            let files = disk.contents();
            files.len() == 1 && files.get(Path::new(PATH)).is_some_and(|bytes| bytes == DIARY)
        };
        // Creating the new file, writing it in three parts, and flushing it.
        for n in 1..=5 {
            let disk = disk();
            disk.fail(n, 28);
            let result = Place::foreign(PATH.into()).replace(&disk, &contents(2));
            let wrong = || Failure::wrong(format!("call {n}: {result:?}, {:?}", disk.contents()));
            tally.case(|| ensure(result.is_err() && is_at_its_place(&disk), wrong));
        }
        tally.finish();
    }

    /// Each call fails once: nothing is lost, and the next save works and does not set the run's own file aside.
    #[test]
    fn failing_calls() {
        let mut tally =
            Tally::new("B5", "each call of a save that sets another program's file aside fails");
        for n in 1.. {
            let disk = disk();
            let mut place = Place::foreign(PATH.into());
            disk.fail(n, 5);
            let result = place.replace(&disk, &contents(2));
            if !disk.has_failed() {
                break;
            }
            tally.case(|| {
                keeps_diary(&disk.contents())?;
                let again = place.replace(&disk, &contents(3));
                let files = disk.contents();
                keeps_diary(&files)?;
                let is_saved = files.get(Path::new(PATH)).is_some_and(|it| *it == contents(3));
                let lost = || Failure::lost(format!("call {n}: {result:?}, then {again:?}"));
                ensure(again.is_ok() && is_saved, lost)?;
                ensure(files.len() == 2, || Failure::wrong(format!("call {n}: {files:?}")))
            });
        }
        tally.finish();
    }
}
