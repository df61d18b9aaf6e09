//! The shape of a sample at a layer's input or output.

use std::fmt;

/// The shape of one sample: height, width and channels. In memory, channels vary fastest, then the width.
///
/// A plain vector of features is a single pixel with many channels: [`Shape::flat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The number of rows of an image.
    pub height: usize,
    /// The number of pixels in a row.
    pub width: usize,
    /// The number of values in a pixel.
    pub channels: usize,
}

impl Shape {
    /// The shape of a plain vector of `n` features.
    pub const fn flat(n: usize) -> Self {
        Self { height: 1, width: 1, channels: n }
    }

    /// The shape of a greyscale image.
    pub const fn image(height: usize, width: usize) -> Self {
        Self { height, width, channels: 1 }
    }

    /// The number of values in a sample; `usize::MAX` if there are more than that.
    pub const fn len(self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// Whether a sample has no values.
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
    /// Formats it as `784`, `28x28` (height first) or `28x28x3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, channels } = self;
        match (height, width, channels) {
            (1, 1, n) => write!(f, "{n}"),
            (_, _, 1) => write!(f, "{height}x{width}"),
            _ => write!(f, "{height}x{width}x{channels}"),
        }
    }
}
