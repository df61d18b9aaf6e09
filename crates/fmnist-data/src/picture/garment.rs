//! Finds the garment in a photograph, and makes an image of it like those of the dataset.
//!
//! 1. [`frame`]: what is within frames and margins.
//! 2. [`ground`]: the colour of the ground at each place, and how it scatters.
//! 3. [`mask`]: the pixels that differ from the ground, without dust, text and [shadows](shadow).
//! 4. [`crop`]: the part of the picture that holds them. It is looked at a second time, more closely.
//! 5. [`tone`]: from colours to the dataset's tones, black where there is no garment.
//! 6. [`fit`]: to the size that the model takes.

mod crop;
mod fit;
mod frame;
mod ground;
mod mask;
mod pieces;
mod shadow;
mod tone;

use image::{GrayImage, Luma, RgbImage, imageops};

use super::decode::Photo;
use crop::Area;
pub(crate) use fit::fitted;
use ground::Ground;

/// The longest side of what is examined at once. Shrinking to it averages noise, and leaves a garment several times the
/// pixels that a model takes.
const VIEW: u32 = 192;
/// The margin around a garment in the second look, as a part of its longest side.
const MARGIN: f32 = 0.2;
/// How opaque a pixel of a cut-out is at least, of 255 (5 %).
const OPAQUE: u8 = 13;

/// The image of the garment in a photograph. If there is none, it is black.
pub(super) fn image(photo: &Photo, width: u32, height: u32) -> GrayImage {
    let tones = match &photo.alpha {
        Some(alpha) => cut_out(&photo.colour, alpha),
        None => found(&photo.colour),
    };
    match tones {
        Some(tones) => fit::centred(&tones, width, height),
        None => GrayImage::new(width, height),
    }
}

/// The tones of a garment on ground.
fn found(picture: &RgbImage) -> Option<GrayImage> {
    let inside = frame::inside(picture);
    let first = View::of(picture, inside);
    let area = first.place(Area::around(&first.mask)?).with_margin(MARGIN, inside);
    let second = View::of(picture, area);
    second.tones().or_else(|| first.tones())
}

/// The tones of a garment that has been cut out of its ground. It is taken for a photograph, unless nothing would be left
/// of it then.
fn cut_out(picture: &RgbImage, alpha: &GrayImage) -> Option<GrayImage> {
    let mut mask = alpha.clone();
    mask.pixels_mut().for_each(|Luma([alpha])| *alpha = if *alpha < OPAQUE { 0 } else { 255 });
    let area = Area::around(&mask)?;
    let polarity = match tone::mean(picture, &mask) > tone::WHITE {
        true => tone::Polarity::Kept,
        false => tone::Polarity::Negated,
    };
    let tones = GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let tone = tone::of_cut_out(*picture.get_pixel(x, y), polarity);
        Luma([(tone * f32::from(alpha.get_pixel(x, y).0[0])).round() as u8])
    });
    Some(area.of(&tones))
}

/// A part of a photograph, shrunk, and what was found in it.
struct View {
    area: Area,
    picture: RgbImage,
    ground: Ground,
    mask: GrayImage,
}

impl View {
    fn of(picture: &RgbImage, area: Area) -> Self {
        let mut picture = area.of(picture);
        let longest = area.width.max(area.height);
        if longest > VIEW {
            let side = |side: u32| (side * VIEW / longest).max(1);
            picture = imageops::thumbnail(&picture, side(area.width), side(area.height));
        }
        let ground = Ground::of(&picture);
        let mask = mask::garment(&picture, &ground);
        Self { area, picture, ground, mask }
    }

    /// Where an area of this view lies in the whole photograph.
    fn place(&self, area: Area) -> Area {
        let across = self.area.width as f32 / self.picture.width() as f32;
        let down = self.area.height as f32 / self.picture.height() as f32;
        let from = |at: u32, scale: f32| (at as f32 * scale) as u32;
        let to = |at: u32, scale: f32, most: u32| ((at as f32 * scale).ceil() as u32).min(most);
        let (x, y) = (from(area.x, across), from(area.y, down));
        Area {
            x: self.area.x + x,
            y: self.area.y + y,
            width: to(area.x + area.width, across, self.area.width) - x,
            height: to(area.y + area.height, down, self.area.height) - y,
        }
    }

    /// The tones of the garment, cropped to it, if there is one.
    fn tones(&self) -> Option<GrayImage> {
        let area = Area::around(&self.mask)?;
        Some(area.of(&tone::tones(&self.picture, &self.ground, &self.mask)))
    }
}

#[cfg(test)]
mod tests;
