//! Makes decoded pictures opaque, and grey or RGB.

use image::{DynamicImage, GrayAlphaImage, GrayImage, Luma, LumaA, Rgb, RgbImage, Rgba};

/// A grey picture.
pub(crate) struct Grey {
    pub(crate) image: GrayImage,
    /// Whether it lost its colours.
    pub(crate) had_colours: bool,
}

impl Grey {
    pub(super) fn new(picture: DynamicImage) -> Self {
        let had_colours = match &picture {
            DynamicImage::ImageRgb8(picture) => {
                picture.pixels().any(|Rgb([r, g, b])| r != g || g != b)
            }
            DynamicImage::ImageRgba8(picture) => {
                picture.pixels().any(|Rgba([r, g, b, _])| r != g || g != b)
            }
            picture => picture.color().has_color(),
        };
        Self { image: flatten(picture), had_colours }
    }
}

/// Makes a picture grey and opaque. A cut-out gets the background that shows it best: a dark garment would vanish on
/// black, and a bright one on white.
fn flatten(picture: DynamicImage) -> GrayImage {
    match picture {
        // Most photographs. The result is the same as below, many times faster.
        DynamicImage::ImageRgb8(picture) => return greys(&picture),
        picture if !picture.color().has_alpha() => return picture.into_luma8(),
        _ => {}
    }
    let picture = picture.into_luma_alpha8();
    let ground = ground(&picture);
    let mut grey = GrayImage::new(picture.width(), picture.height());
    for (Luma([out]), LumaA([luma, alpha])) in grey.pixels_mut().zip(picture.pixels()) {
        *out = blend(*luma, ground, *alpha);
    }
    grey
}

/// Makes a picture opaque, on the same ground as [`flatten`].
pub(super) fn opaque(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let ground = ground(&picture.to_luma_alpha8());
    let picture = picture.into_rgba8();
    let mut opaque = RgbImage::new(picture.width(), picture.height());
    for (Rgb(out), Rgba([r, g, b, alpha])) in opaque.pixels_mut().zip(picture.pixels()) {
        *out = [r, g, b].map(|&value| blend(value, ground, *alpha));
    }
    opaque
}

/// The grey to put under a cut-out: white under a dark one, black under a bright one.
fn ground(picture: &GrayAlphaImage) -> u8 {
    let (mut sum, mut weight) = (0_u64, 0_u64);
    for LumaA([luma, alpha]) in picture.pixels() {
        let alpha = u64::from(*alpha);
        sum = sum.saturating_add(u64::from(*luma).saturating_mul(alpha));
        weight = weight.saturating_add(alpha);
    }
    let mean = sum.checked_div(weight).unwrap_or(0);
    if mean < 128 { 255 } else { 0 }
}

fn greys(picture: &RgbImage) -> GrayImage {
    let mut grey = GrayImage::new(picture.width(), picture.height());
    let (pixels, _) = picture.as_raw().as_chunks::<3>();
    for (out, colour) in grey.iter_mut().zip(pixels) {
        *out = luma(*colour);
    }
    grey
}

/// The Rec. 709 luma of a pixel, rounded to nearest. In whole numbers, so that it is the same on every processor: the sums of
/// floating-point numbers that the image crate takes are not.
pub(crate) fn luma(colour: [u8; 3]) -> u8 {
    // Of 2^24, which they sum up to, so no sum overflows.
    const RED: u32 = 3_567_638;
    const GREEN: u32 = 11_998_715;
    const BLUE: u32 = (1 << 24) - RED - GREEN;
    let [r, g, b] = colour.map(u32::from);
    let sum = r.wrapping_mul(RED).wrapping_add(g.wrapping_mul(GREEN));
    let [luma, ..] = sum.wrapping_add(b.wrapping_mul(BLUE)).wrapping_add(1 << 23).to_be_bytes();
    luma
}

/// `alpha` parts of `over` and 255 - `alpha` parts of `under`, rounded to nearest.
fn blend(over: u8, under: u8, alpha: u8) -> u8 {
    let [over, under, alpha] = [over, under, alpha].map(u32::from);
    let under_part = under.saturating_mul(255_u32.saturating_sub(alpha));
    let sum = over.saturating_mul(alpha).saturating_add(under_part).saturating_add(127);
    u8::try_from(sum / 255).unwrap_or(u8::MAX)
}
