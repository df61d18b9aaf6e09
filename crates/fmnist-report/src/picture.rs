//! Pictures as PNG files in the page itself.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use fmnist::fmnist_data::Images;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, imageops};

use crate::Error;

/// The longest side of a picture in pixels. A larger one is shrunk.
const SIDE: u32 = 112;

/// A picture with what is written below it.
pub(crate) struct Picture {
    /// A `data:` address.
    pub(crate) source: String,
    /// What the picture is, for those who do not see it.
    pub(crate) name: String,
    pub(crate) caption: Vec<String>,
}

/// The address of an image of a dataset.
pub(crate) fn of_dataset(images: &Images, index: usize) -> Result<String, Error> {
    let pixels = images.get(index).unwrap_or_default().to_vec();
    let (width, height) = (images.width as u32, images.height as u32);
    address(match images.channels {
        3 => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
    })
}

/// The address of a picture in colour.
pub(crate) fn of_colours(width: u32, height: u32, pixels: Vec<u8>) -> Result<String, Error> {
    address(RgbImage::from_raw(width, height, pixels).map(DynamicImage::from))
}

fn address(picture: Option<DynamicImage>) -> Result<String, Error> {
    let picture = picture.unwrap_or_default();
    let picture = match picture.width().max(picture.height()) > SIDE {
        true => picture.resize(SIDE, SIDE, imageops::FilterType::Triangle),
        false => picture,
    };
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png.into_inner())))
}
