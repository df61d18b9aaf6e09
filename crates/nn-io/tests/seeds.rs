//! The seeds of fuzzing are valid files. From a file that is refused, the fuzzer would not get beyond the first check.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use nn_io::Checkpoint;

#[test]
fn every_model_loads_and_saves() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    // The published crate does not include them.
    if !fuzz.exists() {
        return;
    }
    let mut n = 0;
    for seed in fs::read_dir(fuzz.join("seeds/model")).unwrap() {
        let path = seed.unwrap().path();
        let loaded = Checkpoint::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let saved = loaded.view().to_bytes().unwrap();
        assert!(Checkpoint::from_bytes(&saved).unwrap() == loaded, "{}", path.display());
        n += 1;
    }
    assert!(n >= 5, "{n} seeds");
}
