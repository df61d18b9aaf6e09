#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`Layer`] lists the kinds of layers, each in a file of its own; [`Architecture`] places some of them, one after
//! another, in one flat [`Buffer`] of a [`Model`]. A [`Workspace`] holds what a pass over some samples needs;
//! `pass` goes through the layers, [`loss`] turns outputs into a loss and its gradient, and `batch` puts shards of a
//! batch together. [`GradientBlock`] gives the gradient with respect to parameters; [`metric`] counts. The arithmetic
//! is in `kernels`.
//!
//! This crate does no I/O, prints nothing, starts no threads and knows no serialisation.

mod architecture;
mod batch;
mod block;
mod buffer;
mod error;
mod gradient;
mod init;
mod kernels;
mod layer;
pub mod loss;
pub mod metric;
mod mode;
mod model;
mod pass;
mod penalty;
mod place;
pub mod rng;
mod samples;
mod scaling;
mod shape;
mod summary;
mod workspace;

pub use aligned_vec;
pub use nalgebra;

pub use architecture::{Architecture, PlacedLayer, TensorSpec};
pub use batch::BatchStatistics;
pub use block::{BlocksMut, GradientBlock};
pub use buffer::{Buffer, MatrixView, MatrixViewMut, zeros};
pub use error::{Error, SettingError};
pub use init::Init;
pub use kernels::isa::InstructionSet;
pub use layer::*;
pub use loss::{Loss, LossSum, Objective, Targets, Values};
pub use metric::ConfusionMatrix;
pub use mode::Mode;
pub use model::{Model, Parameter, ParamsMut};
pub use pass::Pass;
pub use penalty::Penalty;
pub use place::{Place, Role};
pub use scaling::Scaling;
pub use shape::Shape;
pub use workspace::Workspace;
