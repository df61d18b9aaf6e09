//! The tests of this crate, in one binary. Most of them check all optimizers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_optim::{Adagrad, Adam, AdamW, Optimizer, OptimizerConfig, RmsProp, Sgd};

/// Compares the optimizers with the book's formulas and with PyTorch.
mod reference;

/// Compares the schedules with PyTorch and with the book's formula, and checks which settings are refused.
mod schedules;

/// Compares clipping and averaging with PyTorch.
mod slices;

/// Updates in runs, and updates after a restore, are bit-for-bit identical.
mod state;

/// Training must not produce denormal or infinite moments.
mod moments;

/// Which settings and states are refused.
mod refused;

/// The settings and descriptions of optimizers and decays.
mod settings;

/// Every optimizer, under its name in the scripts in `reference`.
fn optimizers() -> [(&'static str, OptimizerConfig); 9] {
    let sgd = |momentum, nesterov| OptimizerConfig::Sgd(Sgd { momentum, nesterov });
    let adamw = AdamW { weight_decay: 0.25, ..AdamW::default() };
    // The second moment falls within a few steps, so that its maximum differs from its last value.
    let amsgrad = |adam| Adam { beta_2: 0.5, amsgrad: true, ..adam };
    [
        ("sgd", sgd(0.0, false)),
        ("momentum", sgd(0.9, false)),
        ("nesterov", sgd(0.9, true)),
        ("adagrad", OptimizerConfig::Adagrad(Adagrad::default())),
        ("rmsprop", OptimizerConfig::RmsProp(RmsProp::default())),
        ("adam", OptimizerConfig::Adam(Adam::default())),
        ("adamw", OptimizerConfig::AdamW(adamw)),
        ("amsgrad", OptimizerConfig::Adam(amsgrad(Adam::default()))),
        ("adamw-amsgrad", OptimizerConfig::AdamW(AdamW { adam: amsgrad(adamw.adam), ..adamw })),
    ]
}

/// 1003 numbers from -1 to 1. 1003 is not a multiple of a vector's length.
fn wave(phase: f32) -> Vec<f32> {
    (0..1003).map(|i| (i as f32 * 0.37 + phase).sin()).collect()
}

/// The bits of a state, since `-0.0` equals `0.0`.
fn bits(optimizer: &Optimizer, params: &[f32]) -> Vec<u32> {
    let moments = optimizer.moments().iter().flat_map(|moment| moment.iter());
    params.iter().chain(moments).map(|x| x.to_bits()).collect()
}
