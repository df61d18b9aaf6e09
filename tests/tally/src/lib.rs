#![doc = include_str!("../README.md")]

use std::any::Any;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use std::{env, fs};

/// The environment variable that selects all cases, and names the file to append tallies to.
pub const VARIABLE: &str = "FMNIST_TORTURE";

/// Whether all cases are tried.
pub fn is_full() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// Chooses a size: `quick` for `cargo test`, `full` for all cases.
pub fn size<T>(quick: T, full: T) -> T {
    if is_full() { full } else { quick }
}

/// The failure of a case.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    what: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lost,
    Torn,
    Wrong,
    Panicked,
}

impl Failure {
    /// Something good or acknowledged is gone.
    pub fn lost(what: impl Display) -> Self {
        Self { kind: Kind::Lost, what: what.to_string() }
    }

    /// Something damaged or incomplete was accepted as whole.
    pub fn torn(what: impl Display) -> Self {
        Self { kind: Kind::Torn, what: what.to_string() }
    }

    /// The answer is wrong: its text, exit code, time or memory.
    pub fn wrong(what: impl Display) -> Self {
        Self { kind: Kind::Wrong, what: what.to_string() }
    }
}

/// Fails unless `holds`.
///
/// # Errors
///
/// The failure that `failure` returns, if `holds` is false.
pub fn ensure(holds: bool, failure: impl FnOnce() -> Failure) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(failure()) }
}

/// The kinds of failures, in the order of the table's columns.
const KINDS: [Kind; 4] = [Kind::Lost, Kind::Torn, Kind::Wrong, Kind::Panicked];

/// Counts the cases of one fault.
#[derive(Debug)]
#[must_use = "a tally has no effect until it is finished"]
pub struct Tally {
    row: &'static str,
    fault: &'static str,
    cases: u64,
    failures: [u64; KINDS.len()],
    /// The texts of the first failures.
    examples: Vec<String>,
    start: Instant,
}

impl Tally {
    /// A tally of a fault in this row of SECURITY.md.
    pub fn new(row: &'static str, fault: &'static str) -> Self {
        let start = Instant::now();
        Self { row, fault, cases: 0, failures: [0; KINDS.len()], examples: Vec::new(), start }
    }

    /// Tries a case. A panic counts as a failure.
    pub fn case(&mut self, case: impl FnOnce() -> Result<(), Failure>) {
        self.cases += 1;
        match catch_unwind(AssertUnwindSafe(case)) {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => self.fail(failure),
            Err(panic) => self.fail(Failure { kind: Kind::Panicked, what: text(&*panic) }),
        }
    }

    /// Adds the cases of another part of the same fault, tried on another thread.
    pub fn add(&mut self, other: Tally) {
        self.cases += other.cases;
        for (sum, n) in self.failures.iter_mut().zip(other.failures) {
            *sum += n;
        }
        self.examples.extend(other.examples);
    }

    /// Cases tried so far.
    pub fn cases(&self) -> u64 {
        self.cases
    }

    /// Ends the tally. If all cases are tried, appends it to the file.
    ///
    /// # Panics
    ///
    /// If a case failed, or none was tried.
    #[track_caller]
    pub fn finish(self) {
        if let Some(path) = env::var_os(VARIABLE) {
            // A single write, since many tests and processes append to the same file.
            let written = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .and_then(|mut file| file.write_all(self.line().as_bytes()));
            written.expect("the file that FMNIST_TORTURE names can be written");
        }
        let Self { row, fault, cases, failures, examples, .. } = &self;
        let failed: u64 = failures.iter().sum();
        assert_eq!(failed, 0, "{row}, {fault}: of {cases} cases; {}", examples.join("; "));
        assert_ne!(*cases, 0, "{row}, {fault}: no case was tried");
    }

    fn fail(&mut self, failure: Failure) {
        let Failure { kind, what } = failure;
        for (n, counted) in self.failures.iter_mut().zip(KINDS) {
            *n += u64::from(counted == kind);
        }
        if self.examples.len() < 5 {
            self.examples.push(format!("{kind:?}: {what}"));
        }
    }

    fn line(&self) -> String {
        let Self { row, fault, cases, failures: [lost, torn, wrong, panicked], .. } = self;
        let seconds = self.start.elapsed().as_secs_f64();
        format!("{row}\t{fault}\t{cases}\t{lost}\t{torn}\t{wrong}\t{panicked}\t{seconds:.1}\n")
    }
}

/// The message of a panic.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message").into()
}

/// A pseudo-random sequence for choosing cases. It is the same in each run, so that a failure can be repeated.
///
/// SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number below `end`, which must be above 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    /// The next time below `end`.
    pub fn time(&mut self, end: Duration) -> Duration {
        end.mul_f64(self.roll() as f64 / u64::MAX as f64)
    }
}

/// The peak memory of this process so far, in bytes; `None` if the system does not report it.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(expected: &str, case: impl FnOnce() -> Result<(), Failure>) {
        let mut tally = Tally::new("Z0", "a fault of this test");
        tally.case(|| Ok(()));
        tally.case(case);
        let line = tally.line();
        assert!(line.starts_with(&format!("Z0\ta fault of this test\t2\t{expected}\t")), "{line}");
        assert!(catch_unwind(AssertUnwindSafe(|| tally.finish())).is_err());
    }

    #[test]
    fn counts_by_kind() {
        fails("1\t0\t0\t0", || Err(Failure::lost("a file")));
        fails("0\t1\t0\t0", || Err(Failure::torn("a file")));
        fails("0\t0\t1\t0", || ensure(false, || Failure::wrong("a word")));
        fails("0\t0\t0\t1", || panic!("a bug"));
    }

    #[test]
    fn an_empty_tally_fails() {
        assert!(catch_unwind(|| Tally::new("Z0", "nothing").finish()).is_err());
    }

    #[test]
    fn parts_add_up() {
        let mut whole = Tally::new("Z0", "parts");
        let mut part = Tally::new("Z0", "parts");
        part.case(|| Ok(()));
        part.case(|| Err(Failure::torn("x")));
        whole.add(part);
        assert!(whole.line().starts_with("Z0\tparts\t2\t0\t1\t0\t0\t"));
    }

    #[test]
    fn dice_stay_the_same() {
        // The first outputs of the reference implementation for seed 1234567.
        let mut dice = Dice::new(1_234_567);
        assert_eq!(dice.roll(), 6_457_827_717_110_365_317);
        assert_eq!(dice.roll(), 3_203_168_211_198_807_973);
    }
}
