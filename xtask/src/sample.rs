//! `cargo xtask sample`: breaks the code at random, with cargo-mutants, and sees that tests turn red.
//!
//! What is broken and how it is tested is in `.cargo/mutants.toml`. [`mutants`] are those that no program
//! would think of.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{cargo, mutants};

/// Break the code at random, in a copy, and see that the tests notice; needs cargo-mutants
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many mutants
    #[arg(long, default_value_t = 40)]
    count: usize,

    /// Which ones: another number, other mutants
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Only in files that match a glob, such as "crates/nn-core/src/layer/*.rs"
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,

    /// Where to break the code
    #[arg(value_name = "CRATE", default_values_t = LIBRARIES.map(String::from))]
    crates: Vec<String>,
}

const LIBRARIES: [&str; 4] = ["nn-core", "nn-optim", "nn-train", "nn-io"];

/// Of the mutants of a full run of CI, at least so many percent must be caught.
const MIN_PERCENT: usize = 90;

pub(crate) fn run_default() -> anyhow::Result<()> {
    let crates = LIBRARIES.map(String::from).into();
    let share = run_sample(&Args { count: 40, seed: 0, file: Vec::new(), crates })?;
    ensure!(share >= MIN_PERCENT, "{share} % caught, expected at least {MIN_PERCENT} %");
    Ok(())
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    run_sample(&args).map(drop)
}

/// The percentage that tests caught, of those that compile. A mutant goes through the tests of its own crate first;
/// what they miss, through those of all four.
fn run_sample(args: &Args) -> anyhow::Result<usize> {
    // In a copy that stays, so that what it was compiled with serves the next time.
    let tree = mutants::copy()?;
    let mut list = cargo_mutants(&tree, args);
    list.args(args.file.iter().flat_map(|glob| ["--file", glob]));
    let list = cargo::output(list.arg("--list"))
        .context("is cargo-mutants there? `cargo install cargo-mutants --locked` brings it")?;
    let mut chosen: Vec<&str> = list.lines().filter(|name| !name.is_empty()).collect();
    println!("{} of {} mutants", args.count.min(chosen.len()), chosen.len());
    // In the order of their hashes: at random, and as far as the code stays, the same next time.
    chosen.sort_by_cached_key(|name| Sha256::digest(format!("{} {name}", args.seed)).to_vec());
    chosen.truncate(args.count);
    ensure!(!chosen.is_empty(), "no mutant there");

    let out = cargo::target_dir()?.join("sampled-mutants");
    let own = test(cargo_mutants(&tree, args), &chosen, &out.join("own"))?;
    let all = match own.missed.is_empty() {
        true => Outcome::default(),
        false => {
            let missed: Vec<&str> = own.missed.iter().map(String::as_str).collect();
            let mut with_all = cargo_mutants(&tree, args);
            with_all.args(["--test-package", &LIBRARIES.join(",")]);
            test(with_all, &missed, &out.join("all"))?
        }
    };
    let caught = own.caught + all.caught;
    let viable = caught + all.missed.len();
    let missed = all.missed.join("\n");
    println!("{caught} of {viable} caught, {} did not compile; missed:\n{missed}", own.unviable);
    Ok(100 * caught / viable.max(1))
}

/// What became of some mutants. One that ends in a timeout is caught.
#[derive(Default)]
struct Outcome {
    caught: usize,
    unviable: usize,
    missed: Vec<String>,
}

/// `cargo mutants` in a copy of the workspace, over the crates and files that are asked for.
fn cargo_mutants(tree: &Path, args: &Args) -> Command {
    let mut command = cargo::command("cargo");
    command.current_dir(tree).arg("mutants");
    for package in &args.crates {
        command.args(["--package", package]);
    }
    command
}

fn test(mut command: Command, chosen: &[&str], out: &Path) -> anyhow::Result<Outcome> {
    fs::create_dir_all(out)?;
    command.args(["--in-place", "--no-shuffle", "--colors", "never", "--output"]).arg(out);
    for name in chosen {
        // cargo-mutants 27.1 tests deletions of fields whatever the expression says: only those of these files.
        command.args(["--file", name.split(':').next().unwrap_or_default()]);
        command.args(["--re", &format!("^{}$", escaped(name))]);
    }
    let status = command.env("CARGO_INCREMENTAL", "1").status()?;
    // 2: some were missed, 3: some took too long.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("cargo mutants failed: {status}");
    }
    let outcomes = fs::read(out.join("mutants.out").join("outcomes.json"))?;
    let outcomes: Value = serde_json::from_slice(&outcomes)?;
    let mut sum = Outcome::default();
    for outcome in outcomes["outcomes"].as_array().into_iter().flatten() {
        let name = outcome["scenario"]["Mutant"]["name"].as_str().unwrap_or_default();
        match outcome["summary"].as_str() {
            _ if !chosen.contains(&name) => {}
            Some("CaughtMutant" | "Timeout") => sum.caught += 1,
            Some("MissedMutant") => sum.missed.push(name.into()),
            _ => sum.unviable += 1,
        }
    }
    Ok(sum)
}

/// A text as a regular expression that matches nothing else.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        // Not others: a `<` behind a backslash is the start of a word.
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
