#![doc = include_str!("../README.md")]
//!
//! This crate knows no layer: parameters, gradients and moments are plain slices of `f32`.

mod adam;
mod error;
mod schedule;

pub use adam::{Adam, AdamConfig, AdamUpdate, Buffer};
pub use error::Error;
pub use schedule::Schedule;
