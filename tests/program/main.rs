//! End-to-end tests of the program. They start it as a user would, in an empty directory with an empty home and no
//! network, and check what it prints and which files it leaves.
//!
//! If Fashion-MNIST has been fetched they train on it, else on synthetic garments.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests print what they were given")]

/// Starts the program and checks what it prints.
mod harness;

/// What many tests begin with: the dataset, a trained model, ways to damage it.
mod fixture;

/// The output of a training run, and how well it learns.
mod train;

/// Every optimizer learns and resumes, and its settings are shown.
mod optimizers;

/// Every schedule resumes and reports a change of its rate or length, and its settings are shown.
mod schedules;

/// Every other setting is saved, resumed, printed, read, and refused by name.
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

/// Disks that are full, report it late, or are absent; saves that are cut at any system call.
#[cfg(target_os = "linux")]
mod disk;

/// Systems with few threads and little memory.
#[cfg(target_os = "linux")]
mod limits;

/// Loss, accuracy and confusion of a model.
mod evaluate;

/// Web pages about models.
mod report;

/// Classifying pictures.
mod predict;

/// Arguments that name no pictures, or files that are in the way.
mod arguments;

/// The contents of a model file, and exporting a smaller one.
mod inspect;

/// Help in two sizes, completions, man pages, and styles.
mod help;

/// Arguments that make no sense.
mod usage;
mod verify;

/// Files that are not models, damaged models, and models of another run.
mod bad_model;

/// Datasets that are missing or wrong, and runs without any.
mod dataset;

/// A small set of garments that can be written as any kind of custom dataset.
mod own_set;

/// Custom datasets of any kind, size and classes.
mod own_data;

/// Images in colour.
mod colour;

/// Tables of images: to train on in the forms that people have, and to classify.
mod tables;

/// Data and settings that train a useless model without an error.
mod traps;

/// The directory of a run's data, which is remembered beside the model.
mod remembered;

/// Files that are not pictures.
mod bad_picture;

/// Where the model and the messages are written: files in the way, locks, closed pipes, odd names.
mod output;

/// Text from outside, which must not control a terminal or look like the program's own.
#[cfg(target_os = "linux")]
mod terminal;

/// Smaller instruction sets than the processor has.
mod instruction_set;
