//! `fmnist`: trains, evaluates, inspects and asks a Fashion-MNIST classifier.
//!
//! The only crate of the workspace that prints. A command is a module of `command` with an `Args`
//! and a `run`; results go to stdout, everything else to stderr; what an error means for the exit
//! code is in `exit`.

mod bundled;
mod command;
mod console;
mod data;
mod exit;
mod signal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use console::{Console, ConsoleArgs};

/// Neural networks from scratch that train on Fashion-MNIST, save whole, and carry on
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
    Train(command::train::Args),
    Evaluate(command::evaluate::Args),
    Predict(command::predict::Args),
    Inspect(command::inspect::Args),
    Export(command::export::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut console = Console::new(cli.console);
    let result = match cli.command {
        Command::Train(args) => command::train::run(args, &mut console),
        Command::Evaluate(args) => command::evaluate::run(args, &mut console),
        Command::Predict(args) => command::predict::run(args, &mut console),
        Command::Inspect(args) => command::inspect::run(args, &mut console),
        Command::Export(args) => command::export::run(args, &mut console),
    };
    match result {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
