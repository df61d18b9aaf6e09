//! What a picture shows: preparation, forward pass and class names, without JavaScript.

use fmnist_data::{DatasetName, picture};
use nn_core::Workspace;
use nn_io::Checkpoint;
use wasm_bindgen::prelude::*;

/// One class of a model, and how probable it is.
#[wasm_bindgen]
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    class_name: String,
    probability: f32,
}

#[wasm_bindgen]
impl Prediction {
    /// The class's name, as the model file has it.
    #[wasm_bindgen(getter, js_name = className)]
    pub fn class_name(&self) -> String {
        self.class_name.clone()
    }

    /// From 0 to 1; over all classes they sum to 1.
    #[wasm_bindgen(getter)]
    pub fn probability(&self) -> f32 {
        self.probability
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's bytes are not a valid model file.
    #[error("the model: {0}")]
    Model(#[from] nn_io::Error),

    /// The picture's bytes are not a valid PNG or JPEG file.
    #[error("the picture: {0}")]
    Picture(#[from] fmnist_data::Error),

    /// The model is valid but gives no probabilities of classes.
    #[error("the model: expected softmax as the last layer, which gives probabilities")]
    NotAClassifier,

    /// The model file does not have what a classifier of images needs.
    #[error("the model: expected {0} in the file, found none")]
    Missing(&'static str),

    /// A probability is infinite or not a number.
    #[error("the model gives no finite probabilities; its weights are too large")]
    NotFinite,
}

/// Classifies the bytes of a PNG or JPEG file with the bytes of a model file. Returns every class, the most probable
/// first.
///
/// # Errors
///
/// If the model or the picture is invalid, or the model is not a classifier of images.
pub fn predict(model: &[u8], picture: &[u8]) -> Result<Vec<Prediction>, Error> {
    let checkpoint = Checkpoint::from_bytes(model)?;
    let model = checkpoint.inference_model()?;
    if !model.is_classifier() {
        return Err(Error::NotAClassifier);
    }
    let info = checkpoint.info;
    let image = info.input.image.ok_or(Error::Missing("the size of its images"))?;
    let scaling = info.input.scaling.ok_or(Error::Missing("the scaling of its pixels"))?;
    if info.class_names.is_empty() {
        return Err(Error::Missing("the names of its classes"));
    }
    // Garments are made to look like the dataset's; in a custom dataset the tones may matter.
    let garments = [DatasetName::FashionMnist, DatasetName::Synthetic];
    let dataset = info.dataset.map(|dataset| dataset.name);
    let is_garment = garments.iter().any(|name| dataset.as_deref() == Some(name.as_str()));
    let prepare = if is_garment { picture::decode } else { picture::decode_plain };
    // No layer has more than 2^24 inputs.
    let mut pixels = prepare(picture, image.width as u32, image.height as u32)?;

    let mut workspace = Workspace::inference(&model, 1);
    workspace.set_input_bytes(1, scaling, |_| &pixels);
    let mut probabilities: Vec<f32> = model.forward(&mut workspace).iter().copied().collect();
    if info.input.mirror {
        pixels.chunks_mut(image.width).for_each(<[u8]>::reverse);
        workspace.set_input_bytes(1, scaling, |_| &pixels);
        for (p, &other) in probabilities.iter_mut().zip(model.forward(&mut workspace).iter()) {
            *p = 0.5 * (*p + other);
        }
    }
    if !probabilities.iter().all(|probability| probability.is_finite()) {
        return Err(Error::NotFinite);
    }
    let named = info.class_names.into_iter().zip(probabilities);
    let mut predictions: Vec<Prediction> =
        named.map(|(class_name, probability)| Prediction { class_name, probability }).collect();
    predictions.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Ok(predictions)
}
