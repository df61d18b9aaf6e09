#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`TrainingState`] is what a run is, beside its model; [`Samples`] is what it learns from; a
//! [`Trainer`] takes it through epochs; [`evaluate`] measures. How work is divided among threads
//! without changing a bit is in `passes` and `gradients`.
//!
//! This crate does no I/O and prints nothing.

mod augment;
mod error;
mod gradients;
mod passes;
mod profile;
mod rate_finder;
mod samples;
mod state;
mod trainer;

pub use augment::Augment;
pub use error::Error;
pub use passes::{Evaluation, EvaluationConfig, evaluate};
pub use profile::{Profile, Stage};
pub use rate_finder::{RateLoss, find_rate, suggested_rate};
pub use samples::{Features, Samples};
pub use state::{
    Best, Clip, EarlyStop, EpochRecord, Metrics, Monitor, Progress, RunConfig, Shuffle,
    TrainingState,
};
pub use trainer::{EpochOutcome, Step, Trainer};
