//! The connected pieces of a mask.

use image::{GrayImage, Luma};

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
    pub(super) fn longest_side(&self) -> f32 {
        (self.right - self.left).max(self.bottom - self.top) as f32 + 1.0
    }

    /// The distance between the boxes of two pieces, across or down, whichever is larger.
    pub(super) fn gap(&self, other: &Self) -> f32 {
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

/// A pixel and those around it, also across corners.
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
