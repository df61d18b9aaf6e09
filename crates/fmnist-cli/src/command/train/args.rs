//! The options of `fmnist train`.

use std::path::PathBuf;

use fmnist::options::{Options, Preset};

/// Train a classifier, or resume training
///
/// Without options: the network 784-128-128-10 on Fashion-MNIST for 10 epochs. The whole run is saved after every
/// epoch, and on Ctrl-C after the current step. A resumed run ends bit-for-bit identical to an uninterrupted one.
/// Example: fmnist train --resume fashion_mnist.model --epochs 20
///
/// Custom datasets: --dataset idx, folder or csv, with --data-dir. They determine the network's inputs and outputs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Resume this run until it has --epochs epochs in total; other settings stay as saved. From a directory of
    /// checkpoints, the newest undamaged one is resumed
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) resume: Option<PathBuf>,

    /// Start a new run with the weights of this model, for all layers of the same size
    #[arg(long, value_name = "FILE")]
    pub(super) warm_start: Option<PathBuf>,

    /// Use settings that are built into the program; command-line options override them
    #[arg(long, value_enum)]
    pub(super) preset: Option<Preset>,

    /// Read settings from this TOML file, as --print-config writes it; command-line options override them
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Print all settings of the run as such a file, and do not train
    #[arg(long)]
    pub(super) print_config: bool,

    /// Print a profile of a step at the end
    #[arg(long)]
    pub(super) profile: bool,

    #[command(flatten)]
    pub(super) options: Options,
}
