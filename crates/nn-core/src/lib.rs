#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`Layer`] lists the kinds of layers; each kind has its own file. [`Architecture`] checks a chain of layers and
//! assigns each one a range of the flat parameter [`Buffer`]. [`Model`] holds that buffer, and [`Workspace`] the memory
//! of a pass. `pass` runs the layers forward and backward, [`loss`] computes losses and their gradients, and `batch`
//! combines the shards of a batch. [`GradientBlock`] computes the gradient with respect to parameters, and [`metric`]
//! has the confusion matrix. The arithmetic is in `kernels`.
//!
//! This crate does no I/O, prints nothing, starts no threads and knows no serialisation.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod architecture;
mod batch;
mod block;
mod buffer;
mod error;
mod functions;
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
pub use kernels::isa::{Arithmetic, InstructionSet};
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
