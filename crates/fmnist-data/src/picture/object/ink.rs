//! Makes images of ink as MNIST has them.

use image::{GrayImage, Luma, RgbImage};

use super::ground::Ground;
use super::{fit, mask};

/// The part of the image that ink is scaled to fit into: 20 of 28 pixels.
const BOX: (u32, u32) = (20, 28);
/// Ink at this part of the sorted contrasts is white. The rest, such as a blot, would make strokes grey.
const WHITE: f32 = 0.8;

/// How much ink is at each pixel: 255 for the ink in `mask`, less at its edge, and 0 elsewhere.
pub(super) fn tones(picture: &RgbImage, ground: &Ground, mask: &GrayImage) -> GrayImage {
    let contrast = |x: u32, y: u32| -> f32 {
        let colour = picture.get_pixel(x, y).0.map(f32::from);
        let differences = colour.into_iter().zip(ground.at(x, y)).map(|(a, b)| (a - b) * (a - b));
        differences.sum::<f32>().sqrt()
    };
    let inside = mask.enumerate_pixels().filter(|(_, _, inside)| inside.0 != [0]);
    let mut contrasts: Vec<f32> = inside.map(|(x, y, _)| contrast(x, y)).collect();
    contrasts.sort_unstable_by(f32::total_cmp);
    let white = contrasts.get((WHITE * contrasts.len() as f32) as usize).copied().unwrap_or(255.0);
    // At the edge of a stroke, the ink is mixed with its ground, which smooths small images.
    let wider = mask::with_edge(mask);
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let tone = contrast(x, y) / white.max(1.0) * f32::from(wider.get_pixel(x, y).0[0]);
        Luma([tone.round() as u8])
    })
}

/// Scales ink into its box, and puts its centre of mass into the middle.
pub(super) fn fitted(tones: &GrayImage, width: u32, height: u32) -> GrayImage {
    let side = |side: u32| (side * BOX.0 / BOX.1).max(1);
    let mut ink = fit::scaled(tones, side(width), side(height));
    // Thin strokes become grey when they are scaled down; those of the dataset are white.
    let brightest = ink.pixels().map(|tone| tone.0[0]).max().unwrap_or(0).max(1);
    for Luma([tone]) in ink.pixels_mut() {
        *tone = (u32::from(*tone) * 255 / u32::from(brightest)) as u8;
    }
    let [mut mass, mut across, mut down] = [0.0_f32; 3];
    for (x, y, Luma([tone])) in ink.enumerate_pixels() {
        let tone = f32::from(*tone);
        mass += tone;
        across += tone * x as f32;
        down += tone * y as f32;
    }
    // The place of the top left corner, such that nothing is cut off.
    let place = |outer: u32, inner: u32, moment: f32| {
        let middle = (outer as f32 - 1.0) / 2.0;
        ((middle - moment / mass.max(1.0)).round().max(0.0) as u32).min(outer - inner)
    };
    let (x, y) = (place(width, ink.width(), across), place(height, ink.height(), down));
    fit::placed(&ink, x, y, width, height)
}
