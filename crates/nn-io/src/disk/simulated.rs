//! A simulated disk in memory. Any call can be made to fail, and all states after a power cut at any moment can be
//! tried.
//!
//! A power cut can lose whatever is not durable, in any combination: the bytes of a file until the file is synced, and
//! names until their directory is synced. Lost bytes are absent or garbage. Pillai and others, "All File Systems Are
//! Not Created Equal", OSDI 2014, found disks that do all of this.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tally::Dice;

use super::system::Disk;
use crate::wire::header;

/// Names, and the contents of their files.
pub(crate) type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// A disk in memory.
#[derive(Clone, Default)]
pub(crate) struct Simulated(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    /// All operations that succeeded, in order.
    log: Vec<Op>,
    /// The file of each name, without a power cut.
    names: BTreeMap<PathBuf, usize>,
    n_files: usize,
    calls: usize,
    /// The call that fails, and its error.
    fault: Option<(usize, i32)>,
    /// The largest number of bytes that a write takes.
    write_limit: Option<usize>,
}

/// An operation. A file is a number, since its names change.
#[derive(Clone, Debug)]
enum Op {
    Create {
        path: PathBuf,
        file: usize,
    },
    Write {
        file: usize,
        bytes: Vec<u8>,
    },
    Sync {
        file: usize,
    },
    /// The sync of a file failed: it is unknown which of its bytes are on the disk.
    FailedSync {
        file: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        file: usize,
    },
    Remove {
        path: PathBuf,
    },
    SyncDirectory,
    /// This version was reported as saved.
    Acknowledge(u64),
}

/// What a power cut does to something that is not durable.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Kept,
    Lost,
    Garbage,
}

impl Simulated {
    pub(crate) fn with_short_writes(limit: usize) -> Self {
        let disk = Self::default();
        disk.0.borrow_mut().write_limit = Some(limit);
        disk
    }

    /// Makes the `n`-th call from now on, counted from 1, fail with this system error.
    pub(crate) fn fail(&self, n: usize, error: i32) {
        let mut state = self.0.borrow_mut();
        (state.calls, state.fault) = (0, Some((n, error)));
    }

    /// Whether a call has failed.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.0.borrow();
        state.fault.is_some_and(|(n, _)| state.calls >= n)
    }

    pub(crate) fn acknowledge(&self, version: u64) {
        self.0.borrow_mut().log.push(Op::Acknowledge(version));
    }

    /// The contents of the disk without a power cut.
    pub(crate) fn contents(&self) -> Contents {
        let log = &self.0.borrow().log;
        apply(log, &vec![Fate::Kept; log.len()])
    }

    /// Whether a file whose sync failed was renamed or synced again.
    pub(crate) fn trusts_a_failed_sync(&self) -> bool {
        let log = &self.0.borrow().log;
        let failed = log.iter().enumerate().filter_map(|(i, op)| match op {
            Op::FailedSync { file } => Some((i, *file)),
            _ => None,
        });
        failed.into_iter().any(|(i, failed)| {
            log[i..].iter().any(
                |op| matches!(op, Op::Rename { file, .. } | Op::Sync { file } if *file == failed),
            )
        })
    }

    /// Calls `check` with every state that the disk can have after a power cut at any moment, and with the last version
    /// that was acknowledged before.
    pub(crate) fn after_power_cuts(&self, mut check: impl FnMut(&Contents, u64)) {
        let log = &self.0.borrow().log;
        for end in 0..=log.len() {
            let done = &log[..end];
            let acknowledged = done.iter().rev().find_map(|op| match op {
                Op::Acknowledge(version) => Some(*version),
                _ => None,
            });
            for_each_fate(&choices(done), |fates| {
                check(&apply(done, fates), acknowledged.unwrap_or(0));
            });
        }
    }

    fn call(&self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.calls += 1;
        match state.fault {
            Some((n, error)) if n == state.calls => Err(io::Error::from_raw_os_error(error)),
            _ => Ok(()),
        }
    }

    fn log(&self, op: Op) {
        self.0.borrow_mut().log.push(op);
    }
}

/// The number of possible fates of each operation at the end of the log: one if it is durable.
fn choices(log: &[Op]) -> Vec<usize> {
    let later = |i: usize, made_durable: &dyn Fn(&Op) -> bool| log[i..].iter().any(made_durable);
    let choices = |(i, op): (usize, &Op)| match op {
        Op::Write { file, .. } => {
            let written = *file;
            let synced = later(i, &|op| matches!(op, Op::Sync { file } if *file == written));
            if synced { 1 } else { 3 }
        }
        Op::Create { .. } | Op::Rename { .. } | Op::Remove { .. } => {
            if later(i, &|op| matches!(op, Op::SyncDirectory)) { 1 } else { 2 }
        }
        _ => 1,
    };
    log.iter().enumerate().map(choices).collect()
}

/// Calls `f` with every combination of fates, where the i-th operation has the first `choices[i]` fates. If there are
/// too many combinations, which only happens if a save syncs nothing, tries some at random.
fn for_each_fate(choices: &[usize], mut f: impl FnMut(&[Fate])) {
    const FATES: [Fate; 3] = [Fate::Kept, Fate::Lost, Fate::Garbage];
    const MAX: usize = 2000;
    let all = choices.iter().try_fold(1_usize, |n, &choices| n.checked_mul(choices));
    match all.filter(|&n| n <= MAX) {
        Some(n) => (0..n).for_each(|mut number| {
            let fate = |&n: &usize| {
                let fate = FATES[number % n];
                number /= n;
                fate
            };
            f(&choices.iter().map(fate).collect::<Vec<_>>());
        }),
        None => {
            let mut dice = Dice::new(6);
            for _ in 0..MAX {
                f(&choices.iter().map(|&n| FATES[dice.below(n)]).collect::<Vec<_>>());
            }
        }
    }
}

/// The contents of the disk after these operations, each with its fate.
fn apply(log: &[Op], fates: &[Fate]) -> Contents {
    let mut names: BTreeMap<&Path, usize> = BTreeMap::new();
    let mut files: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for (op, &fate) in log.iter().zip(fates) {
        match op {
            Op::Write { file, bytes } => {
                let contents = files.entry(*file).or_default();
                match fate {
                    Fate::Kept => contents.extend(bytes),
                    Fate::Lost => {}
                    Fate::Garbage => contents.extend(bytes.iter().map(|_| 0xA5)),
                }
            }
            _ if fate != Fate::Kept => {}
            Op::Create { path, file } => {
                names.insert(path, *file);
            }
            Op::Rename { from, to, file } => {
                names.remove(from.as_path());
                names.insert(to, *file);
            }
            Op::Remove { path } => {
                names.remove(path.as_path());
            }
            Op::Sync { .. } | Op::FailedSync { .. } | Op::SyncDirectory | Op::Acknowledge(_) => {}
        }
    }
    let contents = |file: usize| files.get(&file).cloned().unwrap_or_default();
    names.into_iter().map(|(path, file)| (path.to_path_buf(), contents(file))).collect()
}

/// A file of a [`Simulated`] disk.
pub(crate) struct SimulatedFile {
    disk: Simulated,
    file: usize,
}

impl Write for SimulatedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.call()?;
        let limit = self.disk.0.borrow().write_limit.unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(limit)];
        self.disk.log(Op::Write { file: self.file, bytes: bytes.to_vec() });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Simulated {
    type File = SimulatedFile;

    fn copy_permissions(&self, _path: &Path, _like: &Path) -> io::Result<()> {
        Ok(())
    }

    fn create_new(&self, path: &Path) -> io::Result<SimulatedFile> {
        self.call()?;
        let mut state = self.0.borrow_mut();
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.n_files;
        state.n_files += 1;
        state.names.insert(path.into(), file);
        state.log.push(Op::Create { path: path.into(), file });
        Ok(SimulatedFile { disk: self.clone(), file })
    }

    /// This call never fails: a save uses it only to look at names.
    fn start(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let start = |bytes: &Vec<u8>| bytes.iter().copied().take(header::LEN).collect();
        Ok(self.contents().get(path).map(start))
    }

    fn sync(&self, file: &SimulatedFile) -> io::Result<()> {
        let file = file.file;
        let result = self.call();
        self.log(if result.is_ok() { Op::Sync { file } } else { Op::FailedSync { file } });
        result
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        let mut state = self.0.borrow_mut();
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.into(), file);
        state.log.push(Op::Rename { from: from.into(), to: to.into(), file });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        let mut state = self.0.borrow_mut();
        state.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        state.log.push(Op::Remove { path: path.into() });
        Ok(())
    }

    fn sync_directory(&self, _directory: &Path) -> io::Result<()> {
        self.call()?;
        self.log(Op::SyncDirectory);
        Ok(())
    }
}
