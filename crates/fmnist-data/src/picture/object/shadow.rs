//! Shadows that a garment throws on its ground.
//!
//! A shadow has the hue of the ground and is darker. So is grey cloth on grey paper; but the edge of a shadow is soft, and
//! the outline of cloth is not.

use image::{GrayImage, Luma, RgbImage};

use super::ground::Ground;
use super::pieces::{neighbours, pieces};

/// Ground in shadow keeps at least this part of its light.
const DARKEST: f32 = 0.45;
/// How much the hue may be off, of 255.
const HUE: f32 = 10.0;
/// How much the light may change from pixel to pixel within a shadow and at its edge, and how much more for each part of
/// the light that is gone. The outline of a garment is steeper where it begins.
const SLOPE: f32 = 0.012;
const STEEPENING: f32 = 0.3;
/// The part of a shadow's edge towards the ground that is soft at least.
const SOFT: f32 = 0.75;
/// A shadow is smaller than its garment. If less than this part of the mask would be left, it is light cloth.
const LEAST_LEFT: f32 = 0.55;

/// Removes shadows from the mask of a garment.
pub(super) fn remove(mask: &mut GrayImage, picture: &RgbImage, ground: &Ground) {
    let soft = soft(picture, ground);
    let mut both = mask.clone();
    for (x, y, Luma([inside])) in both.enumerate_pixels_mut() {
        *inside = (*inside).min(soft.get_pixel(x, y).0[0]);
    }
    let (labels, pieces) = pieces(&both);
    let label = |x: u32, y: u32| labels[(y * mask.width() + x) as usize];
    // Of each piece's edge towards the ground: how many pixels are soft, and how many are not.
    let mut edges = vec![[0.0_f32; 2]; pieces.len()];
    for (x, y, Luma([inside])) in mask.enumerate_pixels() {
        let around = || neighbours(x, y, mask.width(), mask.height());
        if *inside == 0 || around().all(|(x, y)| mask.get_pixel(x, y).0 != [0]) {
            continue;
        }
        match label(x, y) {
            Some(label) => edges[label][0] += 1.0,
            None => {
                let mut near: Vec<usize> = around().filter_map(|(x, y)| label(x, y)).collect();
                near.sort_unstable();
                near.dedup();
                near.into_iter().for_each(|label| edges[label][1] += 1.0);
            }
        }
    }
    let area = mask.pixels().filter(|inside| inside.0 != [0]).count() as f32;
    let is_shadow = |label: usize| {
        let [soft, hard] = edges[label];
        soft > 0.0
            && soft >= SOFT * (soft + hard)
            && pieces[label].area <= (1.0 - LEAST_LEFT) * area
    };
    for (Luma([inside]), label) in mask.pixels_mut().zip(labels) {
        if label.is_some_and(is_shadow) {
            *inside = 0;
        }
    }
}

/// Pixels that may be ground in shadow, as 255: of its hue, and with little change to all sides.
fn soft(picture: &RgbImage, ground: &Ground) -> GrayImage {
    let (width, height) = picture.dimensions();
    let light: Vec<Option<f32>> = picture
        .enumerate_pixels()
        .map(|(x, y, colour)| shaded(colour.0, ground.at(x, y)))
        .collect();
    let at = |x: u32, y: u32| light[(y * width + x) as usize];
    let is_soft = |x: u32, y: u32| -> Option<bool> {
        let here = at(x, y)?;
        let (left, right) = (x.saturating_sub(2), (x + 2).min(width - 1));
        let (top, bottom) = (y.saturating_sub(2), (y + 2).min(height - 1));
        let across = [(left, y, x - left), (right, y, right - x)];
        let down = [(x, top, y - top), (x, bottom, bottom - y)];
        let mut steepest = 0.0_f32;
        for (x, y, distance) in across.into_iter().chain(down) {
            steepest = steepest.max((at(x, y)? - here).abs() / distance.max(1) as f32);
        }
        Some(steepest < SLOPE + STEEPENING * (1.0 - here).max(0.0))
    };
    GrayImage::from_fn(width, height, |x, y| {
        Luma([if is_soft(x, y) == Some(true) { 255 } else { 0 }])
    })
}

/// The part of its light that ground of this colour would have here, if its hue is right.
fn shaded(colour: [u8; 3], ground: [f32; 3]) -> Option<f32> {
    let colour = colour.map(f32::from);
    let (sum, of_ground): (f32, f32) = (colour.iter().sum(), ground.iter().sum());
    let light = sum / of_ground.max(1.0);
    let hue = colour.iter().zip(ground).map(|(c, g)| (c - g * light).abs()).fold(0.0, f32::max);
    (light > DARKEST && light < 1.1 && hue < HUE).then_some(light)
}
