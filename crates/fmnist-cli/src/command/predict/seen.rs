//! Shows what the model sees of a picture: in the terminal, and as PNG files.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use nn_core::Shape;

use crate::{outside::Outside, own::OwnFile, sheet::png};

/// The most characters in a line. A wider image is drawn smaller.
const WIDEST: usize = 80;

/// Draws an image. Each character is two pixels, one above the other: in colours, or shaded if the terminal has none.
pub(super) fn half_blocks(pixels: &[u8], image: Shape, has_colours: bool) -> String {
    let Shape { width, channels, .. } = image;
    let step = width.div_ceil(WIDEST).max(1);
    let rows: Vec<&[u8]> = pixels.chunks((width * channels).max(1)).step_by(step).collect();
    let mut drawing = String::new();
    for pair in rows.chunks(2) {
        for x in (0..width).step_by(step) {
            let pixel = |row: &&[u8]| match row[x * channels..][..channels] {
                [r, g, b] => [r, g, b],
                ref tones => [tones[0]; 3],
            };
            let [above, below] = [0, 1].map(|row| pair.get(row).map_or([0; 3], pixel));
            drawing += &match has_colours {
                true => {
                    format!(
                        "\x1b[38;5;{};48;5;{}m▀",
                        terminal_colour(above),
                        terminal_colour(below)
                    )
                }
                false => {
                    let sum: usize =
                        above.iter().chain(&below).map(|&tone| usize::from(tone)).sum();
                    let shade = sum * 4 / (6 * 255);
                    [" ", "░", "▒", "▓", "█"][shade].into()
                }
            };
        }
        drawing += if has_colours { "\x1b[0m\n" } else { "\n" };
    }
    drawing
}

/// The number of a colour in a terminal with 256 colours, which has 24 greys and 6 levels of each other channel.
fn terminal_colour(colour: [u8; 3]) -> u16 {
    let [r, g, b] = colour.map(u16::from);
    match r == g && g == b {
        true => 232 + r * 23 / 255,
        false => {
            let [r, g, b] = [r, g, b].map(|value| (value * 5 + 127) / 255);
            16 + 36 * r + 6 * g + b
        }
    }
}

/// A folder of PNG files.
pub(super) struct Folder {
    path: PathBuf,
    names: Names,
}

/// The names of the files that were saved.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// The name for what the model sees of a picture: `NAME.seen.png`. Of pictures with the same name, the second has
    /// `NAME.2.seen.png`, and so on.
    fn next(&mut self, input: &Outside) -> String {
        let input = input.to_string();
        let name = Path::new(&input).file_name().unwrap_or(input.as_ref()).to_string_lossy();
        let mut file = format!("{name}.seen.png");
        let mut number = 2;
        while !self.0.insert(file.clone()) {
            file = format!("{name}.{number}.seen.png");
            number += 1;
        }
        file
    }
}

impl Folder {
    /// Creates the folder, if it is missing.
    pub(super) fn create(path: PathBuf) -> anyhow::Result<Self> {
        let name = Outside::from(&path);
        fs::create_dir_all(&path).with_context(|| format!("{name}: cannot create"))?;
        Ok(Self { path, names: Names::default() })
    }

    /// Fails if one of these pictures would replace another program's file. A picture that turns out to be unreadable has no
    /// file, so a few more names may be checked than are written.
    pub(super) fn check(&self, inputs: impl IntoIterator<Item = Outside>) -> anyhow::Result<()> {
        let mut names = Names::default();
        inputs.into_iter().try_for_each(|input| {
            OwnFile::Png.check(&self.path.join(names.next(&input))).context("--save-seen")
        })
    }

    /// Saves what the model sees of a picture.
    pub(super) fn save(
        &mut self,
        input: &Outside,
        pixels: &[u8],
        image: Shape,
    ) -> anyhow::Result<()> {
        let path = self.path.join(self.names.next(input));
        OwnFile::Png.write(&path, png(pixels, image)?)
    }
}
