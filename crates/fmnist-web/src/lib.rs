//! The classifier for browsers and Node: the bytes of a model and of a picture in, class names with probabilities out.
//!
//! It is a thin shell over [`fmnist::Classifier`]. There is no file, no thread and no clock here.
//!
//! Build for `wasm32-unknown-unknown` in this folder, whose `.cargo/config.toml` enables SIMD128.

#[cfg(feature = "training-test")]
mod training;

use fmnist::Classifier;
use wasm_bindgen::prelude::*;

#[cfg(feature = "training-test")]
pub use training::train_losses;

/// One class of a model, and how probable it is.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Prediction(fmnist::Prediction);

#[wasm_bindgen]
impl Prediction {
    /// The class's name, as the model file has it.
    #[wasm_bindgen(getter, js_name = className)]
    pub fn class_name(&self) -> String {
        self.0.name.clone()
    }

    /// From 0 to 1; over all classes they sum to 1.
    #[wasm_bindgen(getter)]
    pub fn probability(&self) -> f32 {
        self.0.probability
    }
}

/// Classifies a PNG or JPEG picture with a model file. Returns every class, the most probable first.
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
