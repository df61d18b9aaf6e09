//! `cargo xtask mutants`: breaks the code in known ways, one at a time, and checks that tests fail. The mutants break what
//! keeps files and runs safe, and the arithmetic. A promise is worth only as much as its test can notice.

mod data;
mod disk;
mod model_file;
mod numerics;
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use fmnist_data::locate;

use crate::cargo;

/// Break the code in known ways, one at a time, in a copy, and check that tests notice
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only mutants whose name or file contains this
    name: Option<String>,
}

/// A way to break the code, and the tests that must notice.
struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    tests: &'static [&'static str],
}

const NN_IO: &[&str] = &["--package", "nn-io", "--lib", "--test", "suite"];

fn mutants() -> impl Iterator<Item = &'static Mutant> {
    [disk::MUTANTS, model_file::MUTANTS, data::MUTANTS, program::MUTANTS, numerics::MUTANTS]
        .into_iter()
        .flatten()
}

pub(crate) fn run_all() -> anyhow::Result<()> {
    run(Args { name: None })
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    check()?;
    let has =
        |mutant: &Mutant, text: &str| mutant.name.contains(text) || mutant.file.contains(text);
    let chosen: Vec<&Mutant> = mutants()
        .filter(|mutant| args.name.as_ref().is_none_or(|name| has(mutant, name)))
        .collect();
    ensure!(!chosen.is_empty(), "no mutant with this in its name or file");
    let tree = copy()?;

    println!("running the tests without any mutant");
    let mut seen: Vec<&[&str]> = Vec::new();
    for mutant in &chosen {
        if !seen.contains(&mutant.tests) {
            seen.push(mutant.tests);
            let failed = failures(&tree, mutant.tests)?;
            ensure!(failed.is_empty(), "without any mutant, these fail: {}", failed.join(", "));
        }
    }
    let mut missed = Vec::new();
    for mutant in &chosen {
        let path = tree.join(mutant.file);
        let original = fs::read_to_string(&path)?;
        fs::write(&path, original.replacen(mutant.from, mutant.to, 1))?;
        let failed = failures(&tree, mutant.tests);
        fs::write(&path, original)?;
        match failed.as_ref().map(|failed| failed.split_first()) {
            Ok(Some((first, others))) => {
                println!("caught  {}: by {first} and {} more", mutant.name, others.len());
            }
            Ok(None) => {
                println!("MISSED  {}", mutant.name);
                missed.push(mutant.name);
            }
            // One mutant that the code has outgrown does not keep the others from being tried.
            Err(error) => {
                println!("BROKEN  {}: {error}", mutant.name);
                missed.push(mutant.name);
            }
        }
    }
    println!("{} of {} caught", chosen.len() - missed.len(), chosen.len());
    if !missed.is_empty() {
        bail!("missed or broken: {}", missed.join("; "));
    }
    Ok(())
}

/// Fails if the code has changed so that the place of a mutant is no longer there.
pub(crate) fn check() -> anyhow::Result<()> {
    for Mutant { name, file, from, .. } in mutants() {
        let text = fs::read_to_string(cargo::root().join(file)).context(file)?;
        let n = text.matches(from).count();
        ensure!(n == 1, "{file}: expected the place of mutant {name:?} once, found it {n} times");
    }
    Ok(())
}

/// Copies the workspace's files as they are now, and returns the copy's directory.
pub(crate) fn copy() -> anyhow::Result<PathBuf> {
    let tree = cargo::target_dir()?.join("mutants");
    for file in cargo::files()? {
        let (from, to) = (cargo::root().join(&file), tree.join(&file));
        if fs::read(&from).ok() != fs::read(&to).ok() {
            fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
            fs::copy(from, to)?;
        }
    }
    Ok(tree)
}

/// The tests that fail in the copy. If they do not compile, that is an error, not a failure.
fn failures(tree: &Path, tests: &[&str]) -> anyhow::Result<Vec<String>> {
    let data = locate::find(None)?;
    let cargo = |extra: &[&str]| {
        let mut command = cargo::command("cargo");
        command.current_dir(tree).args(["test", "--quiet", "--profile", "mutants"]).args(extra);
        command.args(tests);
        command.env("CARGO_TARGET_DIR", tree.join("target"));
        if let Some(data) = &data {
            command.env(locate::VARIABLE, data);
        }
        command
    };
    cargo::output(&mut cargo(&["--no-run"]))?;
    let output = cargo(&["--no-fail-fast"]).output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let failed = stdout.lines().filter_map(|line| line.strip_suffix(" --- FAILED"));
    let mut failed: Vec<String> = failed.map(Into::into).collect();
    if failed.is_empty() {
        failed.push("a test that ended the process".into());
    }
    Ok(failed)
}
