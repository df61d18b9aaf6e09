//! `fmnist`: trains, evaluates, inspects and uses a Fashion-MNIST classifier.
//!
//! The only crate of the workspace that prints. Each command is a module in `command` with `Args` and `run`. Results go
//! to stdout, everything else to stderr, both through `console`. `exit` maps errors to exit codes.
#![deny(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod bundled;
mod command;
mod console;
mod data;
mod exit;
mod help;
mod layer;
mod optimizer;
mod outside;
mod own;
mod remembered;
mod run_config;
mod schedule;
mod settings;
mod sheet;
mod signal;
mod stream;
mod text;

use std::{env, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use console::{Console, ConsoleArgs, Format};
use exit::Usage;
use nn_core::InstructionSet;
use outside::Outside;

/// Neural networks from scratch: train on Fashion-MNIST, save the whole run, and resume it
#[derive(Debug, Parser)]
#[command(name = "fmnist", bin_name = "fmnist", version, max_term_width = 100)]
#[command(disable_help_flag = true, arg = help::help_flag(), disable_help_subcommand = true)]
#[command(disable_version_flag = true, arg = help::version_flag())]
#[command(after_help = help::examples(&[
    ("fmnist train", "a network on Fashion-MNIST, in seconds"),
    ("fmnist evaluate fashion_mnist.model", "how good it is, class by class"),
    ("fmnist predict photo.png", "what a picture shows, by the built-in model"),
]))]
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
    Report(command::report::Args),
    Inspect(command::inspect::Args),
    Calibrate(command::calibrate::Args),
    Export(command::export::Args),
    FindRate(Box<command::find_rate::Args>),
    Verify(command::verify::Args),
    Completions(command::completions::Args),
    #[command(hide = true)]
    Man(command::man::Args),
}

fn main() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return console::usage(&error),
    };
    let mut console = Console::new(cli.console);
    let result = match (console.format(), &cli.command) {
        (Format::Csv, command)
            if !matches!(command, Command::Predict(_) | Command::Evaluate(_)) =>
        {
            Err(Usage::error("--format csv: only predict and evaluate have it; use json"))
        }
        _ => run(cli.command, &mut console),
    };
    result.unwrap_or_else(|error| exit::report(&error, &console))
}

/// Parses the command line. Its errors quote arguments as text from outside; help is an error, too.
fn parse() -> Result<Cli, clap::Error> {
    Cli::try_parse().map_err(|error| {
        let shown = env::args_os().map(|argument| Outside::from(&argument).to_string());
        let again = help::parse(shown.collect());
        // What is valid once it is escaped can only have been bytes that are not Unicode.
        again.err().unwrap_or_else(|| clap::Error::raw(error.kind(), error.kind()))
    })
}

fn run(command: Command, console: &mut Console) -> anyhow::Result<ExitCode> {
    choose_instruction_set()?;
    signal::survive_file_limits().context("cannot handle signals")?;
    match command {
        Command::Train(args) => command::train::run(*args, console),
        Command::Evaluate(args) => command::evaluate::run(args, console),
        Command::Report(args) => command::report::run(args, console),
        Command::Predict(args) => command::predict::run(args, console),
        Command::Inspect(args) => command::inspect::run(args, console),
        Command::Calibrate(args) => command::calibrate::run(args, console),
        Command::Export(args) => command::export::run(args, console),
        Command::FindRate(args) => command::find_rate::run(*args, console),
        Command::Verify(args) => command::verify::run(args, console),
        Command::Completions(args) => command::completions::run(args, console),
        Command::Man(args) => command::man::run(&args),
    }
}

/// The environment variable that selects a smaller instruction set than the processor has.
const ISA: &str = "FMNIST_ISA";

fn choose_instruction_set() -> anyhow::Result<()> {
    let Some(name) = env::var_os(ISA).filter(|name| !name.is_empty()) else { return Ok(()) };
    let Some(set) = InstructionSet::ALL.into_iter().find(|set| name == *set.name()) else {
        let names = InstructionSet::ALL.map(InstructionSet::name).join(", ");
        let message = format!("{ISA}: expected one of {names}, found {}", Outside::from(&name));
        return Err(Usage::error(message));
    };
    if !set.choose() {
        return Err(Usage::error(format!(
            "{ISA}: this processor has no {}; unset it, or choose another set",
            set.name()
        )));
    }
    Ok(())
}
