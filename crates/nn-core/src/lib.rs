#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`LayerSpec`] says what a network is made of; [`Model`] lays its parameters out in one flat
//! [`Buffer`]; a [`Workspace`] holds what a pass over some samples needs; [`loss`] turns logits
//! into a loss and its gradient; [`metric`] counts. The arithmetic is in `kernels`.
//!
//! This crate does no I/O, prints nothing, starts no threads and knows no serialisation.

mod buffer;
mod error;
mod gradient;
mod init;
mod kernels;
mod layer;
pub mod loss;
pub mod metric;
mod mirror;
mod model;
pub mod rng;
mod scaling;
mod summary;
mod workspace;

pub use buffer::{Buffer, MatrixView, MatrixViewMut, zeros};
pub use error::Error;
pub use gradient::{BlocksMut, GradientBlock};
pub use init::Init;
pub use kernels::isa::InstructionSet;
pub use layer::{Layer, LayerSpec, dense::Dense, relu::Relu, softmax::Softmax};
pub use loss::LossSum;
pub use metric::ConfusionMatrix;
pub use model::{Model, Param, ParamsMut, Pass};
pub use scaling::Scaling;
pub use workspace::Workspace;
