//! Dropout: in training, a random share of the elements becomes 0, and the others are scaled up so that the mean does
//! not change. In inference it does nothing.
//!
//! Which elements are dropped is a pure function of the run's seed, the step, the layer and the sample's position in
//! the batch. So there is no state to save, and the number of threads does not matter.

use super::op::{Backward, Forward, LayerOp, ZeroRule};
use crate::{
    Mode, Place, SettingError,
    buffer::{MatrixView, MatrixViewMut},
    kernels,
    rng::{Purpose, Stream},
};

/// The upper limit of the rate, exclusive. A rate below it is rounded to at most 65,535 of the 65,536 numbers that can
/// be drawn.
const MAX_RATE: f64 = 1.0 - 0.6 / 65_536.0;

/// Dropout: in training, each element becomes 0 with probability `rate` and is otherwise divided by `1 - rate`. In
/// inference, `y = x`.
///
/// # Sources
///
/// Srivastava et al., "Dropout" (2014), in the inverted form, as in the book.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability that an element becomes 0, in `[0, 1)`; rounded to 1/65,536.
    pub rate: f64,
}

impl Dropout {
    /// Overwrites `factors` with the factor of each element in a training pass: 0 or `1 / (1 - rate)`.
    fn draw(self, mut stream: Stream, factors: &mut [f32]) {
        // An element becomes 0 if its number, one of 65,536 that are equally likely, is below this.
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
}

impl LayerOp for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn settings(&self) -> Vec<(&'static str, f64)> {
        vec![("rate", self.rate)]
    }

    fn check(&self) -> Result<(), SettingError> {
        let is_valid = (0.0..MAX_RATE).contains(&self.rate);
        SettingError::check("rate", is_valid, "at least 0 and below 1", self.rate)
    }

    /// A factor for each element.
    fn cache_len(&self, at: &Place, capacity: usize) -> usize {
        at.input.len() * capacity
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { at, mode, x, y, cache, .. } = pass;
        let factors = &mut cache[..x.values.len()];
        match mode {
            Mode::Train { seed, step, shard } => {
                let mut stream = Stream::new(seed, Purpose::Dropout, step);
                stream.skip_to(at.index as u64, shard);
                self.draw(stream, factors);
            }
            // A backward pass reads the factors in inference mode, too.
            Mode::Infer => factors.fill(1.0),
        }
        scale(factors, x.values, y);
    }

    fn backward_input(&self, pass: &Backward<'_>, dx: MatrixViewMut<'_>) {
        scale(pass.cache, pass.dy, dx);
    }

    fn zero_rule(&self) -> ZeroRule {
        ZeroRule::PassesZeros
    }
}

/// Overwrites `y` with `x` times `factors`, element by element.
fn scale(factors: &[f32], x: MatrixView<'_>, y: MatrixViewMut<'_>) {
    let factors = MatrixView::from_slice(&factors[..x.len()], x.nrows(), x.ncols());
    kernels::zip_map(x, factors, y, |x, factor| x * factor);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(rate: f64, n: usize) -> Vec<f32> {
        let mut factors = vec![9.0; n];
        Dropout { rate }.draw(Stream::new(1, Purpose::Dropout, 7), &mut factors);
        factors
    }

    /// The share of zeros is the rate, and the mean does not change.
    #[test]
    fn drops_the_share_and_keeps_the_mean() {
        for rate in [0.1, 0.25, 0.5, 0.9] {
            let factors = draw(rate, 100_000);
            let zeros = factors.iter().filter(|&&x| x == 0.0).count() as f64 / 1e5;
            let mean = factors.iter().map(|&x| f64::from(x)).sum::<f64>() / 1e5;
            assert!((zeros - rate).abs() < 0.006, "{zeros} of {rate}");
            assert!((mean - 1.0).abs() < 0.05, "{mean}");
        }
        assert!(draw(0.0, 1000).iter().all(|&x| x == 1.0));
    }
}
