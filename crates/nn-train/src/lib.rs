#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`TrainingState`] is everything about a run except its model; [`RunConfig`] is its settings; [`Samples`] are its
//! training data. A [`Trainer`] takes a run through epochs (`fit`); [`evaluate`] measures a model, and a
//! [`decision`] says when its answers are sure.
//! `shards` and `gradients` divide the work among threads; the result is bit-for-bit identical for any number of them.
//! Only `threads` uses rayon.
//!
//! This crate does no I/O and prints nothing.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod config;
mod held_out;
mod history;
mod state;

mod augment;
mod samples;
mod targets;

mod fit;
mod trainer;

pub mod decision;
mod divergence;
mod evaluation;
mod gradients;
mod layer_rules;
mod shards;
mod threads;

mod error;
mod profile;
mod rate_finder;

pub use nn_core;
pub use nn_optim;
#[cfg(feature = "threads")]
pub use rayon;

pub use augment::{Augment, mirror_image};
pub use config::{Clip, RunConfig, Shuffle};
pub use error::Error;
pub use evaluation::{Evaluation, EvaluationConfig, evaluate};
pub use fit::{Event, FitOutcome, Observer};
pub use held_out::{HeldOut, stratified};
pub use history::{EarlyStop, EpochRecord, Metrics, Monitor};
pub use profile::{Profile, ProfileStage};
pub use rate_finder::{RateLoss, find_rate, suggested_rate};
pub use samples::{Features, Samples};
pub use state::{Best, Progress, TrainingState};
pub use targets::ClassLabels;
pub use threads::Threads;
pub use trainer::{EpochOutcome, Step, Trainer};
