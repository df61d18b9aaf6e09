//! The shape of a sample, as it enters and leaves a layer.

use std::fmt;

/// Height, width and channels of one sample; in memory, channels vary fastest, then the width.
///
/// Features without a place in an image are channels of a single pixel: [`Shape::flat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Rows of an image.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

impl Shape {
    /// A plain vector of `n` features.
    pub const fn flat(n: usize) -> Self {
        Self { height: 1, width: 1, channels: n }
    }

    /// A greyscale image.
    pub const fn image(height: usize, width: usize) -> Self {
        Self { height, width, channels: 1 }
    }

    /// How many numbers a sample has; `usize::MAX` if there are more than that.
    pub const fn len(self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// Whether a sample has no numbers.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl From<usize> for Shape {
    fn from(n: usize) -> Self {
        Self::flat(n)
    }
}

impl fmt::Display for Shape {
    /// As `784`, `28x28` (height first) or `28x28x3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, channels } = self;
        match (height, width, channels) {
            (1, 1, n) => write!(f, "{n}"),
            (_, _, 1) => write!(f, "{height}x{width}"),
            _ => write!(f, "{height}x{width}x{channels}"),
        }
    }
}
