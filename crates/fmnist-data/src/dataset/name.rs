//! The kinds of datasets, and their names.

use std::fmt;

/// The kind of a dataset: where its images come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatasetName {
    /// Zalando's Fashion-MNIST, byte for byte as published.
    FashionMnist,
    /// Garments drawn by [`garments`](crate::garments).
    Synthetic,
    /// Another set in the same file format, not compared with any checksum.
    Idx,
    /// Pictures in [folders](crate::folder), one folder for each class.
    Folder,
    /// CSV files, with one image on each line.
    Csv,
    /// A NumPy archive of four arrays.
    Npz,
}

impl DatasetName {
    /// The name in files and on the command line, as `fashion-mnist`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FashionMnist => "fashion-mnist",
            Self::Synthetic => "synthetic",
            Self::Idx => "idx",
            Self::Folder => "folder",
            Self::Csv => "csv",
            Self::Npz => "npz",
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
