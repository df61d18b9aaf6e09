//! The version of the file format.

use std::fmt;

/// A version of the file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The major version. Files of another one are refused.
    pub major: u16,
    /// The minor version. A newer one only adds optional keys.
    pub minor: u16,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The version that this crate writes. It reads files of every minor version, and ignores keys of newer ones.
pub const VERSION: Version = Version { major: 1, minor: 0 };
