//! The limits on a file: section 7 of FORMAT.md.
//!
//! They hold in both directions: a reader allocates no memory beyond them, and a writer never writes a file that
//! readers would refuse.

/// The largest size of a file, in bytes.
pub const FILE: u64 = 1 << 30;

/// The largest size of the metadata, in bytes. Metadata within the other limits always fit.
pub const METADATA: u64 = 2 << 20;

/// The largest depth of nested maps and arrays in the metadata.
pub const DEPTH: usize = 16;

/// The largest number of layers.
pub const LAYERS: usize = 256;

/// The largest number of inputs or outputs of a layer.
pub const WIDTH: usize = 1 << 24;

/// The largest size of a string, in bytes.
pub const STRING: usize = 255;

/// The largest number of class names and of class weights.
pub const CLASSES: usize = 1_000;

/// The largest number of completed epochs, each of which has a record.
pub const HISTORY: usize = 10_000;
