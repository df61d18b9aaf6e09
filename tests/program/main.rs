//! The tests of the program, from outside: they start it as a person would, in an empty directory
//! with an empty home and no network, and look at what it answers and leaves behind.
//!
//! Where Fashion-MNIST has been fetched they train on it, else on the synthetic garments.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests print what they were given")]

/// Starting the program and looking at what it answers.
mod harness;

/// What many tests start from: the dataset, a trained model, ways to damage it.
mod fixture;

/// The output of a training run, and how well it learns.
mod train;

/// Every optimizer learns, resumes, and is shown with its settings.
mod optimizers;

/// Every schedule resumes, is shown with its settings, and reports a change of its rate or length.
mod schedules;

/// Every other setting is saved, resumes, can be printed and read, and is refused by name.
mod settings;

/// An interrupted run ends bit-for-bit identical to an uninterrupted one.
mod resume;

/// A directory with a run's newest checkpoints and its best.
mod checkpoints;

/// SIGINT and SIGTERM: save, stop, resume.
#[cfg(unix)]
mod signal;

/// Runs that are killed repeatedly, and end with the same result.
#[cfg(unix)]
mod kills;

/// Disks that are full, slow to say so, or not there; saves that are cut at any system call.
#[cfg(target_os = "linux")]
mod disk;

/// Systems that give few threads and little memory.
#[cfg(target_os = "linux")]
mod limits;

/// Loss, accuracy and confusion of a model.
mod evaluate;

/// Classifying pictures.
mod predict;

/// The contents of a model file, and exporting a smaller one.
mod inspect;

/// Arguments that make no sense.
mod usage;

/// Files that are not models, damaged models, and models of another run.
mod bad_model;

/// Datasets that are missing or wrong, and what happens without any.
mod dataset;

/// A small set of garments that can be written as any kind of custom dataset.
mod own_set;

/// Custom datasets of any kind, size and classes.
mod own_data;

/// Files that are not pictures.
mod bad_picture;

/// Where the model and the messages go: files in the way, locks, closed pipes, odd names.
mod output;

/// Text from outside, which must not command a terminal or look like the program's own.
#[cfg(target_os = "linux")]
mod terminal;

/// Smaller instruction sets than the processor has.
mod instruction_set;
