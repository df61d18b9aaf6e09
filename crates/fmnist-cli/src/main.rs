//! `fmnist`: trains, evaluates, inspects and uses a Fashion-MNIST classifier.
//!
//! The only crate of the workspace that prints. Each command is a module in `command` with `Args` and `run`. Results go
//! to stdout, everything else to stderr. `exit` maps errors to exit codes.

mod bundled;
mod command;
mod console;
mod data;
mod exit;
mod layer;
mod optimizer;
mod run_config;
mod schedule;
mod signal;
mod text;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use console::{Console, ConsoleArgs};
use exit::Usage;
use nn_core::InstructionSet;

/// Neural networks from scratch: train on Fashion-MNIST, save the whole run, and resume it
#[derive(Debug, Parser)]
#[command(name = "fmnist", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    console: ConsoleArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<command::train::Args>),
    Evaluate(command::evaluate::Args),
    Predict(command::predict::Args),
    Inspect(command::inspect::Args),
    Export(command::export::Args),
    FindRate(Box<command::find_rate::Args>),
}

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| exit::report(&error))
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    choose_instruction_set()?;
    signal::survive_file_limits().context("cannot take over signals")?;
    let mut console = Console::new(cli.console);
    match cli.command {
        Command::Train(args) => command::train::run(*args, &mut console),
        Command::Evaluate(args) => command::evaluate::run(args, &mut console),
        Command::Predict(args) => command::predict::run(args, &mut console),
        Command::Inspect(args) => command::inspect::run(args, &mut console),
        Command::Export(args) => command::export::run(args, &mut console),
        Command::FindRate(args) => command::find_rate::run(*args, &mut console),
    }
}

/// The environment variable that selects a smaller instruction set than the processor has.
const ISA: &str = "FMNIST_ISA";

fn choose_instruction_set() -> anyhow::Result<()> {
    let Some(name) = std::env::var_os(ISA).filter(|name| !name.is_empty()) else { return Ok(()) };
    let Some(set) = InstructionSet::ALL.into_iter().find(|set| name == *set.name()) else {
        let names = InstructionSet::ALL.map(InstructionSet::name).join(", ");
        let message = format!("{ISA}: expected one of {names}, found {}", name.display());
        return Err(Usage::error(message));
    };
    if !set.choose() {
        return Err(Usage::error(format!("{ISA}: this processor has no {}", set.name())));
    }
    Ok(())
}
