//! Which pixels belong to the garment.
//!
//! All that is far from the ground's colour, less what falls into small pieces (dust, text) and what is only darker ground
//! with soft edges (a shadow).

use image::{GrayImage, Luma, RgbImage};

use super::ground::{Ground, NEAR};
use super::shadow;

/// A piece is kept if its area is at least this part of the largest one's: a second shoe.
const TWIN: f32 = 0.3;
/// A smaller piece is kept if it is this near the largest one, as a part of its longest side: a strap.
const REACH: f32 = 0.1;
/// and if its area is at least this part.
const STRAP: f32 = 0.004;

/// The garment: 255 where it is, and 0 elsewhere.
pub(super) fn garment(picture: &RgbImage, ground: &Ground) -> GrayImage {
    let mut mask = GrayImage::new(picture.width(), picture.height());
    for (x, y, Luma([inside])) in mask.enumerate_pixels_mut() {
        let far = ground.distance(x, y, *picture.get_pixel(x, y)) >= NEAR;
        *inside = if far { 255 } else { 0 };
    }
    keep_largest(&mut mask);
    shadow::remove(&mut mask, picture, ground);
    keep_largest(&mut mask);
    mask
}

pub(super) fn neighbours(
    x: u32,
    y: u32,
    width: u32,
    height: u32,
) -> impl Iterator<Item = (u32, u32)> {
    let rows = y.saturating_sub(1)..=(y + 1).min(height - 1);
    rows.flat_map(move |row| {
        (x.saturating_sub(1)..=(x + 1).min(width - 1)).map(move |column| (column, row))
    })
}

/// A mask without its outermost pixels.
pub(super) fn without_edge(mask: &GrayImage) -> GrayImage {
    let (width, height) = mask.dimensions();
    GrayImage::from_fn(width, height, |x, y| {
        let inside = neighbours(x, y, width, height).map(|(x, y)| mask.get_pixel(x, y).0[0]);
        Luma([inside.min().unwrap_or(0)])
    })
}

/// Keeps the largest piece and what belongs to it.
fn keep_largest(mask: &mut GrayImage) {
    let (labels, pieces) = pieces(mask);
    let Some(largest) = pieces.iter().max_by(|a, b| a.area.total_cmp(&b.area)) else { return };
    let reach = REACH * largest.longest_side();
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

/// A connected part of a mask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) area: f32,
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Piece {
    fn longest_side(&self) -> f32 {
        (self.right - self.left).max(self.bottom - self.top) as f32 + 1.0
    }

    /// The distance between the boxes of two pieces, across or down, whichever is larger.
    fn gap(&self, other: &Self) -> f32 {
        let across =
            other.left.saturating_sub(self.right).max(self.left.saturating_sub(other.right));
        let down = other.top.saturating_sub(self.bottom).max(self.top.saturating_sub(other.bottom));
        across.max(down) as f32
    }
}

/// The connected pieces of a mask, and to which one each pixel belongs.
pub(super) fn pieces(mask: &GrayImage) -> (Vec<Option<usize>>, Vec<Piece>) {
    let (width, height) = mask.dimensions();
    let mut labels = vec![None; (width * height) as usize];
    let mut pieces = Vec::new();
    let mut stack = Vec::new();
    for (x, y, Luma([inside])) in mask.enumerate_pixels() {
        if *inside == 0 || labels[(y * width + x) as usize].is_some() {
            continue;
        }
        let mut piece = Piece { area: 0.0, left: x, top: y, right: x, bottom: y };
        labels[(y * width + x) as usize] = Some(pieces.len());
        stack.push((x, y));
        while let Some((x, y)) = stack.pop() {
            piece.area += 1.0;
            (piece.left, piece.right) = (piece.left.min(x), piece.right.max(x));
            (piece.top, piece.bottom) = (piece.top.min(y), piece.bottom.max(y));
            for (x, y) in neighbours(x, y, width, height) {
                let label = &mut labels[(y * width + x) as usize];
                if label.is_none() && mask.get_pixel(x, y).0 != [0] {
                    *label = Some(pieces.len());
                    stack.push((x, y));
                }
            }
        }
        pieces.push(piece);
    }
    (labels, pieces)
}
