use std::time::{Duration, Instant};

use tally::{Failure, Tally, ensure, is_full};

use crate::fixture::{loads, newer, refused};
use crate::hostile::costly;

/// Only the full size looks at the clock: it has the machine to itself.
fn timed(check: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let start = Instant::now();
    check()?;
    let time = start.elapsed();
    let soon = !is_full() || time <= Duration::from_millis(100);
    ensure(soon, || Failure::wrong(format!("after {time:?}")))
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
