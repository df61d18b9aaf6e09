#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! A [`Classifier`] is a trained model with all that turns a picture into named classes. It reads files; nothing here
//! prints.

mod classifier;
mod error;

pub use classifier::{Classifier, Prediction};
pub use error::Error;

pub use nn_io::Checkpoint;
