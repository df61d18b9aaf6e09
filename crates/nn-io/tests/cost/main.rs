//! How long it takes to refuse files that are made to take long. This test has a binary of its own, since other tests
//! in the same binary would slow it down.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// The file that most tests start from, and ways to change it.
#[allow(dead_code, reason = "the other test programs use the rest")]
#[path = "../suite/fixture.rs"]
mod fixture;

/// So many values that a reader could take long to read them.
mod values;

use std::time::{Duration, Instant};

use tally::{Failure, Tally, ensure, is_full};

use fixture::{loads, newer, refused};
use values::costly;

/// Runs a check five times. Only the fastest time counts, since a machine that others use can be slow at times. Only
/// the full size of the test looks at the clock.
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
        // A newer version may have keys that this version does not know.
        let file = newer(file);
        match name {
            "tiny keys" => tally.case(|| timed(|| loads(&file))),
            _ => tally.case(|| timed(|| refused(&file, &[expected]))),
        }
    }
    tally.finish();
}
