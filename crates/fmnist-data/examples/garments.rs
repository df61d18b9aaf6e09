//! Draws a contact sheet of synthetic garments: ten of each class, with one row for each class.
//!
//!     cargo run -p fmnist-data --example garments -- [SHEET.png [SEED]]
//!
//! Without a path, the sheet is saved in the directory for temporary files.

use std::{error::Error, path::PathBuf};

use fmnist_data::garments;
use image::{GrayImage, Luma, imageops};

const SIDE: u32 = 28;
const ENLARGE: u32 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().map_or_else(|| std::env::temp_dir().join("garments.png"), PathBuf::from);
    let seed = args.next().map_or(Ok(0), |seed| seed.parse())?;

    let dataset = garments::synthetic(seed, 100, 0);
    let mut sheet = GrayImage::from_pixel(10 * (SIDE + 1), 10 * (SIDE + 1), Luma([64]));
    let mut columns = [0; 10];
    for (pixels, &label) in dataset.train.images.iter().zip(&dataset.train.labels) {
        let image = GrayImage::from_raw(SIDE, SIDE, pixels.to_vec()).ok_or("not 28 x 28")?;
        let column: &mut i64 = &mut columns[usize::from(label)];
        let cell = i64::from(SIDE + 1);
        imageops::replace(&mut sheet, &image, *column * cell, i64::from(label) * cell);
        *column += 1;
    }
    let (width, height) = (sheet.width() * ENLARGE, sheet.height() * ENLARGE);
    imageops::resize(&sheet, width, height, imageops::FilterType::Nearest).save(&path)?;
    println!("{}: rows are {}", path.display(), fmnist_data::CLASS_NAMES.join(", "));
    Ok(())
}
