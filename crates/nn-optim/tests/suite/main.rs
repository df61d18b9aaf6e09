//! The tests of the optimizers, as one program: each goes through all of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use nn_optim::{Adagrad, Adam, AdamW, Optimizer, OptimizerConfig, RmsProp, Sgd};

/// Numbers of the book's formulas and of PyTorch.
mod reference;

/// Schedules: numbers of PyTorch and of the book's formula, and settings that are refused.
mod schedules;

/// Clipping and averaging: numbers of PyTorch.
mod slices;

/// Updates in runs, and restored states: bit-for-bit identical.
mod state;

/// Moments that training must not produce: denormal or infinite ones.
mod moments;

/// Settings and states that are refused.
mod refused;

/// Settings as programs list them, and optimizers in words.
mod settings;

/// Every optimizer, as the scripts in `reference` name it.
fn optimizers() -> [(&'static str, OptimizerConfig); 9] {
    let sgd = |momentum, nesterov| OptimizerConfig::Sgd(Sgd { momentum, nesterov });
    let adamw = AdamW { weight_decay: 0.25, ..AdamW::default() };
    // The second moment falls within a few steps, so that its largest is not the last.
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

/// 1003 numbers from -1 to 1: not a multiple of a vector's length.
fn wave(phase: f32) -> Vec<f32> {
    (0..1003).map(|i| (i as f32 * 0.37 + phase).sin()).collect()
}

/// The state's bits, as `-0.0` equals `0.0`.
fn bits(optimizer: &Optimizer, params: &[f32]) -> Vec<u32> {
    let moments = optimizer.moments().iter().flat_map(|moment| moment.iter());
    params.iter().chain(moments).map(|x| x.to_bits()).collect()
}
