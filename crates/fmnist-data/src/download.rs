//! Downloads the four files. Mirrors are tried in order, and a file is verified before it gets its name.
//!
//! A download is written to a temporary file in the target directory, hashed while it is written, flushed to disk,
//! and renamed only if its SHA-256 is the published one. Whatever happens (a mirror serves wrong data, the disk is
//! full, the process is killed), each file keeps its contents or gets the right ones, and the next run repairs the
//! rest. Plain http sources are therefore as safe as https ones.

mod lock;
mod source;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use flate2::bufread::GzDecoder;
use tempfile::NamedTempFile;
use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::digest::{self, Digesting};
use crate::error::{Attempt, Error};
use crate::manifest::{self, FileSpec};
use crate::{quote, sniff};

use lock::{LOCK, Lock};
pub use source::{Source, VARIABLE, sources};

/// The prefix and suffix of a temporary file's name, and the number of letters and digits between them.
const TEMPORARY: (&str, &str, usize) = (".fmnist-fetch-", ".part", 6);

/// The longest time that a source may take for a file.
const FILE_TIMEOUT: Duration = Duration::from_mins(15);

/// The time between two attempts to take the lock.
const RETRY: Duration = Duration::from_millis(100);

/// What [`fetch`] did for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The published name of the file.
    pub file: &'static str,
    /// Whether it was fetched, and from where.
    pub outcome: Outcome,
}

/// Whether a file was fetched, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It existed with the right checksum; nothing was fetched.
    AlreadyGood,
    /// It was missing and was downloaded from this source.
    Downloaded(Source),
    /// It had wrong contents and was replaced by a good copy from this source.
    Healed(Source),
}

/// The progress of [`fetch`].
#[derive(Debug)]
#[non_exhaustive]
pub enum DownloadProgress<'a> {
    /// Another process is downloading into the same directory; waiting for it, at most an hour.
    Waiting,
    /// Bytes were received.
    Receiving {
        /// The published name of the file.
        file: &'static str,
        /// Where it comes from.
        source: &'a Source,
        /// Bytes so far.
        received: u64,
        /// Bytes when it is complete.
        total: u64,
    },
    /// A source had no good copy; the next one, if any, is tried.
    GaveUp {
        /// The published name of the file.
        file: &'static str,
        /// The source, and what was wrong with it.
        attempt: &'a Attempt,
    },
}

/// Downloads those of the four files that are missing from `dir` or damaged.
///
/// It also writes the unzipped files, 55 MB in all, if there is room: they save 100 ms at the start of a run.
///
/// `dir` is created if needed. For each file, sources are tried in order. If two processes download into one
/// directory at the same time, the second waits and then finds the files. Timeouts limit each source: 10 s to
/// connect, 30 s without data, 15 min for a file. The wait for another download ends after 15 min for each file.
///
/// # Errors
///
/// [`Error::Download`] with the reason of every source if none had a good copy of a file; [`Error::Io`] if the
/// directory cannot be written, or another download into it does not end; [`Error::Layout`] if something else has the
/// name of its lock file. Good files stay as they are.
pub fn fetch(
    dir: &Path,
    sources: &[Source],
    progress: &mut dyn FnMut(DownloadProgress<'_>),
) -> Result<Vec<Fetched>, Error> {
    let agent = config().build().new_agent();
    let files = manifest::fashion_mnist().files;
    let patience = files.iter().map(|_| FILE_TIMEOUT).sum();
    Fetch { dir, sources, agent, patience, progress }.all(&files)
}

fn config() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .user_agent(concat!("fmnist-data/", env!("CARGO_PKG_VERSION")))
        .max_redirects(5)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_per_read(Some(Duration::from_secs(30)))
        .timeout_global(Some(FILE_TIMEOUT))
}

/// Why a copy failed: because of the source, so that the next one is tried, or because of this machine.
enum Failure {
    Source(String),
    Local(Error),
}

struct Fetch<'a> {
    dir: &'a Path,
    sources: &'a [Source],
    agent: Agent,
    /// The longest to wait for another download.
    patience: Duration,
    progress: &'a mut dyn FnMut(DownloadProgress<'_>),
}

impl Fetch<'_> {
    fn all(mut self, files: &[FileSpec]) -> Result<Vec<Fetched>, Error> {
        // A complete directory, which may be read-only, needs no lock.
        let mut complete = true;
        for spec in files {
            complete &= self.is_whole(spec)?;
        }
        if complete {
            if files.iter().any(|spec| !self.is_unzipped(spec))
                && let Ok(Some(_lock)) = Lock::attempt(self.dir)
                && sweep(self.dir).is_ok()
            {
                for spec in files {
                    let _ = self.unzip(spec);
                }
            }
            let good = |spec: &FileSpec| Fetched { file: spec.name, outcome: Outcome::AlreadyGood };
            return Ok(files.iter().map(good).collect());
        }
        fs::create_dir_all(self.dir).map_err(Error::io(self.dir, "create"))?;
        let _lock = self.lock()?;
        sweep(self.dir)?;
        let mut fetched = Vec::new();
        for spec in files {
            let outcome = self.heal(spec)?;
            fetched.push(Fetched { file: spec.name, outcome });
            // If the process is killed here, the next file is still missing, so the next run gets here again.
            let _ = self.unzip(spec);
        }
        Ok(fetched)
    }

    /// Repairs one file. Fetches it if its zipped form is damaged, or missing without a good unzipped one.
    fn heal(&mut self, spec: &FileSpec) -> Result<Outcome, Error> {
        if self.is_whole(spec)? {
            return Ok(Outcome::AlreadyGood);
        }
        let (gzip, raw) = (self.dir.join(spec.name), self.dir.join(spec.raw_name()));
        let outcome = if is_good(&gzip, spec)? {
            Outcome::Healed(Source::Directory(self.dir.into()))
        } else {
            self.one(spec)?
        };
        if raw.exists() && !is_good(&raw, spec)? {
            fs::remove_file(&raw).map_err(Error::io(&raw, "remove"))?;
        }
        Ok(outcome)
    }

    /// Whether a file exists, and every form of it, zipped or unzipped, is good.
    fn is_whole(&self, spec: &FileSpec) -> Result<bool, Error> {
        let (read, gzip) = (spec.path_in(self.dir), self.dir.join(spec.name));
        Ok(is_good(&read, spec)? && (read == gzip || !gzip.exists() || is_good(&gzip, spec)?))
    }

    fn is_unzipped(&self, spec: &FileSpec) -> bool {
        spec.path_in(self.dir) == self.dir.join(spec.raw_name())
    }

    /// Unzips a good file, if that is not yet done. Callers ignore failure, since the unzipped file only saves time.
    fn unzip(&self, spec: &FileSpec) -> io::Result<()> {
        if self.is_unzipped(spec) {
            return Ok(());
        }
        let (file, _) = digest::open_regular(&self.dir.join(spec.name))?;
        let mut content = Digesting::new(GzDecoder::new(BufReader::new(file)));
        let mut temporary = temporary(self.dir)?;
        io::copy(&mut content, &mut temporary)?;
        if content.finish() == spec.raw {
            install(temporary, &self.dir.join(spec.raw_name()), self.dir)?;
        }
        Ok(())
    }

    /// Locks the directory against other downloads. Waits for a running one to end.
    fn lock(&mut self) -> Result<Lock, Error> {
        let start = Instant::now();
        let mut waits = false;
        loop {
            if let Some(lock) = Lock::attempt(self.dir)? {
                return Ok(lock);
            }
            if !waits {
                (self.progress)(DownloadProgress::Waiting);
                waits = true;
            }
            if start.elapsed() >= self.patience {
                let minutes = self.patience.as_secs() / 60;
                let reason = format!(
                    "another download into this directory did not end within {minutes} minutes; \
                     stop it, or name another directory"
                );
                let error = io::Error::new(io::ErrorKind::TimedOut, reason);
                return Err(Error::io(&self.dir.join(LOCK), "lock")(error));
            }
            thread::sleep(RETRY);
        }
    }

    /// Fetches one file from the first source that has a good copy.
    fn one(&mut self, spec: &FileSpec) -> Result<Outcome, Error> {
        let damaged = spec.path_in(self.dir).exists();
        let path = self.dir.join(spec.name);
        let mut attempts = Vec::new();
        for source in self.sources {
            match self.copy(spec, source) {
                Ok(temporary) => {
                    install(temporary, &path, self.dir)
                        .map_err(|error| unwritten(&path, spec, error))?;
                    let how = if damaged { Outcome::Healed } else { Outcome::Downloaded };
                    return Ok(how(source.clone()));
                }
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Source(reason)) => {
                    let attempt = Attempt { source: source.place(spec.name), reason };
                    (self.progress)(DownloadProgress::GaveUp {
                        file: spec.name,
                        attempt: &attempt,
                    });
                    attempts.push(attempt);
                }
            }
        }
        Err(Error::Download { path, attempts })
    }

    /// A verified copy in a temporary file, which is deleted when dropped.
    fn copy(&mut self, spec: &FileSpec, source: &Source) -> Result<NamedTempFile, Failure> {
        let total = spec.gzip.bytes;
        // One byte more than published is enough to detect a longer file.
        let content = self.open(spec, source)?.take(total.saturating_add(1));
        let mut content = Digesting::new(content);
        let failed = |error| Failure::Local(unwritten(&self.dir.join(spec.name), spec, error));
        let mut temporary = temporary(self.dir).map_err(failed)?;
        let mut head = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        let mut received = 0_u64;
        loop {
            let n = content.read(&mut buffer).map_err(|error| {
                Failure::Source(format!("broke off at {received} of {total} bytes: {error}"))
            })?;
            let Some(chunk @ [_, ..]) = buffer.get(..n) else { break };
            head.extend(chunk.iter().take(sniff::HEAD.saturating_sub(head.len())));
            temporary.write_all(chunk).map_err(failed)?;
            received = received.saturating_add(n as u64);
            (self.progress)(DownloadProgress::Receiving {
                file: spec.name,
                source,
                received,
                total,
            });
        }
        let found = content.finish();
        if found == spec.gzip {
            return Ok(temporary);
        }
        Err(Failure::Source(if !head.starts_with(&[0x1f, 0x8b]) {
            format!("expected a gzip stream, found {}", sniff::describe(&head))
        } else if found.bytes < total {
            format!("cut short at {} of {total} bytes", found.bytes)
        } else if found.bytes > total {
            format!("longer than the {total} bytes published")
        } else {
            format!("SHA-256 expected {}, found {}", spec.gzip.sha256, found.sha256)
        }))
    }

    fn open(&self, spec: &FileSpec, source: &Source) -> Result<Box<dyn Read>, Failure> {
        match source {
            Source::Url(_) => match self.agent.get(source.place(spec.name)).call() {
                Ok(response) => Ok(Box::new(response.into_body().into_reader())),
                Err(ureq::Error::StatusCode(code)) => {
                    Err(Failure::Source(format!("HTTP status {code}")))
                }
                // The error quotes the server.
                Err(error) => Err(Failure::Source(quote::escaped(&error.to_string()))),
            },
            Source::Directory(dir) => match digest::open_regular(&dir.join(spec.name)) {
                Ok((file, _)) => Ok(Box::new(file)),
                Err(error) => Err(Failure::Source(error.to_string())),
            },
        }
    }
}

fn is_good(path: &Path, spec: &FileSpec) -> Result<bool, Error> {
    if !path.exists() {
        return Ok(false);
    }
    let (_, bytes) = digest::open(path)?;
    Ok(spec.has_len(bytes) && spec.is(&digest::of_file(path)?))
}

/// Removes temporary files of killed downloads, and nothing else. The caller holds the lock, so no other process uses
/// such a file.
fn sweep(dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        let entry = entry.map_err(Error::io(dir, "list"))?;
        // The type of a link is that of the link itself.
        if is_temporary(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let path = entry.path();
            fs::remove_file(&path).map_err(Error::io(&path, "remove"))?;
        }
    }
    Ok(())
}

/// Whether this is the name of a temporary file.
fn is_temporary(name: &OsStr) -> bool {
    let (prefix, suffix, length) = TEMPORARY;
    let name = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix));
    name.is_some_and(|random| {
        random.len() == length && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The error of a file that could not be written. It adds the required space, which the system does not report.
fn unwritten(path: &Path, spec: &FileSpec, error: io::Error) -> Error {
    let bytes = spec.gzip.bytes;
    let hint =
        format!("{error}; the file takes {bytes} bytes: make room, or name another directory");
    Error::io(path, "write")(io::Error::new(error.kind(), hint))
}

fn temporary(dir: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1).rand_bytes(TEMPORARY.2);
    // Datasets are shared, so the mode follows the umask instead of a temporary file's private 0600.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(dir)
}

/// Gives a verified file its name durably: syncs the contents, renames, then syncs the directory.
fn install(temporary: NamedTempFile, path: &Path, dir: &Path) -> io::Result<()> {
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    // Windows cannot open directories.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests;
