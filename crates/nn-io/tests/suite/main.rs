//! The tests of the model file, as one program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// The file that most tests start from, and ways to change it.
mod fixture;

/// A file with every kind of layer, and one of a run with every setting.
mod fuller;

/// A checkpoint is loaded exactly as it was saved; files of every version stay readable.
mod round_trip;

/// One encoder for many checkpoints.
mod encoder;

/// Random checkpoints, and random damage to their files.
mod random;

/// Random runs that are stopped, saved, loaded and resumed.
mod resume;

/// Lost, changed or added bytes, by accident or on purpose.
mod damage;

/// The header's fields, one by one.
mod header;

/// The metadata's keys and types.
mod metadata;

/// Tensors and sizes that do not match the network.
mod shapes;

/// Text that is not valid, or that commands a terminal.
mod strings;

/// Values that no model can have are refused on reading and on writing.
mod rules;

/// Every optimizer's settings and moments.
mod optimizers;

/// Every schedule's settings.
mod schedules;

/// Every kind of layer: settings, tensors, and predictions averaged with mirror images.
mod layers;

/// Every setting of a run, and the parameters that it keeps.
mod runs;

/// Optional parts that only image classifiers have: image size, scaling, class names and dataset.
mod partial;

/// When an answer is sure: numbers, tensors, and what they must fit.
mod decision;

/// Values at the limits and beyond.
mod limits;

/// Metadata that are deeply nested, or claim to be longer than any file.
mod bomb;

/// Deeply nested metadata do not overflow the stack.
mod depth;

/// Files of other kinds are recognised by their content, not by their names.
mod kinds;

/// Files that change while they are read, and paths that are not regular files.
mod reading;

/// Readers and writers that are not files.
mod streams;

/// What the digests cover.
mod digest;

/// Replacing files, locks, and files that are in the way.
mod saving;

/// The newest checkpoints of a run and its best, in a directory.
mod checkpoint_dir;

/// Files in a directory of checkpoints that are not the run's.
mod foreign;

/// Processes that die in the middle of a save.
#[cfg(unix)]
mod kills;
