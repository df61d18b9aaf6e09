//! Turns the colours of a garment into the tones of the dataset: grey, dark cloth bright, and the ground black.

use image::{GrayImage, Luma, Rgb, RgbImage};

use super::ground::Ground;
use super::mask;

/// Ground at least this light, of 255, and with less colour than this is white paper in the light of the scene.
const LIGHT: f32 = 140.0;
const PALE: f32 = 0.35;
/// Ground darker than this without colour is that of a negative, as those of the dataset are.
const BLACK: f32 = 48.0;
/// Ground with less colour than this has none.
const COLOURLESS: f32 = 0.12;
/// A cut-out that is brighter than this on average would hardly be seen when negated.
pub(super) const WHITE: f32 = 225.0;

/// How tones are turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    /// The picture is a photograph: dark cloth becomes bright.
    Negated,
    /// The picture is a negative already, bright on black, or the garment is lighter than its grey ground.
    Kept,
}

impl Polarity {
    /// What a ground calls for, if `garment` is the mean luma of the garment.
    pub(super) fn on(ground: [f32; 3], garment: f32) -> Self {
        let grey = luma(ground);
        let is_black = grey < BLACK && spread(ground) < COLOURLESS * 255.0;
        let is_darker = saturation(ground) < COLOURLESS && garment > grey;
        if is_black || is_darker { Self::Kept } else { Self::Negated }
    }
}

/// The tones of the garment in `mask`; 0 elsewhere.
pub(super) fn tones(
    picture: &RgbImage,
    ground: &Ground,
    mask: &GrayImage,
    polarity: Polarity,
) -> GrayImage {
    let middle = ground.at(picture.width() / 2, picture.height() / 2);
    let is_paper = luma(middle) >= LIGHT && saturation(middle) < PALE;
    let core = match polarity == Polarity::Negated && !is_paper {
        // At the edge, colours are mixed with those of the ground, which would become bright.
        true => &mask::without_edge(mask),
        false => mask,
    };
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        if core.get_pixel(x, y).0 == [0] {
            return Luma([0]);
        }
        let ground = ground.at(x, y);
        let tone = match polarity {
            Polarity::Kept => {
                let black = luma(ground).min(254.0);
                (grey(*picture.get_pixel(x, y)) - black) / (255.0 - black)
            }
            // Paper is white, in whatever light.
            Polarity::Negated if is_paper => 1.0 - grey(*picture.get_pixel(x, y)) / luma(ground),
            Polarity::Negated => of_cut_out(*picture.get_pixel(x, y), polarity),
        };
        Luma([(tone * 255.0).round() as u8])
    })
}

/// The tone of a pixel whose ground says nothing about the light, from 0 to 1.
pub(super) fn of_cut_out(colour: Rgb<u8>, polarity: Polarity) -> f32 {
    match polarity {
        Polarity::Kept => grey(colour) / 255.0,
        Polarity::Negated => 1.0 - grey(colour) / 255.0,
    }
}

/// The mean luma of what is in `mask`, from 0 to 255.
pub(super) fn mean(picture: &RgbImage, mask: &GrayImage) -> f32 {
    let inside = || mask.pixels().zip(picture.pixels()).filter(|(mask, _)| mask.0 != [0]);
    inside().map(|(_, colour)| grey(*colour)).sum::<f32>() / inside().count().max(1) as f32
}

fn grey(Rgb(colour): Rgb<u8>) -> f32 {
    luma(colour.map(f32::from))
}

/// Rec. 709 luma, as `image` has it.
pub(super) fn luma([red, green, blue]: [f32; 3]) -> f32 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn spread(colour: [f32; 3]) -> f32 {
    colour.into_iter().fold(0.0, f32::max) - colour.into_iter().fold(255.0, f32::min)
}

/// From 0 (grey) to 1.
fn saturation(colour: [f32; 3]) -> f32 {
    spread(colour) / colour.into_iter().fold(1.0, f32::max)
}
