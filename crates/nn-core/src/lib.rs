#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`LayerSpec`] says what a network is made of; [`Model`] lays its parameters out in one flat
//! [`Buffer`]; a [`Workspace`] holds what a pass over some samples needs; [`loss`] turns outputs
//! into a loss and its gradient; `stage` is a training pass; [`metric`] counts. The arithmetic is in `kernels`.
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
mod penalty;
pub mod rng;
mod scaling;
mod stage;
mod summary;
mod workspace;

pub use buffer::{Buffer, MatrixView, MatrixViewMut, zeros};
pub use error::Error;
pub use gradient::{BlocksMut, GradientBlock};
pub use init::Init;
pub use kernels::isa::InstructionSet;
pub use layer::{
    Layer, LayerSpec,
    activation::Activation,
    batch_norm::BatchNorm,
    dense::Dense,
    dropout::{Draws, Dropout},
    norm::Norm,
    softmax::Softmax,
};
pub use loss::{Loss, LossSum, Targets, Values};
pub use metric::ConfusionMatrix;
pub use model::{Model, Param, ParamsMut, Pass};
pub use penalty::Penalty;
pub use scaling::Scaling;
pub use stage::{BatchStatistics, Objective};
pub use workspace::Workspace;
