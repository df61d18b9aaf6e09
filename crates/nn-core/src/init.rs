//! Initial weights. Biases always start at 0.

use crate::rng::Stream;

/// How the weights of dense layers are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// Normal with variance `2 / inputs`, for layers before a ReLU: He, Zhang, Ren and Sun,
    /// "Delving Deep into Rectifiers" (2015), equation 10.
    He,
    /// Uniform in `+-sqrt(6 / (inputs + outputs))`: Glorot and Bengio, "Understanding the
    /// difficulty of training deep feedforward neural networks" (2010), equation 16.
    Glorot,
    /// `0.01 * normal`, as in the book "Neural Networks from Scratch".
    Book,
}

impl Init {
    /// Overwrites `weights` with draws for a dense layer of these dimensions.
    pub(crate) fn fill(
        self,
        stream: &mut Stream,
        inputs: usize,
        outputs: usize,
        weights: &mut [f32],
    ) {
        let mut draw: Box<dyn FnMut() -> f64> = match self {
            Init::He => {
                let deviation = (2.0 / inputs as f64).sqrt();
                Box::new(move || deviation * stream.normal())
            }
            Init::Glorot => {
                let limit = (6.0 / (inputs + outputs) as f64).sqrt();
                Box::new(move || limit * (2.0 * stream.uniform() - 1.0))
            }
            Init::Book => Box::new(move || 0.01 * stream.normal()),
        };
        weights.fill_with(|| draw() as f32);
    }
}

#[cfg(test)]
mod tests {
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
    fn draws_have_the_papers_spread() {
        check(Init::He, 0.1, 0.6);
        check(Init::Glorot, (2.0f64 / 300.0).sqrt(), (6.0f64 / 300.0).sqrt());
        check(Init::Book, 0.01, 0.06);
    }
}
