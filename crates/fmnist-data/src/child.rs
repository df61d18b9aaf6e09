//! Parts of tests that want a process of their own: to be killed, to find no room on their disk, to
//! have their memory measured.
//!
//! Such a part is a test that another one starts, by its full name, in this same executable. It gets one
//! path to work on, and answers by its exit code and what it prints; without a path it has nothing to do.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};
use std::time::{Duration, Instant};
use std::{env, fmt, thread};

use tally::{Failure, peak_memory};

use crate::fixture::{right, says};

/// Names the path that the part is to work on.
const VARIABLE: &str = "FMNIST_TEST_CHILD";

/// The longest that a part may read a file, for a test that fails instead of one that hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// The path to work on, in a part; none in the run of all tests.
pub(crate) fn argument() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(Into::into)
}

/// This executable, about to run the part of this name; started by another program where `through`
/// says which, and with what arguments before its own.
pub(crate) fn command(through: &[&OsStr], test: &str, argument: &Path) -> Command {
    let executable = env::current_exe().unwrap();
    let own = [executable.as_os_str(), "--exact".as_ref(), test.as_ref()];
    let mut words = through.iter().copied().chain(own);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg("--nocapture").env(VARIABLE, argument);
    command
}

/// What a part said that must have ended well.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    right(status.success(), format_args!("{status}: {said}"))?;
    // A name that no test has runs nothing, and would pass for a part that found nothing wrong.
    right(said.contains("1 passed"), &said)?;
    Ok(said)
}

/// In a part: reads the file, and prints the answer and what it cost.
pub(crate) fn measure<T, E: fmt::Display>(read: impl FnOnce(&Path) -> Result<T, E>) {
    let Some(path) = argument() else { return };
    // An answer that does not come is a failure like any other.
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

/// What a file did to the part that read it.
#[derive(Debug)]
pub(crate) struct Measured {
    took: Duration,
    /// Bytes of memory; 0 where the system does not tell.
    grown: u64,
    answer: String,
}

impl Measured {
    /// Of a part that ends in [`measure`].
    pub(crate) fn of(test: &str, file: &Path) -> Result<Self, Failure> {
        let said = output(&mut command(&[], test, file))?;
        let line = said.lines().find_map(|line| line.strip_prefix("measured\t")).unwrap();
        let parts: Vec<&str> = line.splitn(3, '\t').collect();
        let number = |at: usize| parts[at].parse::<u64>().unwrap();
        let took = Duration::from_millis(number(0));
        Ok(Self { took, grown: number(1), answer: parts[2].into() })
    }

    /// It was refused with these words, within a second and so much memory.
    pub(crate) fn refused(&self, words: &[&str], memory: u64) -> Result<(), Failure> {
        if self.answer == "accepted" {
            return Err(Failure::torn(format!("accepted, not {words:?}")));
        }
        says(&self.answer, words)?;
        self.cheap(memory)
    }

    /// It was accepted, and took less than so much memory.
    pub(crate) fn accepted(&self, memory: u64) -> Result<(), Failure> {
        right(self.answer == "accepted" && self.grown < memory, self)
    }

    /// Whatever the answer, it took less than so much memory and, where all cases are tried, than a
    /// second: a machine that is busy with other tests proves nothing.
    pub(crate) fn cheap(&self, memory: u64) -> Result<(), Failure> {
        let is_late = tally::is_full() && self.took >= Duration::from_secs(1);
        right(!is_late && self.grown < memory, self)
    }
}
