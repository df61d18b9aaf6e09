//! The pictures that `predict` is given: any bytes give an image of the network's size, or an
//! error.
//!
//! The PNG decoder leaves out its checksums where `cfg(fuzzing)` is set, as it is here, so that
//! what lies behind them is reached.
#![no_main]

use fmnist_data::picture;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = picture::decode(bytes, 28, 28) {
        assert_eq!(image.len(), 28 * 28);
    }
});
