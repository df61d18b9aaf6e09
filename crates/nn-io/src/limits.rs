//! What a file may be at most: section 7 of FORMAT.md.
//!
//! They hold in both directions: a reader takes no memory beyond them, and a writer never makes
//! what no reader would take.

/// Bytes of a file.
pub const FILE: u64 = 1 << 30;

/// Bytes of the metadata. Metadata within the other limits always fit.
pub const METADATA: u64 = 2 << 20;

/// Maps and arrays inside one another in the metadata.
pub const DEPTH: usize = 16;

/// Layers of a network.
pub const LAYERS: usize = 256;

/// Inputs or outputs of a layer.
pub const WIDTH: usize = 1 << 24;

/// Bytes of a string.
pub const STRING: usize = 255;

/// Classes a model tells apart.
pub const CLASSES: usize = 1_000;

/// Completed epochs, each with its record.
pub const HISTORY: usize = 10_000;
