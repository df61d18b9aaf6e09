//! Automation of the workspace: `cargo xtask COMMAND`.
//!
//! Each command is a module with a type `Args` and a function `run`.

mod cargo;
mod ci;
mod dist;
mod english;
mod fetch_data;
mod fuzz;
mod guides;
mod layering;
mod links;
mod mutants;
mod other_machines;
mod packages;
mod photos;
mod sample;
mod structure;
mod torture;
mod web;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Automation of the fmnist workspace")]
enum Command {
    FetchData(fetch_data::Args),
    Ci(ci::Args),
    Dist(dist::Args),
    Torture(torture::Args),
    Mutants(mutants::Args),
    Sample(sample::Args),
    Fuzz(fuzz::Args),
    Guides(guides::Args),
    Photos(photos::Args),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::FetchData(args) => fetch_data::run(args),
        Command::Ci(args) => ci::run(args),
        Command::Dist(args) => dist::run(args),
        Command::Torture(args) => torture::run(args),
        Command::Mutants(args) => mutants::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Fuzz(args) => fuzz::run(args),
        Command::Guides(args) => guides::run(args),
        Command::Photos(args) => photos::run(args),
    }
}
