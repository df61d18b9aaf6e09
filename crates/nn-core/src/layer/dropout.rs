//! Dropout: in training, a random share of the elements becomes 0 and the others grow, so that the mean stays;
//! in inference nothing happens.
//!
//! Which elements, is a pure function of the run's seed, the step, the layer and the sample's place in the batch:
//! there is nothing to save, and the number of threads changes nothing.

use crate::{
    buffer::{MatrixView, MatrixViewMut},
    kernels,
    rng::{Purpose, Stream},
};

/// Dropout over columns of the given length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Length of a column.
    pub size: usize,
    /// The share of elements that become 0, in `[0, 1)`.
    pub rate: f64,
    /// Its place in the model, which tells its draws from those of others.
    pub(crate) layer: usize,
}

/// A step's place in a run, of which its random draws are a function; and a part's in the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// The run's seed.
    pub seed: u64,
    /// The step of the run.
    pub step: u64,
    /// Which part of the step's samples these are.
    pub part: u64,
}

impl Dropout {
    /// Overwrites `factors` with what each element of a training pass is multiplied with: 0 or
    /// `1 / (1 - rate)`.
    pub(crate) fn draw(self, draws: Draws, factors: &mut [f32]) {
        let Draws { seed, step, part } = draws;
        let mut stream = Stream::new(seed, Purpose::Dropout, step);
        stream.skip_to(self.layer as u64, part);
        // Of 65,536 equally likely numbers the first are those of elements that become 0.
        let n_dropped = (self.rate * 65_536.0).round() as u32;
        let factor = (1.0 / (1.0 - f64::from(n_dropped) / 65_536.0)) as f32;
        let mut numbers = [0; 256];
        for factors in factors.chunks_mut(numbers.len()) {
            stream.fill_u16(&mut numbers);
            for (x, &number) in factors.iter_mut().zip(&numbers) {
                *x = if u32::from(number) < n_dropped { 0.0 } else { factor };
            }
        }
    }

    /// Overwrites `y` with `x` times `factors`, which are [`Dropout::draw`]n; all size x n. Backward is the same,
    /// of gradients.
    pub(crate) fn apply(factors: &[f32], x: MatrixView<'_>, y: MatrixViewMut<'_>) {
        let factors = MatrixView::from_slice(&factors[..x.len()], x.nrows(), x.ncols());
        kernels::zip_map(x, factors, y, |x, factor| x * factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(rate: f64, step: u64, part: u64, n: usize) -> Vec<f32> {
        let mut factors = vec![9.0; n];
        let dropout = Dropout { size: n, rate, layer: 3 };
        dropout.draw(Draws { seed: 1, step, part }, &mut factors);
        factors
    }

    /// As many as the rate says become 0, and the mean stays.
    #[test]
    fn drops_the_share_and_keeps_the_mean() {
        for rate in [0.1, 0.25, 0.5, 0.9] {
            let factors = draw(rate, 7, 0, 100_000);
            let zeros = factors.iter().filter(|&&x| x == 0.0).count() as f64 / 1e5;
            let mean = factors.iter().map(|&x| f64::from(x)).sum::<f64>() / 1e5;
            assert!((zeros - rate).abs() < 0.006, "{zeros} of {rate}");
            assert!((mean - 1.0).abs() < 0.05, "{mean}");
        }
        assert!(draw(0.0, 7, 0, 1000).iter().all(|&x| x == 1.0));
    }

    #[test]
    fn draws_are_those_of_the_step_and_the_part() {
        let first = draw(0.5, 7, 0, 1000);
        assert_eq!(first, draw(0.5, 7, 0, 1000));
        for other in [draw(0.5, 8, 0, 1000), draw(0.5, 7, 1, 1000)] {
            let same = first.iter().zip(&other).filter(|(a, b)| a == b).count();
            assert!((400..600).contains(&same), "{same} of 1000 alike");
        }
    }
}
