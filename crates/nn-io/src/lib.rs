#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! FORMAT.md, next to this crate's README, is the format itself. [`Checkpoint`] is what a file holds; `encode` and
//! `decode` are its way to bytes and back, over `wire`, which has a module for each kind of metadata with its serde type
//! and its rules. `disk` saves and loads files, `stream` any reader and writer; [`CheckpointDir`] keeps the last checkpoints of a run.
//!
//! This crate prints nothing and trusts nothing: whatever the bytes, the answer is a valid
//! checkpoint or an [`Error`], never a panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

mod checkpoint;
mod error;
pub mod limits;
mod size;
mod version;

mod decode;
mod digest;
mod encode;
mod wire;

mod disk;
mod stream;

pub use nn_core;
pub use nn_optim;
pub use nn_train;

pub use checkpoint::{Checkpoint, CheckpointRef, DatasetId, InputSpec, ModelInfo};
pub use disk::checkpoint_dir::{CheckpointDir, Newest};
pub use disk::file::is_model;
pub use disk::output::OutputFile;
pub use disk::place::SetAside;
pub use encode::{Encoded, Encoder};
pub use error::{Error, ErrorKind};
pub use size::check_size;
pub use version::{VERSION, Version};
