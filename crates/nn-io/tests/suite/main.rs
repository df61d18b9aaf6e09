//! The tests of the model file, as one program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// The file most tests start from, and ways to change it.
mod fixture;

/// A file of every kind of layer, and one of a run with every setting.
mod fuller;

/// What is saved is what is loaded; files of every version stay readable.
mod round_trip;

/// One encoder for many checkpoints.
mod encoder;

/// Random checkpoints, and random damage to their files.
mod random;

/// Random runs that are stopped, saved, read and carried on.
mod resume;

/// Bytes that are lost, changed or added, by accident or on purpose.
mod damage;

/// The header's fields, one by one.
mod header;

/// The metadata's keys and types.
mod metadata;

/// Tensors and sizes that are not those of the network.
mod shapes;

/// Text that is no text, or that a terminal would obey.
mod strings;

/// Values that no model has: refused on reading and on writing alike.
mod rules;

/// Every optimizer's settings and moments.
mod optimizers;

/// Every schedule's settings.
mod schedules;

/// Every kind of layer: settings, tensors, and images judged with their mirror images.
mod layers;

/// Every setting of a run, and the parameters that it keeps.
mod runs;

/// What only classifiers of images have: their size and scaling, names of classes, and a dataset.
mod partial;

/// The limits, from both sides.
mod limits;

/// Metadata that are values within values, or say that they are longer than any file.
mod bomb;

/// Bombs do not go off.
mod depth;

/// Files of other kinds: the content decides, and nothing else.
mod kinds;

/// Files that change while they are read, and what is no file at all.
mod reading;

/// Readers and writers that are no files.
mod streams;

/// What the digests cover.
mod digest;

/// Replacing files, locks, and what is in the way.
mod saving;

/// The newest checkpoints of a run and its best, in a directory.
mod checkpoint_dir;

/// What is in a directory of checkpoints and is not the run's.
mod foreign;

/// Processes that die in the middle of a save.
#[cfg(unix)]
mod kills;
