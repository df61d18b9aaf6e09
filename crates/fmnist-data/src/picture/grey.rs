//! Makes decoded pictures grey and opaque.

use image::{DynamicImage, GrayImage, Luma, RgbImage};

/// Makes a picture grey and opaque. A cut-out gets the background that shows it best: a dark garment would vanish on
/// black, and a bright one on white.
pub(super) fn flatten(picture: DynamicImage) -> GrayImage {
    match picture {
        // Most photographs. The result is the same as below, many times faster.
        DynamicImage::ImageRgb8(picture) => return greys(&picture),
        picture if !picture.color().has_alpha() => return picture.into_luma8(),
        _ => {}
    }
    let picture = picture.into_luma_alpha8();
    let (mut sum, mut weight) = (0_u64, 0_u64);
    for image::LumaA([luma, alpha]) in picture.pixels() {
        let alpha = u64::from(*alpha);
        sum = sum.saturating_add(u64::from(*luma).saturating_mul(alpha));
        weight = weight.saturating_add(alpha);
    }
    let mean = sum.checked_div(weight).unwrap_or(0);
    let ground = if mean < 128 { 255 } else { 0 };
    let mut grey = GrayImage::new(picture.width(), picture.height());
    for (Luma([out]), image::LumaA([luma, alpha])) in grey.pixels_mut().zip(picture.pixels()) {
        *out = blend(*luma, ground, *alpha);
    }
    grey
}

/// The Rec. 709 luma of each pixel, rounded to nearest. In whole numbers, so that it is the same on every processor: the sums of
/// floating-point numbers that the image crate takes are not.
fn greys(picture: &RgbImage) -> GrayImage {
    // Of 2^24, which they sum up to, so no sum overflows.
    const RED: u32 = 3_567_638;
    const GREEN: u32 = 11_998_715;
    const BLUE: u32 = (1 << 24) - RED - GREEN;
    let mut grey = GrayImage::new(picture.width(), picture.height());
    let (pixels, _) = picture.as_raw().as_chunks::<3>();
    for (out, colour) in grey.iter_mut().zip(pixels) {
        let [r, g, b] = colour.map(u32::from);
        let sum = r.wrapping_mul(RED).wrapping_add(g.wrapping_mul(GREEN));
        let [luma, ..] = sum.wrapping_add(b.wrapping_mul(BLUE)).wrapping_add(1 << 23).to_be_bytes();
        *out = luma;
    }
    grey
}

/// `alpha` parts of `over` and 255 - `alpha` parts of `under`, rounded to nearest.
fn blend(over: u8, under: u8, alpha: u8) -> u8 {
    let [over, under, alpha] = [over, under, alpha].map(u32::from);
    let under_part = under.saturating_mul(255_u32.saturating_sub(alpha));
    let sum = over.saturating_mul(alpha).saturating_add(under_part).saturating_add(127);
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}
