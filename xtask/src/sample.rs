//! `cargo xtask sample`: breaks the code at random with cargo-mutants, and checks that tests fail.
//!
//! `.cargo/mutants.toml` says what is broken and how it is tested. [`mutants`] has mutants that cargo-mutants would not
//! find.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{cargo, mutants};

/// Break the code at random, in a copy, and check that tests notice; needs cargo-mutants
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The number of mutants
    #[arg(long, default_value_t = 40)]
    count: usize,

    /// Seed; a different one chooses other mutants
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Break only files that match this glob, such as "crates/nn-core/src/layer/*.rs"
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,

    /// The crates to break
    #[arg(value_name = "CRATE", default_values_t = LIBRARIES.map(String::from))]
    crates: Vec<String>,
}

const LIBRARIES: [&str; 4] = ["nn-core", "nn-optim", "nn-train", "nn-io"];

/// The percentage of mutants that the tests must catch in a full run of CI.
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

/// Returns the percentage of mutants that tests caught, of those that compile. Each mutant is tried with the tests of its
/// own crate. If they miss it, it is tried with the tests of all four crates.
fn run_sample(args: &Args) -> anyhow::Result<usize> {
    // The copy is kept, so that the next run compiles less.
    let tree = mutants::copy()?;
    let mut list = cargo_mutants(&tree, args);
    list.args(args.file.iter().flat_map(|glob| ["--file", glob]));
    let list = cargo::output(list.arg("--list")).context(
        "is cargo-mutants installed? if not, run `cargo install cargo-mutants --locked`",
    )?;
    let mut chosen: Vec<&str> = list.lines().filter(|name| !name.is_empty()).collect();
    println!("{} of {} mutants", args.count.min(chosen.len()), chosen.len());
    // Ordered by hash, which is random, but the same the next time for unchanged code.
    chosen.sort_by_cached_key(|name| Sha256::digest(format!("{} {name}", args.seed)).to_vec());
    chosen.truncate(args.count);
    ensure!(!chosen.is_empty(), "there are no mutants");

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

/// The results of some mutants. A mutant that ends in a timeout counts as caught.
#[derive(Default)]
struct Outcome {
    caught: usize,
    unviable: usize,
    missed: Vec<String>,
}

/// `cargo mutants` in a copy of the workspace, for the crates of `args`.
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
        // cargo-mutants 27.1 ignores the expression for mutants that delete a field. This limits them to the files chosen.
        command.args(["--file", name.split(':').next().unwrap_or_default()]);
        command.args(["--re", &format!("^{}$", escaped(name))]);
    }
    let status = command.env("CARGO_INCREMENTAL", "1").status()?;
    // 2: some mutants were missed; 3: some took too long.
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

/// A regular expression that matches only this text.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        // Other characters must not be escaped: `\<` would match the start of a word.
        if r"\.+*?()|[]{}^$#&-~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
