//! Which pixels belong to the object.
//!
//! All that is far from the ground's colour, less what falls into small pieces (dust, text) and what is only darker ground
//! with soft edges (a shadow).

use image::{GrayImage, Luma, RgbImage};

use super::ground::{Ground, NEAR};
use super::pieces::{neighbours, pieces};
use super::shadow;

/// A piece is kept if its area is at least this part of the largest one's: a second shoe.
const TWIN: f32 = 0.3;
/// A smaller piece is kept if it is this near the largest one, as a part of its longest side: a strap.
pub(super) const GARMENT_REACH: f32 = 0.1;
/// The same for ink: the dot of an i, or a stroke apart.
pub(super) const INK_REACH: f32 = 0.3;
/// and if its area is at least this part.
const STRAP: f32 = 0.004;

/// The object: 255 where it is, and 0 elsewhere. Pieces within `reach` of the largest one belong to it.
pub(super) fn object(picture: &RgbImage, ground: &Ground, reach: f32) -> GrayImage {
    let mut mask = GrayImage::new(picture.width(), picture.height());
    for (x, y, Luma([inside])) in mask.enumerate_pixels_mut() {
        let far = ground.distance(x, y, *picture.get_pixel(x, y)) >= NEAR;
        *inside = if far { 255 } else { 0 };
    }
    keep_largest(&mut mask, reach);
    shadow::remove(&mut mask, picture, ground);
    keep_largest(&mut mask, reach);
    mask
}

/// A mask without its outermost pixels.
pub(super) fn without_edge(mask: &GrayImage) -> GrayImage {
    of_neighbours(mask, |inside| inside.min())
}

/// A mask with the pixels around it.
pub(super) fn with_edge(mask: &GrayImage) -> GrayImage {
    of_neighbours(mask, |inside| inside.max())
}

/// Chooses the value of each pixel from those around it.
fn of_neighbours(
    mask: &GrayImage,
    choose: fn(&mut dyn Iterator<Item = u8>) -> Option<u8>,
) -> GrayImage {
    let (width, height) = mask.dimensions();
    GrayImage::from_fn(width, height, |x, y| {
        let mut inside = neighbours(x, y, width, height).map(|(x, y)| mask.get_pixel(x, y).0[0]);
        Luma([choose(&mut inside).unwrap_or(0)])
    })
}

/// Keeps the largest piece and what belongs to it.
fn keep_largest(mask: &mut GrayImage, reach: f32) {
    let (labels, pieces) = pieces(mask);
    let Some(largest) = pieces.iter().max_by(|a, b| a.area.total_cmp(&b.area)) else { return };
    let reach = reach * largest.longest_side();
    let kept: Vec<bool> = pieces
        .iter()
        .map(|piece| {
            let part = piece.area / largest.area;
            part >= TWIN || (part >= STRAP && piece.gap(largest) <= reach)
        })
        .collect();
    for (Luma([inside]), label) in mask.pixels_mut().zip(labels) {
        if label.is_some_and(|label| !kept[label]) {
            *inside = 0;
        }
    }
}
