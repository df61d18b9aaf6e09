//! A dataset's split as samples.

use fmnist_data::Split;
use nn_core::Scaling;
use nn_train::{Features, Samples};

use crate::Error;

/// The images of a split as samples, with their labels.
///
/// # Errors
///
/// If the scaling is not finite, or divides by 0.
pub fn samples(split: &Split, scaling: Scaling) -> Result<Samples<'_>, Error> {
    let images = &split.images;
    let features = Features::Bytes { data: &images.pixels, scaling };
    let samples = Samples::new(features, images.height * images.width, &split.labels)?;
    Ok(samples.as_images(images.width)?)
}
