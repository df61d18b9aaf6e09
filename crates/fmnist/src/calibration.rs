//! Measures when the answers of a model are sure, on images that it was not trained on.

use fmnist_data::Split;
use nn_io::Checkpoint;
use nn_train::decision::{ClassifiedImages, Decision};

use crate::{Classifier, Error, Reliability, data::check_split, hold_out};

/// The least number of held-out images: a twentieth of them are 5.
const MIN_HELD_OUT: usize = 100;

/// Measures when the answers of a model are sure, and stores that in its [`nn_io::ModelInfo::decision`]: the temperature of
/// its confidences, and what a picture must be like. Returns how far the answers to the held-out images can be relied on.
///
/// `train` is the whole training set of the model's run, with the images that the run held out. The temperature is fitted to
/// single images, also if the model averages the predictions for an image and its mirror image.
///
/// # Errors
///
/// If the model has no training state or does not classify images, the dataset is another one or does not fit the model,
/// fewer than 100 images are held out, or the model's outputs are not finite.
pub fn calibrate(checkpoint: &mut Checkpoint, train: Split) -> Result<Reliability, Error> {
    check_split(&checkpoint.model, &checkpoint.info, &train)?;
    checkpoint.info.decision = None;
    let config = &checkpoint.training.as_ref().ok_or(Error::ForInference)?.config;
    let model = checkpoint.inference_model()?;
    Classifier::from_parts(model.clone(), &checkpoint.info)?;
    let n_held_out = checkpoint.info.n_validation;
    let (train, held_out) = hold_out(train, n_held_out, config)?;
    if held_out.len() < MIN_HELD_OUT {
        return Err(Error::TooFewHeldOut { expected: MIN_HELD_OUT, found: held_out.len() });
    }
    let input = checkpoint.info.input;
    let (image, scaling) =
        (input.image.ok_or(Error::NoImages)?, input.scaling.ok_or(Error::NoScaling)?);
    let decision = Decision::fit(&model, image, scaling, config, images(&train), images(&held_out));
    checkpoint.info.decision = Some(decision.ok_or(Error::NotFinite)?);
    let classifier = Classifier::from_parts(model, &checkpoint.info)?;
    classifier.answers(&held_out)?.reliability().ok_or(Error::ForInference)
}

fn images(split: &Split) -> ClassifiedImages<'_> {
    ClassifiedImages { pixels: &split.images.pixels, labels: &split.labels }
}
