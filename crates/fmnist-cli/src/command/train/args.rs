//! The options of `fmnist train`.

use std::path::PathBuf;

use super::settings::{Preset, Settings};

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

    /// Save the model here [default: fashion_mnist.model, or the resumed file]
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Also keep the newest three checkpoints and the best one in this directory [default: the resumed directory]
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoint_dir: Option<PathBuf>,

    /// Epochs between two checkpoints in that directory [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) checkpoint_every: Option<u64>,

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

    /// Threads to use; the number does not change the result [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,

    /// The directory of the dataset [env: FMNIST_DATA_DIR, for Fashion-MNIST only]
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// Print a profile of a step at the end
    #[arg(long)]
    pub(super) profile: bool,

    #[command(flatten)]
    pub(super) settings: Settings,
}
