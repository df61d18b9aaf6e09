//! Draws images and their predictions as one SVG picture.

use std::{fmt::Write as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use nn_core::Shape;

use crate::{exit::Usage, outside::Outside, own::OwnFile};

/// The number of images in a row.
const COLUMNS: usize = 5;
/// The side of the square that an image is fitted into, and the space around it, in pixels.
const IMAGE: usize = 112;
const SPACE: usize = 12;
/// The size of an image with its two lines of text.
const CARD: (usize, usize) = (IMAGE + SPACE, IMAGE + 52);

/// A picture of images that have been classified. Dark cards suit a dataset of bright garments on black, and are
/// readable on light and dark pages.
pub(crate) struct Sheet {
    image: Shape,
    cards: Vec<String>,
}

/// What is written below an image.
pub(crate) struct Caption<'a> {
    /// The class that it was given.
    pub(crate) label: &'a str,
    pub(crate) confidence: f32,
    pub(crate) is_right: Option<bool>,
    /// Its class, if that is known.
    pub(crate) actual: Option<&'a str>,
}

impl Sheet {
    /// An empty sheet for images of this shape.
    pub(crate) fn new(image: Shape) -> Self {
        Self { image, cards: Vec::new() }
    }

    /// Whether nothing has been drawn.
    pub(crate) fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// Adds an image and its prediction.
    pub(crate) fn add(&mut self, pixels: &[u8], caption: &Caption<'_>) -> anyhow::Result<()> {
        let &Caption { label, confidence, is_right, actual } = caption;
        let data = BASE64_STANDARD.encode(png(pixels, self.image)?);
        let (mark, colour) = match is_right {
            None => ("", "#9198a1"),
            Some(true) => (" ✓", "#3fb950"),
            Some(false) => (" ✗", "#f85149"),
        };
        let truth = match (is_right, actual) {
            (Some(false), Some(name)) => format!(", is {}", text(name)),
            _ => String::new(),
        };
        let label = text(label);
        let percent = 100.0 * confidence;
        let (x, y) = (IMAGE / 2, IMAGE + 20);
        self.cards.push(format!(
            "<image width=\"{IMAGE}\" height=\"{IMAGE}\" href=\"data:image/png;base64,{data}\"/>\n\
             <text x=\"{x}\" y=\"{y}\" fill=\"#e6edf3\">{label}</text>\n\
             <text x=\"{x}\" y=\"{}\" class=\"small\" fill=\"{colour}\">{percent:.1}%{truth}{mark}</text>\n",
            y + 18
        ));
        Ok(())
    }

    /// Fails if no sheet can be saved at `path`, because of its extension or of another program's file there.
    pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
        if path.extension().is_some_and(|extension| !extension.eq_ignore_ascii_case("svg")) {
            let (name, svg) = (Outside::from(path), path.with_extension("svg"));
            let svg = Outside::from(&svg);
            return Err(Usage::error(format!(
                "{name}: expected a name that ends in .svg, since the picture is an SVG file; try {svg}"
            )));
        }
        OwnFile::Svg.check(path)
    }

    /// Writes the picture. An existing file is replaced only if it is a sheet.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        OwnFile::Svg.write(path, self.svg().into_bytes())
    }

    fn svg(&self) -> String {
        let columns = COLUMNS.min(self.cards.len());
        let rows = self.cards.len().div_ceil(COLUMNS);
        let (width, height) = (columns * CARD.0 + SPACE, rows * CARD.1 + SPACE);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"14\" \
             text-anchor=\"middle\">\n\
             <style>image {{ image-rendering: pixelated }} .small {{ font-size: 12px }}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"#0d1117\"/>\n"
        );
        for (i, card) in self.cards.iter().enumerate() {
            let (x, y) = (SPACE + i % COLUMNS * CARD.0, SPACE + i / COLUMNS * CARD.1);
            _ = writeln!(svg, "<g transform=\"translate({x} {y})\">\n{card}</g>");
        }
        svg + "</svg>\n"
    }
}

/// Escapes text from outside for SVG.
fn text(outside: &str) -> String {
    let text = Outside::from(outside).to_string();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Encodes an image as a PNG file.
pub(crate) fn png(pixels: &[u8], image: Shape) -> anyhow::Result<Vec<u8>> {
    let mut png = Vec::new();
    let (width, height) = (image.width as u32, image.height as u32);
    let colour = if image.channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    PngEncoder::new(&mut png).write_image(pixels, width, height, colour)?;
    Ok(png)
}
