//! Pictures, as `predict` reads them: any bytes give an image of the network's size, or an error.
//!
//! With `cfg(fuzzing)`, which is set here, the PNG decoder ignores its checksums, so that the fuzzer reaches the code after
//! them.
#![no_main]

use fmnist_data::picture::{Finding, Preparation};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for preparation in Preparation::ALL {
        let Ok(seen) = preparation.decode(bytes, 28, 28) else { return };
        assert_eq!(seen.pixels.len(), 28 * 28);
        if let Finding::Object(object) = seen.finding {
            assert!(object.width > 0 && object.height > 0);
        }
    }
});
