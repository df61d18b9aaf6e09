//! Areas of a picture, and the one that holds a garment.

use image::{GrayImage, ImageBuffer, Luma, Pixel, Rgb, RgbImage, imageops};

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Area {
    /// All of a picture.
    pub(super) fn all(picture: &RgbImage) -> Self {
        Self { x: 0, y: 0, width: picture.width(), height: picture.height() }
    }

    /// The smallest area that holds all pixels of a mask that are not 0, if there are any.
    pub(super) fn around(mask: &GrayImage) -> Option<Self> {
        let inside = || mask.enumerate_pixels().filter(|(_, _, Luma([value]))| *value > 0);
        let (left, right) = (inside().map(|it| it.0).min()?, inside().map(|it| it.0).max()?);
        let (top, bottom) = (inside().map(|it| it.1).min()?, inside().map(|it| it.1).max()?);
        Some(Self { x: left, y: top, width: right - left + 1, height: bottom - top + 1 })
    }

    /// The area with a margin, a part of its longest side, as far as it is within `bounds`.
    pub(super) fn with_margin(self, margin: f32, bounds: Self) -> Self {
        let margin = (margin * self.width.max(self.height) as f32).ceil() as u32;
        let (x, y) = (
            self.x.saturating_sub(margin).max(bounds.x),
            self.y.saturating_sub(margin).max(bounds.y),
        );
        let right = (self.x + self.width + margin).min(bounds.x + bounds.width);
        let bottom = (self.y + self.height + margin).min(bounds.y + bounds.height);
        Self { x, y, width: right - x, height: bottom - y }
    }

    /// The area and this many pixels more at each side.
    pub(super) fn with_slack(self, slack: u32) -> Self {
        let (x, y) = (self.x.saturating_sub(slack), self.y.saturating_sub(slack));
        let (right, bottom) = (self.x + self.width + slack, self.y + self.height + slack);
        Self { x, y, width: right - x, height: bottom - y }
    }

    /// Whether another area is within this one.
    pub(super) fn holds(self, other: Self) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.x + self.width >= other.x + other.width
            && self.y + self.height >= other.y + other.height
    }

    /// Its part of a picture.
    pub(super) fn of<P: Pixel + 'static>(
        self,
        picture: &ImageBuffer<P, Vec<P::Subpixel>>,
    ) -> ImageBuffer<P, Vec<P::Subpixel>> {
        imageops::crop_imm(picture, self.x, self.y, self.width, self.height).to_image()
    }

    /// Its pixels, row by row.
    pub(super) fn pixels(self, picture: &RgbImage) -> impl Iterator<Item = &Rgb<u8>> {
        (self.y..self.y + self.height)
            .flat_map(move |y| (self.x..self.x + self.width).map(move |x| picture.get_pixel(x, y)))
    }
}
