//! Element-wise activation functions.
//!
//! The gradient is computed from the input or from the output, whichever is simpler. At a kink it is the derivative
//! from the left, as in the book's ReLU.

use super::op::{Backward, Forward, LayerOp, ZeroRule};
use crate::{
    SettingError,
    buffer::{MatrixView, MatrixViewMut},
    functions::{exp, exp_m1, normal_cdf, sigmoid, tanh},
    kernels,
};

/// The density of the standard normal distribution at 0, `1 / sqrt(2 pi)`.
const DENSITY: f32 = 0.398_942_3;

/// An activation function, applied to each element.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// The ReLU (rectified linear unit): `y = max(x, 0)`. Its gradient at 0 is 0, as in the book.
    Relu,
    /// The leaky ReLU: `y = x` above 0, otherwise `slope x`. Maas, Hannun and Ng, "Rectifier Nonlinearities Improve
    /// Neural Network Acoustic Models" (2013).
    LeakyRelu {
        /// The slope below 0.
        slope: f64,
    },
    /// The ELU (exponential linear unit): `y = x` above 0, otherwise `alpha (exp(x) - 1)`. Clevert, Unterthiner and
    /// Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units" (2015), equation 15.
    Elu {
        /// The function approaches `-alpha` for large negative inputs.
        alpha: f64,
    },
    /// The sigmoid: `y = 1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent: `y = tanh(x)`.
    Tanh,
    /// The GELU (Gaussian error linear unit): `y = x Phi(x)`, where `Phi` is the cumulative distribution function of
    /// the standard normal distribution, not its approximation by tanh. Hendrycks and Gimpel, "Gaussian Error Linear
    /// Units" (2016).
    Gelu,
    /// The SiLU (sigmoid linear unit, or swish): `y = x / (1 + exp(-x))`. Hendrycks and Gimpel (2016), as for the GELU,
    /// and Ramachandran, Zoph and Le, "Searching for Activation Functions" (2017).
    Silu,
    /// The identity: `y = x`. The book's regression networks end with it.
    Linear,
}

impl Activation {
    /// The activation's name in model files and summaries, such as `leaky_relu`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Linear => "linear",
        }
    }

    /// Overwrites `y` with the activation of each element of `x`, of the same shape.
    fn map(self, x: MatrixView<'_>, y: MatrixViewMut<'_>) {
        match self {
            // A comparison instead of `max`, so that a NaN stays NaN and shows in the loss.
            Self::Relu => kernels::map(x, y, move |x| if x < 0.0 { 0.0 } else { x }),
            Self::LeakyRelu { slope } => {
                let slope = slope as f32;
                kernels::map(x, y, move |x| {
                    let (above, below) = parts(x);
                    above + slope * below
                });
            }
            Self::Elu { alpha } => {
                let alpha = alpha as f32;
                kernels::map(x, y, move |x| {
                    let (above, below) = parts(x);
                    above + alpha * exp_m1(below)
                });
            }
            Self::Sigmoid => kernels::map(x, y, sigmoid),
            Self::Tanh => kernels::map(x, y, tanh),
            Self::Gelu => kernels::map(x, y, move |x| x * normal_cdf(x).0),
            Self::Silu => kernels::map(x, y, move |x| x * sigmoid(x)),
            Self::Linear => kernels::map(x, y, move |x| x),
        }
    }

    /// Overwrites `dx` with the gradient with respect to the input, given the input `x`, the output `y` and the
    /// gradient `dy` with respect to the output. All have the same shape.
    fn input_gradient(
        self,
        x: MatrixView<'_>,
        y: MatrixView<'_>,
        dy: MatrixView<'_>,
        dx: MatrixViewMut<'_>,
    ) {
        match self {
            Self::Relu => {
                kernels::zip_map(y, dy, dx, move |y, dy| if y > 0.0 { dy } else { 0.0 });
            }
            Self::LeakyRelu { slope } => {
                let slope = slope as f32;
                kernels::zip_map(x, dy, dx, move |x, dy| either(x, 1.0, slope) * dy);
            }
            Self::Elu { alpha } => {
                let alpha = alpha as f32;
                kernels::zip_map(x, dy, dx, move |x, dy| {
                    either(x, 1.0, alpha * exp(parts(x).1)) * dy
                });
            }
            Self::Sigmoid => kernels::zip_map(y, dy, dx, move |y, dy| dy * y * (1.0 - y)),
            Self::Tanh => kernels::zip_map(y, dy, dx, move |y, dy| dy * (1.0 - y * y)),
            Self::Gelu => kernels::zip_map(x, dy, dx, move |x, dy| {
                let (cdf, bell) = normal_cdf(x);
                dy * (cdf + x * (DENSITY * bell))
            }),
            Self::Silu => kernels::zip_map(x, dy, dx, move |x, dy| {
                let gate = sigmoid(x);
                dy * gate * (1.0 + x * (1.0 - gate))
            }),
            Self::Linear => kernels::zip_map(x, dy, dx, move |_, dy| dy),
        }
    }
}

impl LayerOp for Activation {
    fn name(&self) -> &'static str {
        Activation::name(*self)
    }

    fn settings(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::LeakyRelu { slope } => vec![("slope", slope)],
            Self::Elu { alpha } => vec![("alpha", alpha)],
            _ => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), SettingError> {
        self.settings().into_iter().try_for_each(|(name, found)| {
            let expected = "a number between -1e6 and 1e6";
            SettingError::check(name, (-1e6..1e6).contains(&found), expected, found)
        })
    }

    fn forward(&self, pass: Forward<'_>) {
        self.map(pass.x.values, pass.y);
    }

    fn backward_input(&self, pass: &Backward<'_>, dx: MatrixViewMut<'_>) {
        self.input_gradient(pass.x, pass.y, pass.dy, dx);
    }

    fn zero_rule(&self) -> ZeroRule {
        if *self == Self::Relu { ZeroRule::StopsGradient } else { ZeroRule::Nothing }
    }
}

/// The parts of `x` above and below 0, one of which is 0. Like [`either`], it has no condition, since the compiler would
/// make branches of several and not vectorise them.
#[inline(always)]
fn parts(x: f32) -> (f32, f32) {
    let bits = x.to_bits();
    let is_negative = (bits.cast_signed() >> 31).cast_unsigned();
    (f32::from_bits(bits & !is_negative), f32::from_bits(bits & is_negative))
}

/// `above` if `x` is above 0, else `below`.
#[inline(always)]
fn either(x: f32, above: f32, below: f32) -> f32 {
    let is_above = f32::from(x > 0.0);
    is_above * above + (1.0 - is_above) * below
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;

    /// Numbers from `activations.py` (PyTorch, float64).
    #[test]
    fn agrees_with_pytorch() {
        let reference = include_str!("activations.txt");
        let mut n_checked = 0;
        for line in reference.lines().filter(|line| !line.starts_with('#')) {
            let (name, numbers) = line.split_once(' ').unwrap();
            let numbers: Vec<f64> = numbers.split(' ').map(|x| x.parse().unwrap()).collect();
            let [x, y, dx] = numbers[..] else { panic!("{line}") };
            let activation = match name {
                "relu" => Activation::Relu,
                "leaky_relu" => Activation::LeakyRelu { slope: 0.01 },
                "elu" => Activation::Elu { alpha: 1.5 },
                "sigmoid" => Activation::Sigmoid,
                "tanh" => Activation::Tanh,
                "gelu" => Activation::Gelu,
                "silu" => Activation::Silu,
                _ => panic!("{name}"),
            };
            let input = DMatrix::repeat(1, 1, x as f32);
            let (mut output, mut gradient) = (input.clone(), input.clone());
            let dy = DMatrix::repeat(1, 1, 1.0);
            activation.map(input.as_view(), output.as_view_mut());
            activation.input_gradient(
                input.as_view(),
                output.as_view(),
                dy.as_view(),
                gradient.as_view_mut(),
            );
            for (found, expected) in [(output[0], y), (gradient[0], dx)] {
                let error = (f64::from(found) - expected).abs();
                assert!(error <= 1e-6 * expected.abs().max(0.1), "{line}: {found}");
            }
            n_checked += 1;
        }
        assert_eq!(n_checked, 7 * 11);
    }

    /// A NaN in the input gives a NaN in the output.
    #[test]
    fn relu_does_not_hide_a_nan() {
        let x = DMatrix::from_element(1, 1, f32::NAN);
        let mut y = DMatrix::zeros(1, 1);
        Activation::Relu.map(x.as_view(), y.as_view_mut());
        assert!(y[0].is_nan());
    }

    /// Extreme inputs do not overflow to infinity or NaN.
    #[test]
    fn extreme_inputs_give_finite_outputs() {
        let all = [
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.1 },
            Activation::Elu { alpha: 1.0 },
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Gelu,
            Activation::Silu,
            Activation::Linear,
        ];
        let x = DMatrix::from_column_slice(2, 3, &[-1e30, -200.0, -0.0, 0.0, 200.0, 1e30]);
        let (mut y, mut dx, dy) = (x.clone(), x.clone(), x.map(|_| 1.0));
        for activation in all {
            activation.map(x.as_view(), y.as_view_mut());
            activation.input_gradient(x.as_view(), y.as_view(), dy.as_view(), dx.as_view_mut());
            assert!(y.iter().chain(dx.iter()).all(|x| x.is_finite()), "{activation:?}: {y} {dx}");
        }
    }
}
