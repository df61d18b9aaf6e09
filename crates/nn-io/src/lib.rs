#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! FORMAT.md, beside this crate's README, is the format itself. [`Checkpoint`] is what a file holds;
//! `encode` and `decode` are its way to bytes and back, over `header`, `metadata` (the serde types),
//! `description` (the rules) and `tensor`. [`CheckpointDir`] keeps the last checkpoints of a run; under it,
//! `file`, `temporary`, `disk` and [`FileLock`] are about disks.
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
pub mod limits;
mod size;

mod decode;
mod description;
mod encode;
mod header;
mod identify;
mod metadata;
mod tensor;

mod checkpoint_dir;
mod disk;
mod file;
mod lock;
mod temporary;

mod error;

pub use checkpoint::{Checkpoint, CheckpointRef, DatasetId, InputSpec, ModelInfo};
pub use checkpoint_dir::{CheckpointDir, Newest};
pub use error::{Error, ErrorKind};
pub use file::{check_output, is_model};
pub use header::{VERSION, Version};
pub use lock::FileLock;
pub use size::check_size;
