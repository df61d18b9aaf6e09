//! `fmnist export`: writes a model in another form.

use std::{path::PathBuf, process::ExitCode};

use clap::ValueEnum;
use nn_io::{Checkpoint, OutputFile, SetAside};
use serde::Serialize;

use crate::{
    console::{Console, View},
    help,
    outside::Outside,
    text::thousands,
};

/// Write a model in another form
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist export fashion_mnist.model small.model --to inference", "a third of the size"),
    ("fmnist export run/best.model best.model --to inference", "the best epoch"),
    ("fmnist predict small.model photo.png", "such a file in use"),
]))]
pub(crate) struct Args {
    /// Model file
    model: PathBuf,

    /// File to write
    out: PathBuf,

    /// Form of the file
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
        // With averaged weights, or those of the best epoch, if the run has them.
        Form::Inference => Checkpoint::load(&args.model)?.into_inference()?,
    };
    let mut output = OutputFile::claim(&args.out)?;
    if output.check_replaced(&checkpoint.view())? {
        console.warning(&format!("replacing the model in {}", Outside::from(&args.out)));
    }
    let encoded = output.encode(&checkpoint.view())?;
    if let Some(SetAside { to, .. }) = output.save(&encoded)? {
        let (out, to) = (Outside::from(&args.out), Outside::from(&to));
        console
            .warning(&format!("{out}: another file took its place meanwhile; it is kept as {to}"));
    }
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
