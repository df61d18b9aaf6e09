//! The classifier for browsers and Node. It takes the bytes of a model and of a picture, and returns class names with
//! probabilities.
//!
//! It is a thin wrapper around [`fmnist::Classifier`], and uses no files, threads or clock.
//!
//! Build for `wasm32-unknown-unknown` in this folder, whose `.cargo/config.toml` enables SIMD128.

#[cfg(feature = "training-test")]
mod training;

use fmnist::Classifier;
use wasm_bindgen::prelude::*;

#[cfg(feature = "training-test")]
pub use training::checksums;

/// A class of a model, with its probability.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Prediction(fmnist::Prediction);

#[wasm_bindgen]
impl Prediction {
    /// The name of the class, as in the model file.
    #[wasm_bindgen(getter, js_name = className)]
    pub fn class_name(&self) -> String {
        self.0.name.clone()
    }

    /// The probability, from 0 to 1. The probabilities of all classes sum to 1.
    #[wasm_bindgen(getter)]
    pub fn probability(&self) -> f32 {
        self.0.probability
    }
}

/// Classifies a picture (the bytes of a PNG, JPEG, WebP or other file) with a model file. Returns every class, the most probable first.
///
/// # Errors
///
/// A JavaScript `Error` that says whether the model or the picture is invalid, and why.
#[wasm_bindgen]
pub fn classify(model: &[u8], picture: &[u8]) -> Result<Vec<Prediction>, JsError> {
    let in_part =
        |part: &'static str| move |error: fmnist::Error| JsError::new(&format!("{part}: {error}"));
    let classifier = Classifier::from_bytes(model).map_err(in_part("the model"))?;
    let predictions = classifier.classify_bytes(picture).map_err(in_part("the picture"))?;
    Ok(predictions.into_iter().map(Prediction).collect())
}
