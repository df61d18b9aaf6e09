//! The exponential moving average of the weights, which often generalises better than the last weights.

use crate::{error::check_len, moment::flushed};

/// Updates the exponential moving average of the parameters: `mean = decay * mean + (1 - decay) * params`.
///
/// Overwrites `mean`, which must start as a copy of the initial parameters. The decay is in `[0, 1)`. Averages below
/// 1e-30 become 0, as moments do.
///
/// # Panics
///
/// If the lengths differ.
///
/// # Sources
///
/// Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging" (1992), with the exponential
/// weights of PyTorch's `swa_utils.get_ema_avg_fn`.
#[track_caller]
pub fn average(mean: &mut [f32], params: &[f32], decay: f32) {
    check_len(params.len(), mean.len());
    let share = 1.0 - decay;
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            for (mean, &param) in mean.iter_mut().zip(params) {
                *mean = flushed(decay * *mean + share * param);
            }
        },
    );
}
