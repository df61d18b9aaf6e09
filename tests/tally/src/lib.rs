#![doc = include_str!("../README.md")]

use std::any::Any;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use std::{env, fs};

/// The environment variable that asks for all cases and names the file that tallies are appended to.
pub const VARIABLE: &str = "FMNIST_TORTURE";

/// Whether all cases are asked for.
pub fn is_full() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// One value for `cargo test`, another for all cases.
pub fn size<T>(quick: T, full: T) -> T {
    if is_full() { full } else { quick }
}

/// What a case did that it must not.
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
    /// What was good, or acknowledged, is gone.
    pub fn lost(what: impl Display) -> Self {
        Self { kind: Kind::Lost, what: what.to_string() }
    }

    /// What is damaged or half was taken for whole.
    pub fn torn(what: impl Display) -> Self {
        Self { kind: Kind::Torn, what: what.to_string() }
    }

    /// The answer is not the one it must be: its text, its exit code, its time, its memory.
    pub fn wrong(what: impl Display) -> Self {
        Self { kind: Kind::Wrong, what: what.to_string() }
    }
}

/// The failure where `holds` is false.
///
/// # Errors
///
/// That failure.
pub fn ensure(holds: bool, failure: impl FnOnce() -> Failure) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(failure()) }
}

/// How many failures of each kind, in the order of the table's columns.
const KINDS: [Kind; 4] = [Kind::Lost, Kind::Torn, Kind::Wrong, Kind::Panicked];

/// The cases of one fault.
#[derive(Debug)]
#[must_use = "a tally that is not finished tells nobody"]
pub struct Tally {
    row: &'static str,
    fault: &'static str,
    cases: u64,
    failures: [u64; KINDS.len()],
    /// What the first failures were.
    examples: Vec<String>,
    start: Instant,
}

impl Tally {
    /// A tally of a row of the catalogue, and of which fault of that row.
    pub fn new(row: &'static str, fault: &'static str) -> Self {
        let start = Instant::now();
        Self { row, fault, cases: 0, failures: [0; KINDS.len()], examples: Vec::new(), start }
    }

    /// Tries a case. A panic in it is counted like any failure.
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

    /// Ends the count: the full size writes it down.
    ///
    /// # Panics
    ///
    /// If a case failed, or none was tried.
    #[track_caller]
    pub fn finish(self) {
        if let Some(path) = env::var_os(VARIABLE) {
            // One write, since tests of one process and of many append to the same file.
            let written = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .and_then(|mut file| file.write_all(self.line().as_bytes()));
            written.expect("the file that FMNIST_TORTURE names takes tallies");
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

/// What a panic said.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message").into()
}

/// A pseudo-random sequence for choosing cases: the same in each run, so that a failure comes again.
///
/// SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A sequence of its own for each seed.
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

    /// The next number below `end`, which is above 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    /// The next time below `end`.
    pub fn time(&mut self, end: Duration) -> Duration {
        end.mul_f64(self.roll() as f64 / u64::MAX as f64)
    }
}

/// The most memory that this process has had so far, in bytes, where the system tells.
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
