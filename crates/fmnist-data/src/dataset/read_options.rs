//! How a custom dataset is read.

use super::ImageSize;

/// How to read a custom dataset. The default suits most files.
///
/// ```
/// use fmnist_data::{Colour, ReadOptions};
///
/// let options = ReadOptions { colour: Colour::Rgb, ..ReadOptions::default() };
/// assert_eq!(options.colour.channels(), 3);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The size of the images, for files that do not state it. Pictures are fitted to it.
    pub size: Option<ImageSize>,
    /// Whether images are grey or in colour.
    pub colour: Colour,
    /// Whether rows and columns are exchanged, as EMNIST's files need.
    pub transpose: bool,
}

/// The channels of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Colour {
    /// One channel. Pictures in colour become grey.
    #[default]
    Grey,
    /// Red, green and blue.
    Rgb,
}

impl Colour {
    /// The number of bytes of a pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}
