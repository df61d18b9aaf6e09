//! Fits an image into the size that a model takes.

use image::{ImageBuffer, Pixel, imageops, imageops::FilterType};

/// An image of bytes, grey or in colour.
type Bytes<P> = ImageBuffer<P, Vec<u8>>;

/// Scales to fit into `width` x `height` with the proportions kept, and centres on black.
pub(crate) fn centred<P>(image: &Bytes<P>, width: u32, height: u32) -> Bytes<P>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let fitted = scaled(image, width, height);
    let middle = |outer: u32, inner: u32| outer.saturating_sub(inner) / 2;
    placed(&fitted, middle(width, fitted.width()), middle(height, fitted.height()), width, height)
}

/// Scales to fit into `width` x `height` with the proportions kept.
pub(super) fn scaled<P>(image: &Bytes<P>, width: u32, height: u32) -> Bytes<P>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let ratio = |target: u32, side: u32| f64::from(target) / f64::from(side.max(1));
    let scale = ratio(width, image.width()).min(ratio(height, image.height()));
    let side = |side: u32, target: u32| to_u32(f64::from(side) * scale).clamp(1, target.max(1));
    let (width, height) = (side(image.width(), width), side(image.height(), height));
    imageops::resize(image, width, height, FilterType::CatmullRom)
}

/// Puts an image onto black, with its top left corner at this place.
pub(super) fn placed<P>(image: &Bytes<P>, x: u32, y: u32, width: u32, height: u32) -> Bytes<P>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let mut canvas = Bytes::new(width, height);
    imageops::replace(&mut canvas, image, x.into(), y.into());
    canvas
}

/// Fits a picture to this size. One that has it is returned unchanged.
pub(crate) fn fitted<P>(image: Bytes<P>, width: u32, height: u32) -> Bytes<P>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    if image.dimensions() == (width, height) { image } else { centred(&image, width, height) }
}

fn to_u32(value: f64) -> u32 {
    value.round() as u32
}
