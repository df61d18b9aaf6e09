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

/// The newest version that this crate writes. A file has the lowest minor version that has all its keys. Files of every
/// minor version are read, and the keys of newer ones are ignored.
pub const VERSION: Version = Version { major: 1, minor: 2 };
