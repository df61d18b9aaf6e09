//! A path that a run saves to repeatedly. A file that the run did not put there is renamed, not replaced.
//!
//! A file is recognised by its first bytes. The header has the checksum of the metadata, and the metadata have the
//! checksums of all tensors. So a file that begins like the last save is the last save. Inode numbers and times are
//! less reliable, since some file systems change them.

use std::path::{Path, PathBuf};
use std::slice;

use super::system::Disk;
use super::temporary::{Temporary, flush_names};
use crate::Error;
use crate::wire::header;

/// Appended to the name of a file that is set aside.
const ASIDE: &str = ".skipped";

/// A file that was in the way of a save, and was renamed: the model of another run, which becomes the previous
/// generation, or a file that another program put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its old path.
    pub from: PathBuf,
    /// Its new path: that of the previous generation, or one that ends in `.skipped` or `.skipped.N`.
    pub to: PathBuf,
    /// Whether it replaced an older previous generation.
    pub replaced: bool,
}

/// A path, and what a save does with the file that is there.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// The first bytes of the file that a save may replace or keep as `previous`; `None` if any file there is foreign.
    own: Option<Vec<u8>>,
    /// Where the next save moves that file to, instead of replacing it.
    previous: Option<Box<Place>>,
}

/// Whose file is at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occupant {
    Nobody,
    /// The file of the run, or the one that it may replace or keep.
    Own,
    Foreign,
}

impl Place {
    /// A path whose current file, if there is one, may be replaced.
    pub(crate) fn own(disk: &impl Disk, path: PathBuf) -> Result<Self, Error> {
        let own = disk.start(&path).map_err(Error::io(&path, "access it"))?;
        Ok(Self { path, own, previous: None })
    }

    /// A path whose current file, if there is one, is not the run's.
    pub(crate) fn foreign(path: PathBuf) -> Self {
        Self { path, own: None, previous: None }
    }

    /// Makes the next save move the file that is there now to this place.
    pub(crate) fn keep_at(&mut self, previous: Place) {
        self.previous = Some(Box::new(previous));
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How the next save will rename another run's model.
    pub(crate) fn kept(&self) -> Option<SetAside> {
        let previous = self.previous.as_ref()?;
        let (from, to) = (self.path.clone(), previous.path.clone());
        Some(SetAside { from, to, replaced: previous.own.is_some() })
    }

    /// Replaces the whole file, and returns once the new one is on the disk. Returns the files that were renamed to make
    /// way.
    pub(crate) fn replace(
        &mut self,
        disk: &impl Disk,
        bytes: &[u8],
    ) -> Result<Vec<SetAside>, Error> {
        let like = (self.occupant(disk)? == Occupant::Own).then_some(&*self.path);
        let temporary = Temporary::write(disk, &self.path, like, bytes)?;
        // Only now, since another file can appear while the new one is written, and nothing must be moved if writing
        // fails.
        let moved = self.make_way(disk)?;
        let renamed = temporary.rename(&self.path);
        if renamed.is_ok() {
            self.own = Some(bytes.iter().copied().take(header::LEN).collect());
            self.previous = None;
        }
        match renamed.and_then(|()| flush_names(disk, &self.path)) {
            Ok(()) => Ok(moved),
            Err(error) => Err(after(&moved, error)),
        }
    }

    /// Removes the file, unless another file has taken its place.
    pub(crate) fn remove(&self, disk: &impl Disk) -> Result<(), Error> {
        let failed = |error| Error::io(&self.path, "remove this old checkpoint")(error);
        match self.occupant(disk)? {
            Occupant::Own => disk.remove(&self.path).map_err(failed),
            Occupant::Nobody | Occupant::Foreign => Ok(()),
        }
    }

    /// Whose file is at the path now.
    fn occupant(&self, disk: &impl Disk) -> Result<Occupant, Error> {
        let found = disk.start(&self.path).map_err(Error::io(&self.path, "access it"))?;
        Ok(match found {
            None => Occupant::Nobody,
            Some(found) if !found.is_empty() && self.own.as_ref() == Some(&found) => Occupant::Own,
            Some(_) => Occupant::Foreign,
        })
    }

    /// Renames the file, unless it may be replaced: a foreign file gets a free name, and another run's model gets the name
    /// of the previous generation.
    fn make_way(&mut self, disk: &impl Disk) -> Result<Vec<SetAside>, Error> {
        match (self.occupant(disk)?, &mut self.previous) {
            (Occupant::Nobody, _) | (Occupant::Own, None) => Ok(Vec::new()),
            (Occupant::Foreign, _) => {
                let (from, to) = (self.path.clone(), self.free_name(disk)?);
                let moved = SetAside { from, to, replaced: false };
                rename(disk, &moved)?;
                Ok(vec![moved])
            }
            (Occupant::Own, Some(previous)) => {
                let mut moved = previous.make_way(disk)?;
                let replaced = previous.occupant(disk)? == Occupant::Own;
                let (from, to) = (self.path.clone(), previous.path.clone());
                let kept = SetAside { from, to, replaced };
                rename(disk, &kept).map_err(|error| after(&moved, error))?;
                moved.push(kept);
                Ok(moved)
            }
        }
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

/// Renames a file, and waits until the new name is on the disk. Otherwise, after a power cut, the new file could have
/// replaced the one that was renamed.
fn rename(disk: &impl Disk, moved: &SetAside) -> Result<(), Error> {
    let SetAside { from, to, .. } = moved;
    disk.rename(from, to).map_err(Error::io(from, "move this file out of the way"))?;
    flush_names(disk, to).map_err(|error| after(slice::from_ref(moved), error))
}

/// Adds to the error of a save which files it had renamed.
fn after(moved: &[SetAside], error: Error) -> Error {
    moved.iter().cloned().fold(error, |error, SetAside { from, to, .. }| Error::Renamed {
        error: Box::new(error),
        from,
        to,
    })
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

    /// Each call fails once: nothing is lost, and the next save works and does not set the run's own file aside. If a file
    /// was renamed, the error has its new name.
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
                let aside = disk.contents().contains_key(Path::new("/run/m.model.skipped"));
                let says =
                    |error: &Error| error.to_string().contains("is now named /run/m.model.skipped");
                let is_reported = aside == result.as_ref().err().is_some_and(says);
                ensure(is_reported, || Failure::wrong(format!("call {n}: {result:?}")))?;
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

    /// Where the model of another run is kept.
    const PREVIOUS: &str = "/run/m.previous.model";

    /// A disk with another run's model, the first version, and with an older one at the previous name; and the place.
    fn disk_of_another_run() -> (Simulated, Place) {
        let disk = Simulated::with_short_writes(700);
        let [mut previous, mut place] = [PREVIOUS, PATH].map(|path| Place::foreign(path.into()));
        previous.replace(&disk, b"older").unwrap();
        place.replace(&disk, &contents(1)).unwrap();
        disk.acknowledge(1);
        place.keep_at(previous);
        (disk, place)
    }

    fn has(files: &Contents, path: &str, version: u64) -> bool {
        files.get(Path::new(path)).is_some_and(|it| *it == contents(version))
    }

    fn keeps_other_run(files: &Contents) -> Result<(), Failure> {
        let is_kept = [PATH, PREVIOUS].iter().any(|path| has(files, path, 1));
        ensure(is_kept, || Failure::lost("the model of another run"))
    }

    /// After a power cut at any time during a run's first saves, the model of the other run is whole under one of its two
    /// names.
    #[test]
    fn power_cuts_while_another_runs_model_is_kept() {
        let (disk, mut place) = disk_of_another_run();
        for version in [2, 3] {
            place.replace(&disk, &contents(version)).unwrap();
            disk.acknowledge(version);
        }
        let mut tally = Tally::new("B20", "a power cut while another run's model is kept");
        disk.after_power_cuts(|files, acknowledged| {
            tally.case(|| {
                if acknowledged >= 1 {
                    keeps_other_run(files)?;
                }
                let is_saved = (acknowledged.max(1)..=3).any(|version| has(files, PATH, version));
                ensure(acknowledged < 2 || is_saved, || Failure::lost("a save"))
            });
        });
        tally.finish();
    }

    /// Each call fails once: the other run's model has one of its two names, and the error has the new name if it is that.
    #[test]
    fn failing_calls_while_another_runs_model_is_kept() {
        let mut tally =
            Tally::new("B20", "each call of a save that keeps another run's model fails");
        for n in 1.. {
            let (disk, mut place) = disk_of_another_run();
            disk.fail(n, 5);
            let result = place.replace(&disk, &contents(2));
            if !disk.has_failed() {
                break;
            }
            tally.case(|| {
                let files = disk.contents();
                keeps_other_run(&files)?;
                let says = |error: &Error| error.to_string().contains(PREVIOUS);
                let is_reported =
                    has(&files, PREVIOUS, 1) == result.as_ref().err().is_some_and(says);
                ensure(is_reported, || Failure::wrong(format!("call {n}: {result:?}")))?;
                let again = place.replace(&disk, &contents(3));
                let files = disk.contents();
                let both = has(&files, PATH, 3) && has(&files, PREVIOUS, 1) && files.len() == 2;
                let lost = || Failure::lost(format!("call {n}: {result:?}, then {again:?}"));
                ensure(again.is_ok() && both, lost)
            });
        }
        tally.finish();
    }

    /// If another program has put a file there in the meantime, that file is set aside, and no model is kept.
    #[test]
    fn a_foreign_file_in_place_of_another_runs_model() {
        let (disk, mut place) = disk_of_another_run();
        write_diary(&disk);
        let moved = [2, 3].map(|version| place.replace(&disk, &contents(version)).unwrap().len());
        assert_eq!(moved, [1, 0]);
        let files = disk.contents();
        keeps_diary(&files).unwrap();
        assert!(has(&files, PATH, 3) && files[Path::new(PREVIOUS)] == b"older", "{files:?}");
    }

    /// A file that another program put at the previous name in the meantime is set aside.
    #[test]
    fn a_foreign_file_at_the_previous_name() {
        let (disk, mut place) = disk_of_another_run();
        Place::foreign(PREVIOUS.into()).replace(&disk, DIARY).unwrap();
        let moved = place.replace(&disk, &contents(2)).unwrap();
        let moved: Vec<_> = moved.iter().map(|it| it.to.to_str().unwrap()).collect();
        let aside = format!("{PREVIOUS}.skipped.1");
        assert_eq!(moved, [&aside, PREVIOUS]);
        let files = disk.contents();
        keeps_diary(&files).unwrap();
        assert!(has(&files, PREVIOUS, 1) && has(&files, PATH, 2) && files.len() == 4, "{files:?}");
    }
}
