//! The header, which is the first 64 bytes of a file: section 2 of FORMAT.md.
//!
//! It has the version and the length of the file, and is checked before anything else is read.

use super::identify::{self, PREFIX};
use super::{config, info, layer, optimizer, schedule};
use crate::error::check_crc;
use crate::{Error, VERSION, Version, limits};

/// The number of bytes of the header.
pub(crate) const LEN: usize = 64;

/// The offset of the feature bits.
pub(crate) const FEATURES_AT: u64 = 15;

/// The feature bits that this crate knows.
const FEATURES: u32 = optimizer::FEATURE
    | schedule::FEATURE
    | schedule::EVERY
    | layer::FEATURE
    | info::MIRROR
    | info::DECISION
    | info::CHANNELS
    | config::FEATURE
    | config::ARITHMETIC_FEATURE
    | config::AUGMENT_FEATURE
    | config::HELD_OUT_FEATURE
    | info::PARTIAL;

/// Whether a file with these first bytes is a model, complete or not.
pub(crate) fn is_model(start: &[u8]) -> bool {
    start.starts_with(&PREFIX)
}

/// Whether a file with these first bytes, or only these bytes, can be the beginning of a model.
pub(crate) fn may_become_model(start: &[u8]) -> bool {
    is_model(start) || PREFIX.starts_with(start)
}

/// A checked header, without the bytes that are the same in every valid file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: Version,
    /// The required features, one bit each.
    pub(crate) features: u32,
    pub(crate) n_tensors: u32,
    pub(crate) metadata_len: u64,
    pub(crate) file_len: u64,
    pub(crate) metadata_crc: u32,
}

impl Header {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend(PREFIX);
        bytes.extend(self.version.major.to_le_bytes());
        bytes.extend(self.version.minor.to_le_bytes());
        bytes.extend(self.features.to_le_bytes());
        bytes.extend(self.n_tensors.to_le_bytes());
        bytes.extend(self.metadata_len.to_le_bytes());
        bytes.extend(self.file_len.to_le_bytes());
        bytes.extend(self.metadata_crc.to_le_bytes());
        bytes.extend([0; 17]);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Checks the header of a file that begins with `start`, and whose length is not known yet.
    pub(crate) fn parse_start(start: &[u8]) -> Result<Self, Error> {
        let fields = start.split_first_chunk().and_then(|(bytes, _)| split(bytes));
        let file_len = fields.map_or(start.len() as u64, |(_, header, ..)| header.file_len);
        Self::parse(start, file_len)
    }

    /// Checks the header of a file that begins with `start` and is `file_len` bytes long.
    pub(crate) fn parse(start: &[u8], file_len: u64) -> Result<Self, Error> {
        if !is_model(start) {
            return Err(Error::NotAModel { found: identify::describe(start) });
        }
        let fields = start.split_first_chunk().and_then(|(bytes, _)| split(bytes));
        let (checked, header, reserved, crc) =
            fields.ok_or_else(|| Error::length(0, "header", LEN as u64, file_len))?;
        check_crc(0, "header", crc, crc32fast::hash(checked))?;
        if header.version.major != VERSION.major {
            return Err(Error::Version { expected: VERSION, found: header.version });
        }
        if header.features & !FEATURES != 0 {
            return Err(Error::Features { known: FEATURES, found: header.features });
        }
        if reserved != [0; 17] {
            let reason = "expected 17 zeros, found other bytes".into();
            return Err(Error::Form { offset: 43, section: "header".into(), reason });
        }
        if header.file_len != file_len {
            return Err(Error::length(0, "whole file", header.file_len, file_len));
        }
        let limit = |what: &str, limit, found| Error::Limit { what: what.into(), limit, found };
        if file_len > limits::ADDRESSABLE {
            return Err(limit("bytes of the file", limits::ADDRESSABLE, file_len));
        }
        if header.metadata_len > limits::METADATA {
            return Err(limit("bytes of the metadata", limits::METADATA, header.metadata_len));
        }
        let rest = file_len.saturating_sub(LEN as u64);
        if header.metadata_len > rest {
            return Err(Error::length(LEN as u64, "metadata", header.metadata_len, rest));
        }
        Ok(header)
    }
}

/// Splits a header into the bytes that its CRC covers, its fields, the reserved bytes, and the CRC.
fn split(bytes: &[u8; LEN]) -> Option<(&[u8], Header, [u8; 17], u32)> {
    let (checked, crc) = bytes.split_last_chunk::<4>()?;
    let mut rest = checked.get(PREFIX.len()..)?;
    let header = Header {
        version: Version {
            major: u16::from_le_bytes(take(&mut rest)?),
            minor: u16::from_le_bytes(take(&mut rest)?),
        },
        features: u32::from_le_bytes(take(&mut rest)?),
        n_tensors: u32::from_le_bytes(take(&mut rest)?),
        metadata_len: u64::from_le_bytes(take(&mut rest)?),
        file_len: u64::from_le_bytes(take(&mut rest)?),
        metadata_crc: u32::from_le_bytes(take(&mut rest)?),
    };
    Some((checked, header, take(&mut rest)?, u32::from_le_bytes(*crc)))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}
