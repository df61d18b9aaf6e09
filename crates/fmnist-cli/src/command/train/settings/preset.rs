//! Settings that are built into the program.

use clap::ValueEnum;

/// Settings that are built into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::command) enum Preset {
    /// The run of the book "Neural Networks from Scratch", with its output format
    Nnfs,
    /// The default network with better training, in the same time
    Better,
    /// A larger network, in about a minute on two cores
    DenseFast,
    /// The most accurate network of dense layers
    DenseBest,
}

impl Preset {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nnfs => "nnfs",
            Self::Better => "better",
            Self::DenseFast => "dense-fast",
            Self::DenseBest => "dense-best",
        }
    }

    /// Its file.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Nnfs => include_str!("../../../../presets/nnfs.toml"),
            Self::Better => include_str!("../../../../presets/better.toml"),
            Self::DenseFast => include_str!("../../../../presets/dense-fast.toml"),
            Self::DenseBest => include_str!("../../../../presets/dense-best.toml"),
        }
    }
}
