//! Presets: options that are built into the library.

use super::{Error, Options, file};

/// A preset: options that are built into the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Preset {
    /// The run of the book "Neural Networks from Scratch", with its output format
    Nnfs,
    /// The default network with better training, in the same time
    Better,
    /// A wider network, in half a minute on two cores
    DenseFast,
    /// The most accurate network of dense layers
    DenseBest,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [Self::Nnfs, Self::Better, Self::DenseFast, Self::DenseBest];

    /// The options of this preset.
    ///
    /// # Errors
    ///
    /// Never: a test reads each.
    pub fn options(self) -> Result<Options, Error> {
        let (name, text) = match self {
            Self::Nnfs => ("nnfs", include_str!("../../presets/nnfs.toml")),
            Self::Better => ("better", include_str!("../../presets/better.toml")),
            Self::DenseFast => ("dense-fast", include_str!("../../presets/dense-fast.toml")),
            Self::DenseBest => ("dense-best", include_str!("../../presets/dense-best.toml")),
        };
        file::parse(text, name)
    }
}
