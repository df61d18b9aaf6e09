//! `fmnist predict --sheet`: draws the images and their predictions as one SVG picture.

use std::{fmt::Write as _, fs, io, path::Path};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use nn_core::Shape;

use super::{AnswerView, seen::png};
use crate::{exit::Usage, outside::Outside};

/// The number of images in a row.
const COLUMNS: usize = 5;
/// The side of the square that an image is fitted into, and the space around it, in pixels.
const IMAGE: usize = 112;
const SPACE: usize = 12;
/// The size of an image with its two lines of text.
const CARD: (usize, usize) = (IMAGE + SPACE, IMAGE + 52);

/// A picture of the images that have been classified. Dark cards suit a dataset of bright garments on black, and are
/// readable on light and dark pages.
pub(super) struct Sheet {
    image: Shape,
    cards: Vec<String>,
}

impl Sheet {
    /// An empty sheet for images of this shape.
    pub(super) fn new(image: Shape) -> Self {
        Self { image, cards: Vec::new() }
    }

    /// Adds an image and its prediction.
    pub(super) fn add(&mut self, pixels: &[u8], answer: &AnswerView<'_>) -> anyhow::Result<()> {
        let data = BASE64_STANDARD.encode(png(pixels, self.image)?);
        let (mark, colour) = match answer.is_right() {
            None => ("", "#9198a1"),
            Some(true) => (" ✓", "#3fb950"),
            Some(false) => (" ✗", "#f85149"),
        };
        let truth = match (answer.is_right(), answer.actual_name) {
            (Some(false), Some(name)) => format!(", is {}", text(name)),
            _ => String::new(),
        };
        let label = text(answer.label);
        let percent = 100.0 * answer.confidence;
        let (x, y) = (IMAGE / 2, IMAGE + 20);
        self.cards.push(format!(
            "<image width=\"{IMAGE}\" height=\"{IMAGE}\" href=\"data:image/png;base64,{data}\"/>\n\
             <text x=\"{x}\" y=\"{y}\" fill=\"#e6edf3\">{label}</text>\n\
             <text x=\"{x}\" y=\"{}\" class=\"small\" fill=\"{colour}\">{percent:.1}%{truth}{mark}</text>\n",
            y + 18
        ));
        Ok(())
    }

    /// Writes the picture. An existing file is replaced only if it is an SVG picture.
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let name = Outside::from(path);
        match fs::read(path) {
            Ok(bytes) if !bytes.starts_with(b"<svg") => {
                let message = "exists and is not an SVG picture; choose another file";
                Err(Usage::error(format!("--sheet {name}: {message}")))
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{name}: cannot read"))
            }
            _ => fs::write(path, self.svg()).with_context(|| format!("{name}: cannot write")),
        }
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
