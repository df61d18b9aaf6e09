//! `fmnist man`: writes the man pages, for packagers. It is hidden from help.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use crate::{help, outside::Outside};

/// Write the man pages, one for each command
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory to write to
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let written = clap_mangen::generate_to(help::documented(), &args.dir);
    written.with_context(|| Outside::from(&args.dir).to_string())?;
    Ok(ExitCode::SUCCESS)
}
