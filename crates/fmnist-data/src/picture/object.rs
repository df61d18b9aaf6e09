//! Finds the object in a picture, a garment or ink, and makes an image of it like those of the dataset.
//!
//! 1. [`frame`]: what is within frames and margins.
//! 2. [`ground`]: the colour of the ground at each place, and how it scatters.
//! 3. [`mask`]: the pixels that differ from the ground, without dust, text and [shadows](shadow).
//! 4. [`crop`]: the part of the picture that holds them. It is looked at a second time, more closely.
//! 5. [`tone`]: from colours to the dataset's tones, black where there is no garment; [`ink`]: the same for ink.
//! 6. [`fit`]: to the size that the model takes.

mod crop;
mod fit;
mod frame;
mod ground;
mod ink;
mod mask;
mod pieces;
mod shadow;
mod tone;

use image::{GrayImage, Luma, RgbImage, imageops};

use super::decode::Photo;
use crop::Area;
pub(crate) use fit::fitted;
use ground::Ground;
use tone::Polarity;

/// The longest side of what is examined at once. Shrinking to it averages noise, and leaves an object several times the
/// pixels that a model takes.
const VIEW: u32 = 192;
/// The margin around an object in the second look, as a part of its longest side.
const MARGIN: f32 = 0.2;
/// How opaque a pixel of a cut-out is at least, of 255 (5 %).
const OPAQUE: u8 = 13;

/// An object that was found in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// The left edge of its box, in pixels of the upright picture. The box is tight.
    pub x: u32,
    /// The top edge of its box.
    pub y: u32,
    /// The width of its box.
    pub width: u32,
    /// The height of its box.
    pub height: u32,
    /// Whether its tones were negated: what is dark in the picture is bright in the image.
    pub is_negated: bool,
    /// Whether it reaches all four sides of the picture, or of the frame in it, so that hardly any ground was seen.
    pub fills_picture: bool,
    /// The colour of the ground in the middle: red, green and blue. `None` for a cut-out, which has no ground.
    pub ground: Option<[u8; 3]>,
}

impl Object {
    fn new(area: Area, inside: Area, polarity: Polarity, ground: Option<[f32; 3]>) -> Self {
        let Area { x, y, width, height } = area;
        // A pixel of a view is several of the picture.
        let slack = inside.width.max(inside.height).div_ceil(VIEW);
        let fills_picture = area.with_slack(slack).holds(inside);
        let is_negated = polarity == Polarity::Negated;
        let ground = ground.map(|colour| colour.map(|value| value.round() as u8));
        Self { x, y, width, height, is_negated, fills_picture, ground }
    }

    /// The same object in a picture of other sides.
    pub(super) fn scaled(self, from: (u32, u32), to: (u32, u32)) -> Self {
        let scaled = |at: u32, from: u32, to: u32| {
            (u64::from(at) * u64::from(to) / u64::from(from.max(1))) as u32
        };
        let (x, y) = (scaled(self.x, from.0, to.0), scaled(self.y, from.1, to.1));
        let width = scaled(self.x + self.width, from.0, to.0) - x;
        let height = scaled(self.y + self.height, from.1, to.1) - y;
        Self { x, y, width: width.max(1), height: height.max(1), ..self }
    }
}

/// The image of the garment in a photograph. If there is none, it is black.
pub(super) fn garment(photo: &Photo, width: u32, height: u32) -> (GrayImage, Option<Object>) {
    let found = match &photo.alpha {
        Some(alpha) => cut_out(&photo.colour, alpha),
        None => View::closest(&photo.colour, mask::GARMENT_REACH).map(|(view, area)| {
            let polarity = view.polarity();
            let tones = tone::tones(&view.picture, &view.ground, &view.mask, polarity);
            (area.of(&tones), view.object(area, polarity))
        }),
    };
    match found {
        Some((tones, object)) => (fit::centred(&tones, width, height), Some(object)),
        None => (GrayImage::new(width, height), None),
    }
}

/// The image of the ink in a photograph or a scan. If there is none, it is black.
pub(super) fn ink(photo: &Photo, width: u32, height: u32) -> (GrayImage, Option<Object>) {
    let found = match &photo.alpha {
        // Ink without paper, whatever its colour.
        Some(alpha) => Area::around(&opaque(alpha)).map(|area| {
            let polarity = polarity_of_cut_out(&photo.colour, alpha);
            (area.of(alpha), Object::new(area, Area::all(&photo.colour), polarity, None))
        }),
        None => View::closest(&photo.colour, mask::INK_REACH).map(|(view, area)| {
            let tones = ink::tones(&view.picture, &view.ground, &view.mask);
            (area.of(&tones), view.object(area, view.polarity_of_ink()))
        }),
    };
    match found {
        Some((tones, object)) => (ink::fitted(&tones, width, height), Some(object)),
        None => (GrayImage::new(width, height), None),
    }
}

/// The tones of a garment that has been cut out of its ground. It is taken for a photograph, unless nothing would be left
/// of it then.
fn cut_out(picture: &RgbImage, alpha: &GrayImage) -> Option<(GrayImage, Object)> {
    let area = Area::around(&opaque(alpha))?;
    let polarity = polarity_of_cut_out(picture, alpha);
    let tones = GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let tone = tone::of_cut_out(*picture.get_pixel(x, y), polarity);
        Luma([(tone * f32::from(alpha.get_pixel(x, y).0[0])).round() as u8])
    });
    Some((area.of(&tones), Object::new(area, Area::all(picture), polarity, None)))
}

fn polarity_of_cut_out(picture: &RgbImage, alpha: &GrayImage) -> Polarity {
    match tone::mean(picture, &opaque(alpha)) > tone::WHITE {
        true => Polarity::Kept,
        false => Polarity::Negated,
    }
}

/// The mask of what is not transparent.
fn opaque(alpha: &GrayImage) -> GrayImage {
    let mut mask = alpha.clone();
    mask.pixels_mut().for_each(|Luma([alpha])| *alpha = if *alpha < OPAQUE { 0 } else { 255 });
    mask
}

/// A part of a photograph, shrunk, and what was found in it.
struct View {
    /// What is within the frames of the photograph.
    inside: Area,
    /// The part of it that is seen.
    area: Area,
    picture: RgbImage,
    ground: Ground,
    mask: GrayImage,
}

impl View {
    /// The closest look at the object in a picture, and the object's place in this view. Pieces within `reach` belong to
    /// it.
    fn closest(picture: &RgbImage, reach: f32) -> Option<(Self, Area)> {
        let inside = frame::inside(picture);
        let first = Self::of(picture, inside, inside, reach);
        let area = Area::around(&first.mask)?;
        let closer = first.place(area).with_margin(MARGIN, inside);
        let second = Self::of(picture, inside, closer, reach);
        match Area::around(&second.mask) {
            Some(area) => Some((second, area)),
            None => Some((first, area)),
        }
    }

    fn of(picture: &RgbImage, inside: Area, area: Area, reach: f32) -> Self {
        let mut picture = area.of(picture);
        let longest = area.width.max(area.height);
        if longest > VIEW {
            let side = |side: u32| (side * VIEW / longest).max(1);
            picture = imageops::thumbnail(&picture, side(area.width), side(area.height));
        }
        let ground = Ground::of(&picture);
        let mask = mask::object(&picture, &ground, reach);
        Self { inside, area, picture, ground, mask }
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

    /// The object in this area, in the whole photograph.
    fn object(&self, area: Area, polarity: Polarity) -> Object {
        Object::new(self.place(area), self.inside, polarity, Some(self.middle()))
    }

    /// How the tones of a garment are turned.
    fn polarity(&self) -> Polarity {
        Polarity::on(self.middle(), tone::mean(&self.picture, &self.mask))
    }

    /// How the tones of ink are turned: ink is darker or lighter than its ground.
    fn polarity_of_ink(&self) -> Polarity {
        match tone::mean(&self.picture, &self.mask) < tone::luma(self.middle()) {
            true => Polarity::Negated,
            false => Polarity::Kept,
        }
    }

    /// The colour of the ground in the middle.
    fn middle(&self) -> [f32; 3] {
        self.ground.at(self.picture.width() / 2, self.picture.height() / 2)
    }
}

#[cfg(test)]
mod tests;
