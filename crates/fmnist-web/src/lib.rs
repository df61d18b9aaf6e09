//! The classifier for browsers and Node: the bytes of a model and of a picture in, class names with probabilities out.
//!
//! [`classify`] is the binding, a thin shell over [`predict`], which is plain Rust and gives the same on any target.
//! There is no file, no thread and no clock here.
//!
//! Build for `wasm32-unknown-unknown` in this folder, whose `.cargo/config.toml` enables SIMD128.

mod predict;
#[cfg(feature = "training-test")]
mod training;

use wasm_bindgen::prelude::*;

pub use predict::{Error, Prediction, predict};
#[cfg(feature = "training-test")]
pub use training::train_losses;

/// Classifies a PNG or JPEG picture with a model file. Returns every class, the most probable first.
///
/// # Errors
///
/// A JavaScript `Error` with the message of [`Error`].
#[wasm_bindgen]
pub fn classify(model: &[u8], picture: &[u8]) -> Result<Vec<Prediction>, JsError> {
    Ok(predict(model, picture)?)
}
