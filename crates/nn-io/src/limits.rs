//! The limits on a file: section 7 of FORMAT.md.
//!
//! They hold in both directions: a reader takes no memory beyond them, and a writer never makes a file that no reader
//! would accept.

/// Bytes of a file.
pub const FILE: u64 = 1 << 30;

/// Bytes of the metadata. Metadata within the other limits always fit.
pub const METADATA: u64 = 2 << 20;

/// Depth of nested maps and arrays in the metadata.
pub const DEPTH: usize = 16;

/// Layers of a network.
pub const LAYERS: usize = 256;

/// Inputs or outputs of a layer.
pub const WIDTH: usize = 1 << 24;

/// Bytes of a string.
pub const STRING: usize = 255;

/// Class names, and class weights.
pub const CLASSES: usize = 1_000;

/// Completed epochs, each with its record.
pub const HISTORY: usize = 10_000;
