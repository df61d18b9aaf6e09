//! `fmnist completions`: prints a script that lets a shell complete commands and options.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::{console::Console, help};

/// Print a completion script for your shell
#[derive(Debug, clap::Args)]
#[command(after_help = help::examples(&[
    ("fmnist completions bash >> ~/.bash_completion", "for bash-completion"),
    ("fmnist completions zsh > ~/.zfunc/_fmnist", "for zsh, in $fpath"),
    ("fmnist completions fish > ~/.config/fish/completions/fmnist.fish", "for fish"),
]))]
pub(crate) struct Args {
    /// Shell that will run the script
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: Args, console: &Console) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut help::documented(), "fmnist", &mut script);
    console.unescaped(&script)?;
    Ok(ExitCode::SUCCESS)
}
