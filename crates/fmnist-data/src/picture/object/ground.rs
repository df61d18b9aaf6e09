//! The ground of a photograph: what lies around and behind the garment.
//!
//! Paper, cloth or a table changes slowly in brightness from one side to the other, so its colour is a smooth surface: a
//! polynomial of degree 2 in x and y for each channel. Noise, fibres and grain scatter around it, more in some colours
//! than in others. Both are estimated robustly from the rim of the picture, and then from all of it that agrees.

use image::{Rgb, RgbImage};

/// A pixel's place and colour.
type Sample<'a> = (u32, u32, &'a Rgb<u8>);

/// 1, x, y, x², xy, y².
const TERMS: usize = 6;
/// How often the surface is fitted to the rim, and then to all of the ground.
const ROUNDS: [usize; 2] = [6, 3];
/// The surface is fitted to about this many pixels of the picture, evenly spread. It has so few terms that more would
/// change it by less than the noise.
const SAMPLES: u32 = 4096;
/// The width of the rim as a part of the picture.
const RIM: f32 = 0.06;
/// The least standard deviation of a ground's colour, of 255. No camera sees less, and JPEG compression leaves as much.
const LEAST_NOISE: f32 = 5.0;
/// Colours with a squared [distance](Ground::distance) below this belong to the ground.
pub(super) const NEAR: f32 = 16.0;

/// The colour of the ground at each place, and how it scatters.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    surface: [[f32; TERMS]; 3],
    /// The inverse of the covariance of the colours around the surface.
    precision: [[f32; 3]; 3],
    width: f32,
    height: f32,
}

impl Ground {
    /// Estimates the ground of a picture.
    pub(super) fn of(picture: &RgbImage) -> Self {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let mut ground =
            Self { surface: [[0.0; TERMS]; 3], precision: [[0.0; 3]; 3], width, height };
        let rim = (RIM * width.min(height)).ceil().max(1.0) as u32;
        let is_rim = |x: u32, y: u32| {
            x.min(y).min(picture.width() - 1 - x).min(picture.height() - 1 - y) < rim
        };
        let apart = (picture.width() * picture.height()).div_ceil(SAMPLES).isqrt().max(1);
        let is_sample = |x: u32, y: u32| x.is_multiple_of(apart) && y.is_multiple_of(apart);
        let all = || picture.enumerate_pixels().filter(|(x, y, _)| is_sample(*x, *y));
        let on_rim: Vec<Sample<'_>> = all().filter(|(x, y, _)| is_rim(*x, *y)).collect();
        for channel in 0..3 {
            ground.surface[channel][0] = median(on_rim.iter().map(|it| f32::from(it.2.0[channel])));
        }
        for _ in 0..ROUNDS[0] {
            ground.fit(&on_rim);
        }
        ground.scatter(&on_rim);
        for _ in 0..ROUNDS[1] {
            let near = all().filter(|&(x, y, colour)| ground.distance(x, y, *colour) < NEAR);
            ground.fit(&near.collect::<Vec<_>>());
        }
        ground
    }

    /// The colour of the ground at a pixel.
    pub(super) fn at(&self, x: u32, y: u32) -> [f32; 3] {
        let terms = self.terms(x, y);
        self.surface.map(|surface| dot(&surface, &terms))
    }

    /// How far a colour is from the ground's: the square of its Mahalanobis distance.
    pub(super) fn distance(&self, x: u32, y: u32, colour: Rgb<u8>) -> f32 {
        let residual = self.residual(x, y, colour);
        dot(&self.precision.map(|row| dot(&row, &residual)), &residual)
    }

    fn residual(&self, x: u32, y: u32, Rgb(colour): Rgb<u8>) -> [f32; 3] {
        let ground = self.at(x, y);
        std::array::from_fn(|channel| f32::from(colour[channel]) - ground[channel])
    }

    /// The terms of the polynomial. The picture reaches from -1 to 1, which keeps the equations well conditioned.
    fn terms(&self, x: u32, y: u32) -> [f32; TERMS] {
        let x = (2 * x + 1) as f32 / self.width - 1.0;
        let y = (2 * y + 1) as f32 / self.height - 1.0;
        [1.0, x, y, x * x, x * y, y * y]
    }

    /// Fits the surface to these pixels by weighted least squares. Pixels far from the present surface weigh little
    /// (Tukey's biweight), so that a garment that reaches the rim does not bend it.
    fn fit(&mut self, pixels: &[Sample<'_>]) {
        for channel in 0..3 {
            let surface = self.surface[channel];
            let residual = |x, y, colour: &Rgb<u8>| {
                f32::from(colour.0[channel]) - dot(&surface, &self.terms(x, y))
            };
            let spread = median(pixels.iter().map(|&(x, y, colour)| residual(x, y, colour).abs()));
            // 1.48 turns a median of deviations into a standard deviation; 4.7 is the usual reach of the biweight.
            let reach = 4.7 * (1.48 * spread).max(LEAST_NOISE);
            let mut matrix = [[0.0; TERMS + 1]; TERMS];
            for &(x, y, colour) in pixels {
                let relative = residual(x, y, colour) / reach;
                if relative.abs() >= 1.0 {
                    continue;
                }
                let weight = (1.0 - relative * relative) * (1.0 - relative * relative);
                let terms = self.terms(x, y);
                for (row, term) in matrix.iter_mut().zip(terms) {
                    for (sum, other) in row.iter_mut().zip(terms) {
                        *sum += weight * term * other;
                    }
                    row[TERMS] += weight * term * f32::from(colour.0[channel]);
                }
            }
            if let Some(surface) = solve(matrix) {
                self.surface[channel] = surface;
            }
        }
    }

    /// Estimates the scatter around the surface, without the pixels that are far off in any channel.
    fn scatter(&mut self, pixels: &[Sample<'_>]) {
        let residuals: Vec<[f32; 3]> =
            pixels.iter().map(|&(x, y, colour)| self.residual(x, y, *colour)).collect();
        let reach: [f32; 3] = std::array::from_fn(|channel| {
            let spread = median(residuals.iter().map(|residual| residual[channel].abs()));
            3.0 * (1.48 * spread).max(LEAST_NOISE)
        });
        let mut covariance = [[0.0; 3]; 3];
        let mut n = 1.0;
        for residual in residuals {
            if residual.iter().zip(reach).all(|(residual, reach)| residual.abs() < reach) {
                n += 1.0;
                for (row, a) in covariance.iter_mut().zip(residual) {
                    row.iter_mut().zip(residual).for_each(|(sum, b)| *sum += a * b);
                }
            }
        }
        for (i, row) in covariance.iter_mut().enumerate() {
            row.iter_mut().for_each(|sum| *sum /= n);
            row[i] += LEAST_NOISE * LEAST_NOISE;
        }
        self.precision = inverse(covariance);
    }
}

fn dot<const N: usize>(a: &[f32; N], b: &[f32; N]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        _ => *values.select_nth_unstable_by(middle, f32::total_cmp).1,
    }
}

/// Solves a positive definite system by elimination. Its right side is the last column.
fn solve<const N: usize, const M: usize>(mut matrix: [[f32; M]; N]) -> Option<[f32; N]> {
    for k in 0..N {
        let pivot = matrix[k];
        if pivot[k].abs() < 1e-3 {
            return None;
        }
        for (i, row) in matrix.iter_mut().enumerate() {
            let factor = row[k] / pivot[k];
            if i != k {
                row.iter_mut().zip(pivot).for_each(|(value, of_pivot)| *value -= factor * of_pivot);
            }
        }
    }
    Some(std::array::from_fn(|k| matrix[k][N] / matrix[k][k]))
}

/// The inverse of a covariance, by its cofactors. Its determinant is at least [`LEAST_NOISE`] to the sixth power.
fn inverse(m: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    let minor = |i: usize, j: usize| {
        let [a, b] = [(i + 1) % 3, (i + 2) % 3];
        let [c, d] = [(j + 1) % 3, (j + 2) % 3];
        m[a][c] * m[b][d] - m[a][d] * m[b][c]
    };
    let determinant: f32 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
    std::array::from_fn(|i| std::array::from_fn(|j| minor(j, i) / determinant))
}
