//! The tests of the program, from outside: they start it as a person would, in an empty directory
//! with an empty home and no network, and look at what it answers and leaves behind.
//!
//! Where Fashion-MNIST has been fetched they train on it, else on the synthetic garments.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Starting the program and looking at what it answers.
mod harness;

/// What many tests start from: the dataset, a trained model, ways to damage it.
mod fixture;

/// What a training says, and how well it learns.
mod train;

/// Every optimizer: it learns, resumes, and is shown with its settings.
mod optimizers;

/// Every schedule: it resumes, is shown with its settings, and says what another rate or length does to it.
mod schedules;

/// Every other setting: it is saved, resumes, can be printed and read, and is refused by name.
mod settings;

/// A training that was cut in any way ends with the bits of one that was not.
mod resume;

/// A run's newest checkpoints and its best, in a directory.
mod checkpoints;

/// SIGINT and SIGTERM: save, stop, carry on.
#[cfg(unix)]
mod signal;

/// Runs that are killed again and again, and come to the same end.
#[cfg(unix)]
mod kills;

/// Disks that are full, slow to say so, or not there; saves that are cut at any system call.
#[cfg(target_os = "linux")]
mod disk;

/// How good a model is, and where it errs.
mod evaluate;

/// What a picture shows.
mod predict;

/// What a model file holds, and a smaller one made of it.
mod inspect;

/// Arguments that make no sense.
mod usage;

/// Models that are none, or damaged, or of another run.
mod bad_model;

/// Datasets that are missing or wrong, and what happens without any.
mod dataset;

/// A small set of garments, to be written as any kind that a set of one's own can be of.
mod own_set;

/// Data of one's own: of any kind, size and classes.
mod own_data;

/// Pictures that are none.
mod bad_picture;

/// Where the model and the messages go: files in the way, locks, closed pipes, odd names.
mod output;

/// Fewer instructions than the processor has, when told so.
mod instruction_set;
