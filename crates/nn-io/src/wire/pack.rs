//! Encodes metadata as MessagePack.

use serde::Serialize;

use super::header;
use crate::Error;

/// Encodes a value in the only form that it may have in a file.
pub(super) fn pack(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    rmp_serde::to_vec_named(value).map_err(|error| form(0, error.to_string()))
}

/// The error of metadata that break the form. `position` counts from their start.
pub(super) fn form(position: u64, reason: String) -> Error {
    let offset = position.saturating_add(header::LEN as u64);
    Error::Form { offset, section: "metadata".into(), reason }
}
