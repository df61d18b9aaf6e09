//! Gradients that are too long are made shorter: by element, or as a whole.

/// Brings each element that is further from 0 than `limit` back to it: `min(max(g, -limit), limit)`.
///
/// What is not a number stays so, to be seen. The limit is above 0.
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
                // Comparisons, where min and max would lose a NaN.
                let below = if *g > limit { limit } else { *g };
                *g = if below < -limit { -limit } else { below };
            }
        },
    );
}

/// What a gradient is multiplied with to be no longer than `limit`: `limit / (norm + 1e-6)`, and 1 where it is
/// not too long, where `norm` is the root of `sum_of_squares`, the sum over all of its elements.
///
/// Of a sum that is not a number neither is the factor. The limit is above 0.
///
/// # Sources
///
/// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm
/// 1, with the summand of PyTorch's `clip_grad_norm_`.
pub fn norm_factor(sum_of_squares: f64, limit: f64) -> f32 {
    let factor = limit / (sum_of_squares.sqrt() + 1e-6);
    // A comparison, where min would lose a NaN.
    if factor > 1.0 { 1.0 } else { factor as f32 }
}
