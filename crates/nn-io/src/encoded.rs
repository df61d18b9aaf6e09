//! A checkpoint as the bytes of a file, so that it is encoded and checked once and saved in several places.

use crate::{CheckpointRef, Error};

/// The bytes of a file, checked: what [`crate::OutputFile`] and [`crate::CheckpointDir`] save.
#[derive(Clone, Debug)]
pub struct Encoded {
    bytes: Vec<u8>,
    step: Option<u64>,
}

impl Encoded {
    /// Encodes a checkpoint.
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`].
    pub fn new(checkpoint: &CheckpointRef<'_>) -> Result<Self, Error> {
        let step = checkpoint.training.map(|training| training.optimizer.step());
        Ok(Self { bytes: checkpoint.to_bytes()?, step })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of steps of the training; `None` for a model for inference only.
    pub fn step(&self) -> Option<u64> {
        self.step
    }
}
