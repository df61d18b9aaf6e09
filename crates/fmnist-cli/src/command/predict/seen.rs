//! Shows what the model sees of a picture: in the terminal, and as PNG files.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use nn_core::Shape;

use crate::outside::Outside;

/// The most characters in a line. A wider image is drawn smaller.
const WIDEST: usize = 80;

/// Draws a grey image. Each character is two pixels, one above the other: in greys, or shaded if there are no colours.
pub(super) fn half_blocks(pixels: &[u8], width: usize, has_colours: bool) -> String {
    let step = width.div_ceil(WIDEST).max(1);
    let rows: Vec<&[u8]> = pixels.chunks(width.max(1)).step_by(step).collect();
    let mut drawing = String::new();
    for pair in rows.chunks(2) {
        for x in (0..width).step_by(step) {
            let [above, below] = [0, 1].map(|row| pair.get(row).map_or(0, |row| row[x]));
            drawing += &match has_colours {
                // The 24 greys of a terminal with 256 colours.
                true => {
                    let [above, below] =
                        [above, below].map(|tone| 232 + u16::from(tone) * 23 / 255);
                    format!("\x1b[38;5;{above};48;5;{below}m▀")
                }
                false => {
                    let shade = (usize::from(above) + usize::from(below)) * 4 / 510;
                    [" ", "░", "▒", "▓", "█"][shade].into()
                }
            };
        }
        drawing += if has_colours { "\x1b[0m\n" } else { "\n" };
    }
    drawing
}

/// Encodes a grey image as a PNG file.
pub(super) fn png(pixels: &[u8], image: Shape) -> anyhow::Result<Vec<u8>> {
    let mut png = Vec::new();
    let (width, height) = (image.width as u32, image.height as u32);
    PngEncoder::new(&mut png).write_image(pixels, width, height, ExtendedColorType::L8)?;
    Ok(png)
}

/// A folder of PNG files.
pub(super) struct Folder {
    path: PathBuf,
    names: HashSet<String>,
}

impl Folder {
    /// Creates the folder, if it is missing.
    pub(super) fn create(path: PathBuf) -> anyhow::Result<Self> {
        let name = Outside::from(&path);
        fs::create_dir_all(&path).with_context(|| format!("{name}: cannot create"))?;
        Ok(Self { path, names: HashSet::new() })
    }

    /// Saves what the model sees of a picture as `NAME.seen.png`. Of pictures with the same name, the second is saved as
    /// `NAME.2.seen.png`, and so on.
    pub(super) fn save(
        &mut self,
        input: &Outside,
        pixels: &[u8],
        image: Shape,
    ) -> anyhow::Result<()> {
        let input = input.to_string();
        let name = Path::new(&input).file_name().unwrap_or(input.as_ref()).to_string_lossy();
        let mut file = format!("{name}.seen.png");
        let mut number = 2;
        while !self.names.insert(file.clone()) {
            file = format!("{name}.{number}.seen.png");
            number += 1;
        }
        let path = self.path.join(file);
        fs::write(&path, png(pixels, image)?)
            .with_context(|| format!("{}: cannot write", Outside::from(&path)))
    }
}
