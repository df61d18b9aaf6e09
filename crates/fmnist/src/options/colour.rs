//! The option of the channels of images.

use fmnist_data::Colour;

use super::group::names;

names! {
    /// The channels of images.
    pub enum ColourName: Colour {
        /// One channel; pictures in colour become grey
        Grey = Colour::Grey,
        /// Red, green and blue
        Rgb = Colour::Rgb,
    }
}
