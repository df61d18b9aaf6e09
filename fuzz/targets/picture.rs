//! Pictures, as `predict` reads them: any bytes give an image of the network's size, or an error.
//!
//! With `cfg(fuzzing)`, which is set here, the PNG decoder ignores its checksums, so that the fuzzer reaches the code after
//! them.
#![no_main]

use fmnist_data::picture;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = picture::decode(bytes, 28, 28) {
        assert_eq!(image.len(), 28 * 28);
    }
});
