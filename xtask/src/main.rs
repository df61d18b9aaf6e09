//! Automation of the workspace: `cargo xtask COMMAND`.
//!
//! A command is a module with an `Args` and a `run`.

mod fetch_data;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Automation of the fmnist workspace")]
enum Command {
    FetchData(fetch_data::Args),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::FetchData(args) => fetch_data::run(args),
    }
}
