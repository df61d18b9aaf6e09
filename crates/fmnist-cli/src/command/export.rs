//! `fmnist export`: writes a model without its training state.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use nn_io::{Checkpoint, Saved};
use serde::Serialize;

use super::warn_of_rename;
use crate::{
    console::{Console, View},
    help,
    outside::Outside,
    text::thousands,
};

/// Write a model without its training state, for inference
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist export fashion_mnist.model small.model --to inference", "a third of the size"),
    ("fmnist export run/best.model best.model --to inference", "the best epoch"),
    ("fmnist predict small.model photo.png", "use the exported file"),
]))]
pub(crate) struct Args {
    /// Model file
    model: PathBuf,

    /// File to write; another model there is kept as NAME.previous.model
    out: PathBuf,

    /// What to export
    #[arg(long, value_enum, value_name = "FORM")]
    to: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A model file without training state, for predict and evaluate: a third of the size
    Inference,
}

pub(crate) fn run(args: Args, console: &mut Console) -> anyhow::Result<ExitCode> {
    let checkpoint = match args.to {
        // This takes the averaged weights or those of the best epoch, if the run has them.
        Form::Inference => Checkpoint::load(&args.model)?.into_inference()?,
    };
    let Saved { encoded, set_aside } = fmnist::save(&checkpoint.view(), &args.out)?;
    set_aside.iter().for_each(|it| warn_of_rename(it, console));
    let bytes = encoded.bytes().len() as u64;
    console.show(&Exported { model: Outside::from(&args.out), bytes })?;
    Ok(ExitCode::SUCCESS)
}

/// A file that was written.
#[derive(Serialize)]
struct Exported {
    model: Outside,
    bytes: u64,
}

impl View for Exported {
    fn text(&self) -> String {
        format!("{}: {} bytes", self.model, thousands(self.bytes))
    }
}
