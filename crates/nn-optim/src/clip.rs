//! Gradient clipping: by value, for each element, or by the norm of the whole gradient.

/// Clips each element of a gradient to `-limit..=limit`, in place: `min(max(g, -limit), limit)`.
///
/// NaN stays NaN, so that it is noticed. The limit must be above 0.
///
/// # Sources
///
/// As PyTorch's `clip_grad_value_`; Mikolov, "Statistical Language Models Based on Neural Networks" (2012),
/// section 3.2.2.
pub fn clip_by_value(gradient: &mut [f32], limit: f32) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for g in gradient.iter_mut() {
                // Comparisons, since min and max would lose a NaN.
                let below = if *g > limit { limit } else { *g };
                *g = if below < -limit { -limit } else { below };
            }
        },
    );
}

/// Computes the factor that clips a gradient's norm to `limit`: `limit / (norm + 1e-6)`, at most 1.
///
/// The norm is the root of `sum_of_squares`, the sum of squares of all elements of the gradient. If the sum is NaN, so
/// is the factor. The limit must be above 0.
///
/// # Sources
///
/// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1. The 1e-6
/// is that of PyTorch's `clip_grad_norm_`.
pub fn norm_factor(sum_of_squares: f64, limit: f64) -> f32 {
    let factor = limit / (sum_of_squares.sqrt() + 1e-6);
    // A comparison, since min would lose a NaN.
    if factor > 1.0 { 1.0 } else { factor as f32 }
}
