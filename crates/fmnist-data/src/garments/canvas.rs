//! Fills antialiased shapes into a small grey image.
//!
//! Garments are drawn in their own coordinates: x from the line of symmetry, -14 left to 14
//! right; y from 0 at the top to 28. A [`Pose`] moves them into the picture. Each shape covers
//! its pixels by area (exact across, [`SCANLINES`] samples down) and is mixed in by that cover.

use std::ops::Range;

use super::dice::Dice;

/// Rows and columns of an image.
pub(super) const SIDE: usize = 28;
pub(super) const PIXELS: usize = SIDE * SIDE;

const SCANLINES: usize = 4;
/// A row of the cover has room for an edge on the right border, which spills over it.
const STRIDE: usize = SIDE + 2;

pub(super) type Point = [f32; 2];

/// How a shape is toned: 0 black to 1 white, with stripes across the direction of `wave`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) tone: f32,
    /// How much darker the dark stripes are, as a fraction of the tone; 0 for no stripes.
    pub(super) contrast: f32,
    /// Stripes per pixel, across and down.
    pub(super) wave: [f32; 2],
}

impl Paint {
    /// One tone all over.
    pub(super) fn plain(tone: f32) -> Self {
        Self { tone, contrast: 0.0, wave: [0.0; 2] }
    }

    /// The fabric of a garment: mostly plain, sometimes striped along, across or at a slant.
    pub(super) fn fabric(dice: &mut Dice) -> Self {
        let mut paint = Self::plain(dice.between(0.35, 1.0));
        if dice.chance(0.3) {
            let frequency = dice.between(0.12, 0.35);
            paint.contrast = dice.between(0.15, 0.6);
            paint.wave = match dice.below(3) {
                0 => [frequency, 0.0],
                1 => [0.0, frequency],
                _ => [frequency * 0.7, frequency * 0.7],
            };
        }
        paint
    }

    /// The same fabric, lighter (over 1) or darker (under 1).
    pub(super) fn times(self, factor: f32) -> Self {
        Self { tone: (self.tone * factor).min(1.0), ..self }
    }

    fn at(self, x: usize, y: usize) -> f32 {
        let phase = x as f32 * self.wave[0] + y as f32 * self.wave[1];
        // A triangle wave from 0 to 1: softer than stripes with edges, cheaper than a sine.
        let wave = ((phase - floor(phase)) * 2.0 - 1.0).abs();
        self.tone * (1.0 - self.contrast * wave)
    }
}

/// Where and how large a garment lies in the picture: a linear map and a shift.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pose {
    x: [f32; 3],
    y: [f32; 3],
}

impl Pose {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let tilt = dice.between(-0.18, 0.18);
        let (sin, cos) = (libm::sinf(tilt), libm::cosf(tilt));
        let scale = dice.between(0.74, 1.02);
        let stretch = dice.between(0.9, 1.1);
        let (across, down) = (scale * stretch, scale / stretch);
        let centre = SIDE as f32 / 2.0;
        Self {
            x: [cos * across, -sin * down, centre + dice.between(-2.0, 2.0)],
            y: [sin * across, cos * down, centre + dice.between(-2.0, 2.0)],
        }
    }

    fn place(&self, [x, y]: Point) -> Point {
        let y = y - SIDE as f32 / 2.0;
        let map = |row: [f32; 3]| row[0] * x + row[1] * y + row[2];
        [map(self.x), map(self.y)]
    }
}

/// An image being drawn.
pub(super) struct Canvas {
    pose: Pose,
    pixels: [f32; PIXELS],
    /// Running sums along a row give how much of each pixel the pending shapes cover.
    cover: [f32; SIDE * STRIDE],
    /// The rows that they cover.
    covered: Range<usize>,
    scratch: Vec<Point>,
}

impl Canvas {
    pub(super) fn new(pose: Pose) -> Self {
        Self {
            pose,
            pixels: [0.0; PIXELS],
            cover: [0.0; SIDE * STRIDE],
            covered: 0..0,
            scratch: Vec::new(),
        }
    }

    /// The tones drawn so far, 0 to 1, row after row.
    pub(super) fn pixels(&self) -> &[f32; PIXELS] {
        &self.pixels
    }

    /// Fills a closed outline.
    pub(super) fn fill(&mut self, outline: &[Point], paint: Paint) {
        self.add(outline);
        self.flush(paint);
    }

    /// Fills an outline with its corners rounded off.
    pub(super) fn fill_round(&mut self, outline: &[Point], paint: Paint) {
        self.fill(&cut_corners(&cut_corners(outline)), paint);
    }

    /// Fills the outline that runs down the right half (x from 0) and its mirror image.
    pub(super) fn fill_mirrored(&mut self, half: &[Point], paint: Paint) {
        let mirror = half.iter().rev().map(|&[x, y]| [-x, y]);
        let outline: Vec<Point> = half.iter().copied().chain(mirror).collect();
        self.fill(&cut_corners(&outline), paint);
    }

    /// Fills an outline and its mirror image, which stay two shapes.
    pub(super) fn fill_pair(&mut self, outline: &[Point], paint: Paint) {
        let mirror: Vec<Point> = outline.iter().map(|&[x, y]| [-x, y]).collect();
        self.add(outline);
        self.add(&mirror);
        self.flush(paint);
    }

    /// Draws a line of the given width through the points.
    pub(super) fn stroke(&mut self, points: &[Point], width: f32, paint: Paint) {
        for pair in points.windows(2) {
            let ([x0, y0], [x1, y1]) = (pair[0], pair[1]);
            let length = ((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0)).sqrt().max(1e-3);
            let (dx, dy) = ((x1 - x0) / length * width / 2.0, (y1 - y0) / length * width / 2.0);
            // Half a width too long at the start only: joints close, free ends stay where they are.
            let (sx, sy) = (x0 - dx, y0 - dy);
            self.add(&[
                [sx - dy, sy + dx],
                [sx + dy, sy - dx],
                [x1 + dy, y1 - dx],
                [x1 - dy, y1 + dx],
            ]);
        }
        self.flush(paint);
    }

    /// Draws an arch of the given width from `from` over `top` to `to`.
    pub(super) fn arch(&mut self, from: Point, top: Point, to: Point, width: f32, paint: Paint) {
        // The control point that makes the quadratic Bezier curve pass through `top` halfway.
        let control = |k: usize| 2.0 * top[k] - (from[k] + to[k]) / 2.0;
        let point = |i: usize| {
            let t = i as f32 / 8.0;
            let at = |k: usize| {
                let (a, b, c) = (from[k], control(k), to[k]);
                (1.0 - t) * (1.0 - t) * a + 2.0 * t * (1.0 - t) * b + t * t * c
            };
            [at(0), at(1)]
        };
        self.stroke(&std::array::from_fn::<Point, 9, _>(point), width, paint);
    }

    /// Adds a closed outline to the pending cover. The direction of an outline does not matter, so overlapping ones
    /// merge.
    fn add(&mut self, outline: &[Point]) {
        let mut placed = std::mem::take(&mut self.scratch);
        placed.clear();
        placed.extend(outline.iter().map(|&point| self.pose.place(point)));
        let edges = || placed.iter().zip(placed.iter().cycle().skip(1));
        let area: f32 = edges().map(|([x0, y0], [x1, y1])| x0 * y1 - x1 * y0).sum();
        let weight = 1.0_f32.copysign(area) / SCANLINES as f32;
        for (&from, &to) in edges() {
            self.edge(from, to, weight);
        }
        self.scratch = placed;
    }

    /// Adds the cover to the right of an edge that runs up, or subtracts it for one that runs down.
    fn edge(&mut self, from: Point, to: Point, weight: f32) {
        let up = from[1] > to[1];
        let (([x0, y0], [x1, y1]), weight) =
            if up { ((to, from), weight) } else { ((from, to), -weight) };
        let slope = (x1 - x0) / (y1 - y0);
        let scanline = |y: f32| (y * SCANLINES as f32 - 0.5).ceil().max(0.0) as usize;
        let lines = scanline(y0)..scanline(y1).min(SIDE * SCANLINES);
        let rows = lines.start / SCANLINES..lines.end.div_ceil(SCANLINES);
        self.covered = match self.covered.is_empty() {
            true => rows,
            false => self.covered.start.min(rows.start)..self.covered.end.max(rows.end),
        };
        for line in lines {
            let y = (line as f32 + 0.5) / SCANLINES as f32;
            let x = (x0 + (y - y0) * slope).clamp(0.0, SIDE as f32);
            let at = line / SCANLINES * STRIDE + x as usize;
            let right = (x - floor(x)) * weight;
            self.cover[at] += weight - right;
            self.cover[at + 1] += right;
        }
    }

    /// Mixes the paint in where the pending shapes cover, and forgets the shapes.
    fn flush(&mut self, paint: Paint) {
        for y in std::mem::take(&mut self.covered) {
            let row = &mut self.pixels[y * SIDE..][..SIDE];
            let cover = &mut self.cover[y * STRIDE..][..STRIDE];
            let mut sum = 0.0_f32;
            for (x, (pixel, delta)) in row.iter_mut().zip(&*cover).enumerate() {
                sum += delta;
                if sum > 1e-4 {
                    *pixel += (paint.at(x, y) - *pixel) * sum.min(1.0);
                }
            }
            cover.fill(0.0);
        }
    }
}

/// The largest integer that is not above `x`, which must not be negative. `f32::floor` would call the system's library on
/// targets without SSE4.1.
pub(super) fn floor(x: f32) -> f32 {
    x as i32 as f32
}

/// The outline of the rectangle between two opposite corners.
pub(super) fn rectangle([left, top]: Point, [right, bottom]: Point) -> [Point; 4] {
    [[left, top], [right, top], [right, bottom], [left, bottom]]
}

/// Chaikin's corner cutting: each corner gives way to two points, a quarter along its edges.
fn cut_corners(outline: &[Point]) -> Vec<Point> {
    let next = outline.iter().cycle().skip(1);
    outline
        .iter()
        .zip(next)
        .flat_map(|(a, b)| {
            let along = |t: f32| [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
            [along(0.25), along(0.75)]
        })
        .collect()
}
