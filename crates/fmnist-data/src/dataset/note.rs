//! What a user should know about how a dataset was read.

use std::fmt;

/// Something that a reader did and that a user might not expect. Each is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Pictures in colour became grey.
    MadeGrey,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MadeGrey => f.write_str(
                "the pictures in colour are made grey; --colour rgb keeps their colours",
            ),
        }
    }
}
