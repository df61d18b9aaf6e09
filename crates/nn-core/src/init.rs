//! Weight initialisation. Biases and shifts always start at 0, scales at 1.

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels::{Start, multiply, sums, transpose, vectorized},
    rng::Stream,
};

/// How weights are initialised.
///
/// He: He, Zhang, Ren and Sun, "Delving Deep into Rectifiers" (2015), equation 10, for layers before a ReLU. Glorot:
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Init {
    /// Normal with variance `2 / inputs`.
    He,
    /// Uniform with variance `2 / inputs`: in `+-sqrt(6 / inputs)`.
    HeUniform,
    /// Uniform with variance `2 / (inputs + outputs)`: in `+-sqrt(6 / (inputs + outputs))`.
    Glorot,
    /// Normal with variance `2 / (inputs + outputs)`.
    GlorotNormal,
    /// A random matrix whose rows (or columns, if there are fewer) are orthogonal and of length 1: Saxe, McClelland and
    /// Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (2013).
    Orthogonal,
    /// `0.01 * normal`, as in the book "Neural Networks from Scratch".
    Book,
}

impl Init {
    /// All initialisations.
    pub const ALL: [Self; 6] =
        [Self::He, Self::HeUniform, Self::Glorot, Self::GlorotNormal, Self::Orthogonal, Self::Book];

    /// The name in command-line options, such as `he-uniform`.
    pub fn name(self) -> &'static str {
        match self {
            Self::He => "he",
            Self::HeUniform => "he-uniform",
            Self::Glorot => "glorot",
            Self::GlorotNormal => "glorot-normal",
            Self::Orthogonal => "orthogonal",
            Self::Book => "book",
        }
    }

    /// Fills `weights` with random numbers for a dense layer of these dimensions.
    pub(crate) fn fill(
        self,
        stream: &mut Stream,
        inputs: usize,
        outputs: usize,
        weights: &mut [f32],
    ) {
        let (inputs_f, both) = (inputs as f64, (inputs + outputs) as f64);
        match self {
            Self::He => normal(stream, (2.0 / inputs_f).sqrt(), weights),
            Self::HeUniform => uniform(stream, (6.0 / inputs_f).sqrt(), weights),
            Self::Glorot => uniform(stream, (6.0 / both).sqrt(), weights),
            Self::GlorotNormal => normal(stream, (2.0 / both).sqrt(), weights),
            Self::Orthogonal => orthogonal(stream, inputs, outputs, weights),
            Self::Book => normal(stream, 0.01, weights),
        }
    }
}

fn normal(stream: &mut Stream, deviation: f64, weights: &mut [f32]) {
    weights.fill_with(|| (deviation * stream.normal()) as f32);
}

fn uniform(stream: &mut Stream, limit: f64, weights: &mut [f32]) {
    weights.fill_with(|| (limit * (2.0 * stream.uniform() - 1.0)) as f32);
}

/// How many columns are made orthogonal to all before them at once, by matrix products.
const PANEL: usize = 48;

/// Fills `weights` with the factor Q of the QR decomposition of a matrix of normal random numbers, where the diagonal of
/// R is positive. Otherwise the result would not be uniformly distributed over the orthogonal matrices.
fn orthogonal(stream: &mut Stream, inputs: usize, outputs: usize, weights: &mut [f32]) {
    if outputs >= inputs {
        orthonormal(stream, outputs, weights);
    } else {
        let mut columns = vec![0.0; weights.len()];
        orthonormal(stream, inputs, &mut columns);
        transpose(MatrixView::from_slice(&columns, inputs, outputs), weights);
    }
}

/// Fills `q` with orthogonal columns of length 1 and `rows` elements, by block Gram-Schmidt. Each column loses its
/// parts along those before it twice, since the first time leaves rounding errors.
///
/// # Sources
///
/// Giraud, Langou and Rozloznik, "The loss of orthogonality in the Gram-Schmidt orthogonalization process" (2005): twice
/// is enough.
fn orthonormal(stream: &mut Stream, rows: usize, q: &mut [f32]) {
    let n_columns = q.len() / rows;
    q.fill_with(|| stream.normal() as f32);
    let mut transposed = vec![0.0; rows * PANEL];
    let mut parts = vec![0.0; n_columns * PANEL];
    let mut minus_parts = vec![0.0; n_columns * PANEL];
    for start in (0..n_columns).step_by(PANEL) {
        let (before, rest) = q.split_at_mut(start * rows);
        let n = PANEL.min(n_columns - start);
        let panel = &mut rest[..n * rows];
        for _ in 0..2 {
            let (transposed, parts) = (&mut transposed[..n * rows], &mut parts[..n * start]);
            transpose(MatrixView::from_slice(panel, rows, n), transposed);
            let before = MatrixView::from_slice(before, rows, start);
            let of_panel = MatrixView::from_slice(transposed, n, rows);
            let view = MatrixViewMut::from_slice(parts, n, start);
            multiply(view, Start::Zero, of_panel, before, None);
            parts.iter_mut().for_each(|part| *part = -*part);
            let minus_parts = &mut minus_parts[..n * start];
            transpose(MatrixView::from_slice(parts, n, start), minus_parts);
            let minus_parts = MatrixView::from_slice(minus_parts, start, n);
            let view = MatrixViewMut::from_slice(panel, rows, n);
            multiply(view, Start::Existing, before, minus_parts, None);
            orthonormalize(panel, rows);
        }
    }
}

/// Makes the columns of a panel orthogonal and of length 1.
fn orthonormalize(panel: &mut [f32], rows: usize) {
    for at in 0..panel.len() / rows {
        let (before, rest) = panel.split_at_mut(at * rows);
        let column = &mut rest[..rows];
        vectorized(
            #[inline(always)]
            || {
                for other in before.chunks_exact(rows) {
                    let [part] = sums([other, column], |[a, b]| [f64::from(a) * f64::from(b)]);
                    let part = part as f32;
                    column.iter_mut().zip(other).for_each(|(x, &other)| *x -= part * other);
                }
                let [square] = sums([column], |[x]| [f64::from(x) * f64::from(x)]);
                let factor = (1.0 / square.sqrt()) as f32;
                column.iter_mut().for_each(|x| *x *= factor);
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::rng::Purpose;

    #[track_caller]
    fn check(init: Init, deviation: f64, largest: f64) {
        let (inputs, outputs) = (200, 100);
        let mut weights = vec![0.0; inputs * outputs];
        init.fill(&mut Stream::new(3, Purpose::Init, 0), inputs, outputs, &mut weights);
        let n = weights.len() as f64;
        let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / n;
        let variance = weights.iter().map(|&w| (f64::from(w) - mean).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 0.03 * deviation, "mean {mean}");
        assert!((variance.sqrt() / deviation - 1.0).abs() < 0.02, "deviation {}", variance.sqrt());
        let max = weights.iter().map(|w| f64::from(w.abs())).fold(0.0, f64::max);
        assert!(max <= largest, "largest {max}");
    }

    #[test]
    fn weights_have_the_papers_standard_deviation() {
        check(Init::He, 0.1, 0.6);
        check(Init::HeUniform, 0.1, 0.03f64.sqrt());
        check(Init::Glorot, (2.0f64 / 300.0).sqrt(), (6.0f64 / 300.0).sqrt());
        check(Init::GlorotNormal, (2.0f64 / 300.0).sqrt(), 6.0 * (2.0f64 / 300.0).sqrt());
        check(Init::Book, 0.01, 0.06);
    }

    /// Rows or columns, whichever are fewer, are orthogonal and of length 1. The distribution is symmetric: an element
    /// is above 0 as often as below.
    #[test]
    fn orthogonal_weights() {
        for (inputs, outputs) in [(7, 7), (20, 6), (6, 20), (1, 5), (130, 130), (100, 150)] {
            let draw = |seed| {
                let mut weights = vec![0.0; inputs * outputs];
                let mut stream = Stream::new(seed, Purpose::Init, 0);
                Init::Orthogonal.fill(&mut stream, inputs, outputs, &mut weights);
                DMatrix::from_column_slice(outputs, inputs, &weights)
            };
            let w = draw(3);
            let product = if outputs >= inputs { w.tr_mul(&w) } else { &w * w.transpose() };
            let difference = &product - DMatrix::identity(product.nrows(), product.ncols());
            assert!(difference.abs().max() < 1e-5, "{inputs} to {outputs}: {product}");
            if w.len() < 1000 {
                let above = (0..400).filter(|&seed| draw(seed)[0] > 0.0).count();
                assert!((160..240).contains(&above), "{above} of 400 above 0");
            }
        }
    }
}
