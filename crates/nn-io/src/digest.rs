//! Digests that identify a state: section 6 of FORMAT.md.

use sha2::{Digest as _, Sha256};

use crate::encode::Encoding;
use crate::wire::{header, tensor};
use crate::{CheckpointRef, DatasetId, Error, InputSpec, ModelInfo};

impl CheckpointRef<'_> {
    /// The SHA-256 of the layers' parameters and running statistics, in hexadecimal.
    pub fn weights_sha256(&self) -> String {
        let mut hasher = Sha256::new();
        for values in [self.model.params(), self.model.statistics()] {
            hasher.update(tensor::data(values));
        }
        hex(&hasher.finalize())
    }

    /// The SHA-256 of the whole checkpoint except `producer`, `instruction_set`, `input.preparation`, `decision` and
    /// `dataset.directory`, in hexadecimal. It covers the model, its input, its dataset and, if there is one, the training state.
    /// It is equal for equal runs, regardless of when and where they ran.
    ///
    /// # Errors
    ///
    /// As [`CheckpointRef::to_bytes`].
    pub fn state_sha256(&self) -> Result<String, Error> {
        let info = ModelInfo {
            producer: String::new(),
            instruction_set: String::new(),
            input: InputSpec { preparation: None, ..self.info.input },
            decision: None,
            dataset: self.info.dataset.clone().map(|it| DatasetId { directory: None, ..it }),
            ..self.info.clone()
        };
        let encoding =
            Encoding::new(CheckpointRef { info: &info, ..*self }, &mut Default::default())?;
        let mut hasher = Sha256::new();
        hasher.update(encoding.start.get(header::LEN..).unwrap_or_default());
        encoding.for_each_piece(|piece| hasher.update(piece));
        Ok(hex(&hasher.finalize()))
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
