//! How long it takes to refuse what is made to take long. Alone in its test binary: other tests would
//! take of its time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// The file most tests start from, and ways to change it.
#[allow(dead_code, reason = "the other test programs use the rest")]
#[path = "../suite/fixture.rs"]
mod fixture;

/// Values in such numbers that a reader might take long over them.
mod values;

use std::time::{Duration, Instant};

use tally::{Failure, Tally, ensure, is_full};

use fixture::{loads, newer, refused};
use values::costly;

/// Checks five times, of which the fastest counts: a machine that others use is slow at times. Only the
/// full size looks at the clock.
fn timed(check: impl Fn() -> Result<(), Failure>) -> Result<(), Failure> {
    let mut least = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        check()?;
        least = least.min(start.elapsed());
    }
    let soon = !is_full() || least <= Duration::from_millis(100);
    ensure(soon, || Failure::wrong(format!("after {least:?}")))
}

#[test]
fn many_small_values() {
    let mut tally = Tally::new("A14", "small values in large numbers, refused within 100 ms");
    for (name, file, expected) in costly() {
        tally.case(|| timed(|| refused(&file, &[expected])));
        // Keys that this version does not know are no fault of a newer one.
        let file = newer(file);
        match name {
            "tiny keys" => tally.case(|| timed(|| loads(&file))),
            _ => tally.case(|| timed(|| refused(&file, &[expected]))),
        }
    }
    tally.finish();
}
