#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! FORMAT.md, next to this crate's README, defines the format. [`Checkpoint`] is the contents of a file. `encode` turns
//! it into bytes, and `decode` turns bytes into a checkpoint. Both use `wire`, which has a module for each kind of
//! metadata, with its serde type and its rules. `disk` saves and loads files; `stream` writes to and reads from
//! anything else. [`CheckpointDir`] keeps the last checkpoints of a run.
//!
//! This crate prints nothing and trusts no input: any bytes give a valid checkpoint or an [`Error`], never a panic.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]
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

pub use checkpoint::{Checkpoint, CheckpointRef, DatasetId, InputSpec, ModelInfo, Preparation};
pub use disk::checkpoint_dir::{CheckpointDir, Newest};
pub use disk::file::is_model;
pub use disk::output::{OutputFile, Saved};
pub use disk::place::SetAside;
pub use encode::{Encoded, Encoder};
pub use error::{Error, ErrorKind};
pub use size::check_size;
pub use version::{VERSION, Version};
