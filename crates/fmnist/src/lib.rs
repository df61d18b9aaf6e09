#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! A [`Trainer`] trains a model on a [`Dataset`], and saves the run ([`Saves`]). A [`Classifier`] is a trained model with all
//! that turns a picture into named classes. A [`Rerun`] checks that stopping and resuming change no bit, and that a run ends
//! in the state of its file. Nothing here prints.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod answers;
mod builder;
mod calibration;
mod classifier;
mod data;
mod error;
mod held_out;
#[cfg(feature = "options")]
pub mod options;
mod preparation;
mod rerun;
mod saves;
mod trainer;
mod trap;

pub use answers::{Answers, LabelledAnswer, Reliability};
pub use builder::TrainerBuilder;
pub use calibration::calibrate;
pub use classifier::{Answer, Classifier, Doubt, Prediction};
pub use data::{check_dataset, samples};
pub use error::Error;
pub use held_out::hold_out;
pub use rerun::Rerun;
pub use saves::{Saves, save};
pub use trainer::Trainer;
pub use trap::Trap;

pub use fmnist_data;
pub use nn_core;
pub use nn_io;
pub use nn_optim;
pub use nn_train;

pub use fmnist_data::{
    Colour, Dataset, DatasetInfo, Note, ReadOptions, Split, garments,
    picture::{Finding, Object, Seen},
};
pub use nn_core::{Architecture, Init, Layer, Loss, Model};
pub use nn_io::{Checkpoint, CheckpointDir, Preparation};
pub use nn_optim::{Adagrad, Adam, AdamW, OptimizerConfig, RmsProp, Schedule, Sgd};
pub use nn_train::{Evaluation, Event, FitOutcome, RunConfig, Threads};
