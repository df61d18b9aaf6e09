#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`Optimizer`] is settings, a count of steps and moments; [`OptimizerConfig`] tells the optimizers apart,
//! each of which has its arithmetic in a file of its own; [`Schedule`] is the learning rate. Around a step:
//! [`clip_by_value`] and [`norm_factor`] shorten gradients, [`average()`] keeps a mean of the parameters.
//!
//! This crate knows no layer: parameters, gradients and moments are plain slices of `f32`.

mod optimizer;

mod adagrad;
mod adam;
mod adamw;
mod rmsprop;
mod sgd;

mod moment;
mod schedule;

mod average;
mod clip;

mod error;

pub use adagrad::AdagradConfig;
pub use adam::AdamConfig;
pub use adamw::AdamWConfig;
pub use average::average;
pub use clip::{clip_by_value, norm_factor};
pub use error::Error;
pub use moment::{Buffer, Moment};
pub use optimizer::{LARGEST_GRADIENT, Optimizer, OptimizerConfig, Update};
pub use rmsprop::RmsPropConfig;
pub use schedule::{Decay, Schedule};
pub use sgd::SgdConfig;
