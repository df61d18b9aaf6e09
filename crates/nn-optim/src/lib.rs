#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`Optimizer`] is settings, a count of steps and moments. [`OptimizerConfig`] is the enum of the optimizers,
//! each of which is one file under `optimizer/`. [`Schedule`] is the learning rate; each kind of
//! [`Decay`] is one file under `schedule/`. Around a step, [`clip_by_value`] and [`norm_factor`] shorten gradients, and
//! [`average()`] updates a moving average of the parameters.
//!
//! This crate knows no layers: parameters, gradients and moments are plain slices of `f32`.

mod average;
mod clip;
mod description;
mod error;
mod moment;
mod optimizer;
mod schedule;

pub use aligned_vec;

pub use average::average;
pub use clip::{clip_by_value, norm_factor};
pub use description::{Description, Setting};
pub use error::Error;
pub use moment::{Buffer, Moment};
pub use optimizer::*;
pub use schedule::{Decay, Schedule};
