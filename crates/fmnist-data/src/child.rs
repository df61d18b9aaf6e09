//! Tests that need a process of their own, because they are killed, fill a disk, or measure their memory.
//!
//! Such a test is started in a child process by another test, by its full name, from this same executable. It gets one
//! path to work on, and answers with its exit code and its output. Without a path it does nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::time::{Duration, Instant};
use std::{env, fmt, thread};

use tally::{Failure, peak_memory};

use crate::fixture::{right, says};

/// The environment variable with the path that the child works on.
const VARIABLE: &str = "FMNIST_TEST_CHILD";

/// The longest time that a child may take to read a file, so that a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// The path to work on, in a child; `None` in the run of all tests.
pub(crate) fn argument() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(Into::into)
}

/// A command that runs one test of this executable as a child. If `through` has a program and its arguments, that
/// program starts the child.
pub(crate) fn command(through: &[&OsStr], test: &str, argument: &Path) -> Command {
    let executable = env::current_exe().unwrap();
    let own = [executable.as_os_str(), "--exact".as_ref(), test.as_ref()];
    let mut words = through.iter().copied().chain(own);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg("--nocapture").env(VARIABLE, argument);
    command
}

/// Runs a child that must succeed, and returns its output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    right(status.success(), format_args!("{status}: {said}"))?;
    // A wrong name would run no test, and look like a success.
    right(said.contains("1 passed"), &said)?;
    Ok(said)
}

/// In a child: reads the file, and prints the answer, its time and its memory.
pub(crate) fn measure<T, E: fmt::Display>(read: impl FnOnce(&Path) -> Result<T, E>) {
    let Some(path) = argument() else { return };
    // A missing answer is a failure like any other.
    thread::spawn(|| {
        thread::sleep(PATIENCE);
        eprintln!("no answer within {PATIENCE:?}");
        process::exit(1);
    });
    let before = peak_memory();
    let start = Instant::now();
    let result = read(&path);
    let took = start.elapsed().as_millis();
    let grown = peak_memory().zip(before).map_or(0, |(after, before)| after - before);
    let answer = result.map_or_else(|error| format!("refused: {error}"), |_| "accepted".into());
    println!("\nmeasured\t{took}\t{grown}\t{answer}");
}

/// How a child read a file.
#[derive(Debug)]
pub(crate) struct Measured {
    took: Duration,
    /// Bytes of memory; 0 if the system does not report them.
    grown: u64,
    answer: String,
}

impl Measured {
    /// Runs a child that ends in [`measure`].
    pub(crate) fn of(test: &str, file: &Path) -> Result<Self, Failure> {
        let said = output(&mut command(&[], test, file))?;
        let line = said.lines().find_map(|line| line.strip_prefix("measured\t")).unwrap();
        let parts: Vec<&str> = line.splitn(3, '\t').collect();
        let number = |at: usize| parts[at].parse::<u64>().unwrap();
        let took = Duration::from_millis(number(0));
        Ok(Self { took, grown: number(1), answer: parts[2].into() })
    }

    /// Fails unless the file was refused with these words and was [`cheap`](Self::cheap).
    pub(crate) fn refused(&self, words: &[&str], memory: u64) -> Result<(), Failure> {
        if self.answer == "accepted" {
            return Err(Failure::torn(format!("accepted, not {words:?}")));
        }
        says(&self.answer, words)?;
        self.cheap(memory)
    }

    /// Fails unless the file was accepted and took less than this much memory.
    pub(crate) fn accepted(&self, memory: u64) -> Result<(), Failure> {
        right(self.answer == "accepted" && self.grown < memory, self)
    }

    /// Fails unless the answer took less than this much memory and, if all cases are tried, less than a second. Otherwise
    /// other tests may keep the machine busy, so the time is not checked.
    pub(crate) fn cheap(&self, memory: u64) -> Result<(), Failure> {
        let is_late = tally::is_full() && self.took >= Duration::from_secs(1);
        right(!is_late && self.grown < memory, self)
    }
}
