//! The options of `fmnist train`.

use std::path::PathBuf;

use clap::Arg;
use fmnist::options::Options;

use crate::{
    command::SettingsArgs,
    console::OUTPUT,
    help::{self, SAVING, SETTINGS},
};

/// The options that most runs need, in the order of `-h`.
const COMMON: [&str; 11] = [
    "data_dir",
    "dataset",
    "epochs",
    "hidden",
    "batch_size",
    "optimizer",
    "learning_rate",
    "preset",
    "config",
    "output",
    "resume",
];

/// Train a classifier, or resume training
///
/// Without options, trains the network 784-128-128-10 on Fashion-MNIST for 10 epochs. The whole run is saved after every
/// epoch, and on Ctrl-C after the current step. A resumed run ends bit-for-bit identical to an uninterrupted one.
///
/// For a custom dataset, give --dataset folder, csv, idx or npz, and --data-dir. The data determine the network's inputs and
/// outputs.
#[derive(Debug, clap::Args)]
#[command(mut_args = common_first, after_help = help::examples(&[
    ("fmnist train", "10 epochs"),
    ("fmnist train --resume fashion_mnist.model --epochs 20", "10 more epochs"),
    ("fmnist train --preset better --output better.model", "more accurate"),
]))]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) options: Options,

    /// Start with this model's weights where layer sizes match [default: none]
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    pub(super) warm_start: Option<PathBuf>,

    /// Saved run, or directory of checkpoints, to resume [default: none]
    #[arg(long, value_name = "FILE|DIR", help_heading = SAVING)]
    pub(super) resume: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingsArgs,

    /// Print all settings of the run as a TOML file, and do not train
    #[arg(long, help_heading = SETTINGS)]
    pub(super) print_config: bool,

    /// At the end, also write a web page about the run to this file [default: none]
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(super) report: Option<PathBuf>,

    /// At the end, print how long each stage of a step takes
    #[arg(long, help_heading = OUTPUT)]
    pub(super) profile: bool,
}

/// Hides all but the common options from `-h`.
fn common_first(arg: Arg) -> Arg {
    match COMMON.iter().position(|id| arg.get_id() == id) {
        Some(place) => arg.display_order(place),
        None => arg.hide_short_help(true),
    }
}
