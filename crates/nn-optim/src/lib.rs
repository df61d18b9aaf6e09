#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`Optimizer`] has settings, a count of steps and moments. [`OptimizerConfig`] is the enum of all optimizers; each
//! has its own file under `optimizer/`. [`Schedule`] computes the learning rate of a step; each kind of [`Decay`] has
//! its own file under `schedule/`. [`clip_by_value`] and [`norm_factor`] clip gradients before a step, and
//! [`average()`] updates a moving average of the parameters after it.
//!
//! This crate does not know about layers: parameters, gradients and moments are plain slices of `f32`.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

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
