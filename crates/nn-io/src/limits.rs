//! The limits on a file: section 7 of FORMAT.md.
//!
//! They hold in both directions: a reader allocates no memory beyond them, and a writer never writes a file that
//! readers would refuse.

/// The largest size of a file, in bytes: that of a run of 400 million parameters with Adam, an average and the best epoch.
pub const FILE: u64 = 8 << 30;

/// The largest size of a file on this machine: no allocation is larger than half of the address space.
pub(crate) const ADDRESSABLE: u64 = if FILE < isize::MAX as u64 { FILE } else { isize::MAX as u64 };

/// The largest size of a tensor's data, in bytes: the length before the data has 32 bits.
pub const TENSOR: u64 = u32::MAX as u64 - 3;

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
