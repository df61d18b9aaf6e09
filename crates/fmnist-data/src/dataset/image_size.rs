//! The size of an image, for files that do not state it, and its form on a command line.

use std::fmt;
use std::str::FromStr;

use crate::quote::quoted;

/// The longest side of an image, in pixels.
pub const MAX_SIDE: usize = 1024;

/// Width and height in pixels, each of 1 to [`MAX_SIDE`]; as text, `28x28`, the width first.
///
/// ```
/// use fmnist_data::ImageSize;
///
/// let size: ImageSize = "5x7".parse()?;
/// assert_eq!((size.width(), size.height()), (5, 7));
/// assert!("0x7".parse::<ImageSize>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    width: usize,
    height: usize,
}

impl ImageSize {
    /// A size, or `None` if a side is 0 or above [`MAX_SIDE`].
    pub fn new(width: usize, height: usize) -> Option<Self> {
        let is_side = |side| (1..=MAX_SIDE).contains(&side);
        (is_side(width) && is_side(height)).then_some(Self { width, height })
    }

    /// The number of columns.
    pub fn width(self) -> usize {
        self.width
    }

    /// The number of rows.
    pub fn height(self) -> usize {
        self.height
    }

    /// The number of pixels, at most [`MAX_SIDE`] squared.
    pub fn pixels(self) -> usize {
        self.width.saturating_mul(self.height)
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let size = text.split_once('x').and_then(|(width, height)| {
            Self::new(width.trim().parse().ok()?, height.trim().parse().ok()?)
        });
        size.ok_or_else(|| {
            format!(
                "expected WIDTHxHEIGHT, each of 1 to {MAX_SIDE}, such as 28x28, found {}",
                quoted(text)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ImageSize;

    #[track_caller]
    fn refuse(text: &str) {
        let error = text.parse::<ImageSize>().expect_err("accepted");
        assert!(error.contains("1 to 1024, such as 28x28, found"), "{error}");
    }

    #[test]
    fn a_size_is_two_sides() {
        let size: ImageSize = "1024x1".parse().unwrap();
        assert_eq!((size.width(), size.height(), size.pixels()), (1024, 1, 1024));
        assert_eq!(size.to_string(), "1024x1");
        for text in ["", "x", "28", "28x", "x28", "0x1", "1x0", "1025x1", "1x1025", "-1x1", "1.5x2"]
        {
            refuse(text);
        }
        refuse("1x2x3");
        refuse("99999999999999999999999999999999999999999x1");
    }
}
