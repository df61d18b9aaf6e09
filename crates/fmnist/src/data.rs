//! Turns a dataset's split into samples, and checks that a dataset is the one of a saved run.

use fmnist_data::{DatasetInfo, Images, Split};
use nn_core::{Model, Scaling, Shape};
use nn_io::ModelInfo;
use nn_train::{Features, Samples};

use crate::Error;

/// Turns a split into samples for [`nn_train`]: images with their labels.
///
/// # Errors
///
/// If the scaling is not finite, or divides by 0.
pub fn samples(split: &Split, scaling: Scaling) -> Result<Samples<'_>, Error> {
    let images = &split.images;
    let features = Features::Bytes { data: &images.pixels, scaling };
    let samples = Samples::new(features, images.image_len(), &split.labels)?;
    Ok(samples.as_images(shape_of(images))?)
}

/// The shape of an image.
pub(crate) fn shape_of(images: &Images) -> Shape {
    let &Images { height, width, channels, .. } = images;
    Shape { height, width, channels }
}

/// The scaling that suits most images: that of bytes up to 255 or, if the largest byte is below 128, of bytes up to that.
/// Images with few levels, such as 0 to 15, are then trained as well as if they were stretched to 255.
pub(crate) fn fitting_scaling(train: &Images) -> Scaling {
    let half = 128;
    if train.pixels.iter().any(|&pixel| pixel >= half) {
        return Scaling::default();
    }
    let largest = train.pixels.iter().max().copied().unwrap_or(0);
    if largest == 0 { Scaling::default() } else { scaling_to(largest) }
}

/// The scaling that makes 0 to `white` -1 to 1.
pub(crate) fn scaling_to(white: u8) -> Scaling {
    let half = f32::from(white) / 2.0;
    Scaling { mean: half, std: half }
}

/// Checks that this is the dataset that a saved run began with.
///
/// # Errors
///
/// [`Error::OtherData`], with both fingerprints.
pub fn check_dataset(info: &ModelInfo, dataset: &DatasetInfo) -> Result<(), Error> {
    match &info.dataset {
        Some(saved) if saved.sha256 != dataset.sha256 => {
            Err(Error::OtherData { expected: saved.sha256.clone(), found: dataset.sha256.clone() })
        }
        _ => Ok(()),
    }
}

/// Checks that a training set fits the model, and is the one that its run began with.
pub(crate) fn check_split(model: &Model, info: &ModelInfo, train: &Split) -> Result<(), Error> {
    let (expected, found) = (model.outputs(), train.dataset.class_names.len());
    if expected != found {
        return Err(Error::Classes { expected, found });
    }
    check_pixels(model, train.images.image_len())?;
    check_dataset(info, &train.dataset)
}

/// Fails if an image with this many pixels does not fit the model.
pub(crate) fn check_pixels(model: &Model, found: usize) -> Result<(), Error> {
    let expected = model.inputs();
    if found == expected { Ok(()) } else { Err(Error::Pixels { expected, found }) }
}
