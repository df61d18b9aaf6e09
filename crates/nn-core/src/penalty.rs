//! L1 and L2 regularisation.

use crate::error::expect_same;

/// L1 and L2 regularisation of a layer: adds `l1 sum |p| + l2 sum p^2` to the loss, over the layer's weights, and
/// likewise over its biases.
///
/// The gradient is `l1 sign(p) + 2 l2 p`, with `sign(0) = 0`, so that a weight of 0 stays 0. In the book,
/// `sign(0) = 1`.
///
/// # Sources
///
/// "Neural Networks from Scratch", chapter 14.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// The L1 coefficient of the weights, 0 or above.
    pub weights_l1: f64,
    /// The L2 coefficient of the weights, 0 or above.
    pub weights_l2: f64,
    /// The L1 coefficient of the biases, 0 or above.
    pub biases_l1: f64,
    /// The L2 coefficient of the biases, 0 or above.
    pub biases_l2: f64,
}

impl Penalty {
    /// The four coefficients, with their names.
    pub fn settings(&self) -> [(&'static str, f64); 4] {
        [
            ("weights_l1", self.weights_l1),
            ("weights_l2", self.weights_l2),
            ("biases_l1", self.biases_l1),
            ("biases_l2", self.biases_l2),
        ]
    }

    /// Computes the regularisation loss of a layer's parameters.
    pub fn of(&self, weights: &[f32], biases: &[f32]) -> f64 {
        let of = |params: &[f32], l1: f64, l2: f64| {
            let params = params.iter().map(|&param| f64::from(param));
            l1 * params.clone().map(f64::abs).sum::<f64>() + l2 * params.map(|p| p * p).sum::<f64>()
        };
        of(weights, self.weights_l1, self.weights_l2) + of(biases, self.biases_l1, self.biases_l2)
    }

    /// Adds the gradient of the regularisation loss to `gradient`. `params` are some of the layer's parameters:
    /// `n_weights` weights, and then biases.
    ///
    /// # Panics
    ///
    /// If the lengths differ, or there are more weights than parameters.
    #[track_caller]
    pub fn add_gradient(&self, params: &[f32], n_weights: usize, gradient: &mut [f32]) {
        let n = params.len();
        expect_same("length of the gradient", n, gradient.len());
        let expected = format_args!("{n} or fewer, the number of parameters");
        assert!(n_weights <= n, "weights of a penalty: expected {expected}, found {n_weights}");
        let add = |params: &[f32], l1: f64, l2: f64, gradient: &mut [f32]| {
            let (l1, slope) = (l1 as f32, 2.0 * l2 as f32);
            for (d, &param) in gradient.iter_mut().zip(params) {
                let sign = if param == 0.0 { 0.0 } else { param.signum() };
                *d += l1 * sign + slope * param;
            }
        };
        let (weights, biases) = params.split_at(n_weights);
        let (d_weights, d_biases) = gradient.split_at_mut(n_weights);
        add(weights, self.weights_l1, self.weights_l2, d_weights);
        add(biases, self.biases_l1, self.biases_l2, d_biases);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, Init, Model};

    /// A model's penalty is the sum over its dense layers, each with its own coefficients. Without penalties it is 0,
    /// and not the -0 of an empty sum.
    #[test]
    fn of_a_model() {
        let model = Model::new(Architecture::mlp(&[2, 3, 2]).unwrap(), Init::He, 0);
        assert_eq!(model.penalty(&[]).to_bits(), 0);
        let l1 = Penalty { weights_l1: 0.5, ..Penalty::default() };
        let second = model.param("dense1.weights").unwrap();
        let expected = 0.5 * second.iter().map(|w| f64::from(w.abs())).sum::<f64>();
        let found = model.penalty(&[Penalty::default(), l1]);
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }

    #[test]
    #[should_panic(expected = "penalties, one for each layer with weights")]
    fn too_few_for_a_model() {
        let model = Model::new(Architecture::mlp(&[2, 3, 2]).unwrap(), Init::He, 0);
        model.penalty(&[Penalty::default()]);
    }
}
