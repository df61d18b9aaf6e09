//! Fits an image into the size that a model takes.

use image::{GrayImage, imageops, imageops::FilterType};

/// Scales to fit into `width` x `height` with the proportions kept, and centres on black.
pub(crate) fn centred(grey: &GrayImage, width: u32, height: u32) -> GrayImage {
    let fitted = scaled(grey, width, height);
    let middle = |outer: u32, inner: u32| outer.saturating_sub(inner) / 2;
    placed(&fitted, middle(width, fitted.width()), middle(height, fitted.height()), width, height)
}

/// Scales to fit into `width` x `height` with the proportions kept.
pub(super) fn scaled(grey: &GrayImage, width: u32, height: u32) -> GrayImage {
    let ratio = |target: u32, side: u32| f64::from(target) / f64::from(side.max(1));
    let scale = ratio(width, grey.width()).min(ratio(height, grey.height()));
    let side = |side: u32, target: u32| to_u32(f64::from(side) * scale).clamp(1, target.max(1));
    let (width, height) = (side(grey.width(), width), side(grey.height(), height));
    imageops::resize(grey, width, height, FilterType::CatmullRom)
}

/// Puts an image onto black, with its top left corner at this place.
pub(super) fn placed(image: &GrayImage, x: u32, y: u32, width: u32, height: u32) -> GrayImage {
    let mut canvas = GrayImage::new(width, height);
    imageops::replace(&mut canvas, image, x.into(), y.into());
    canvas
}

/// Fits a picture to this size. One that has it is returned unchanged.
pub(crate) fn fitted(grey: GrayImage, width: u32, height: u32) -> GrayImage {
    if grey.dimensions() == (width, height) { grey } else { centred(&grey, width, height) }
}

fn to_u32(value: f64) -> u32 {
    value.round() as u32
}
