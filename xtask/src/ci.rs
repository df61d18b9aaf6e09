//! `cargo xtask ci`: exactly what CI runs, cheapest first.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use fmnist_data::locate;

use crate::{cargo, layering, mutants, torture};

/// Run what CI runs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// A check's name and what it does.
type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: [Step; 12] = [
    ("formatting", formatting),
    ("layering", layering::check),
    ("mutants", mutants::check),
    ("faults", torture::check),
    ("supply chain", supply_chain),
    ("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    // Which nobody builds between two measurements; the others' libraries are not built here.
    ("our peer", || {
        let manifest = ["--locked", "--manifest-path", "tests/peers/rust/Cargo.toml"];
        let of_ours = ["--target-dir", "target/peers", "--package", "peer-ours"];
        cargo(&[&["check"], &manifest[..], &of_ours].concat())
    }),
    // The README's test command.
    ("tests", || cargo(&["test", "--workspace"])),
    ("docs", docs),
    ("examples", examples),
    ("packages", packages),
    ("model format", model_format),
];

pub(crate) fn run(Args {}: Args) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for (name, step) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        step().with_context(|| name)?;
        times.push(format!("{name} {:.0} s", start.elapsed().as_secs_f64()));
    }
    println!("== all passed: {}", times.join(", "));
    Ok(())
}

fn cargo(args: &[&str]) -> anyhow::Result<()> {
    cargo::run(cargo::command("cargo").args(args))
}

/// The workspace's, and that of the fuzz targets.
fn formatting() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"])
}

/// What dependencies may be, as deny.toml says. Advisories need their database, from the network.
fn supply_chain() -> anyhow::Result<()> {
    let succeeds = |args: &[&str]| {
        let output = cargo::command("cargo").args(args).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !succeeds(&["deny", "--version"]) {
        println!("skipped: no cargo-deny here; `cargo install cargo-deny --locked` brings it");
        return Ok(());
    }
    cargo(&["deny", "check", "licenses", "bans", "sources"])?;
    if succeeds(&["deny", "fetch", "db"]) {
        return cargo(&["deny", "check", "advisories"]);
    }
    println!("skipped: the database of advisories cannot be had");
    Ok(())
}

fn docs() -> anyhow::Result<()> {
    let mut doc = cargo::command("cargo");
    doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    cargo::run(&mut doc)
}

/// Runs every example of the library crates.
fn examples() -> anyhow::Result<()> {
    let metadata = cargo::metadata(false)?;
    for package in cargo::packages(&metadata) {
        let name = package["name"].as_str().context("a package has a name")?;
        for target in package["targets"].as_array().into_iter().flatten() {
            if target["kind"][0] == "example" {
                let example = target["name"].as_str().context("a target has a name")?;
                println!("{name}: {example}");
                cargo(&["run", "--quiet", "--package", name, "--example", example])?;
            }
        }
    }
    Ok(())
}

/// Shows what each library crate would publish; fails where it would lack a README.
fn packages() -> anyhow::Result<()> {
    for name in ["nn-core", "nn-optim", "nn-train", "nn-io", "fmnist-data"] {
        let mut list = cargo::command("cargo");
        list.args(["package", "--list", "--allow-dirty", "--package", name]);
        let files = cargo::output(&mut list)?;
        println!("{name}: {} files", files.lines().count());
        let has = |file: &str| files.lines().any(|line| line == file);
        anyhow::ensure!(has("README.md") && has("src/lib.rs"), "{name} would publish:\n{files}");
    }
    Ok(())
}

/// Reads a model file with Python, following the format document alone, and compares its
/// predictions with the program's. Python's packages go into a virtual environment under `target`.
fn model_format() -> anyhow::Result<()> {
    let Some(data) = locate::find(None)? else {
        println!("skipped: no Fashion-MNIST here; cargo xtask fetch-data brings it");
        return Ok(());
    };
    let environment = cargo::target_dir()?.join("python");
    let python = environment.join(if cfg!(windows) { "Scripts/python" } else { "bin/python" });
    let mut venv = cargo::command("python3");
    cargo::run(venv.args(["-m", "venv"]).arg(&environment))?;
    let program = |path: &PathBuf| path.to_string_lossy().into_owned();
    let requirements = "tests/model_format/requirements.txt";
    let mut pip = cargo::command(&program(&python));
    cargo::run(pip.args(["-m", "pip", "install", "--quiet", "--requirement", requirements]))?;
    cargo(&["build", "--package", "fmnist-cli"])?;

    let fmnist =
        cargo::target_dir()?.join("debug").join(format!("fmnist{}", std::env::consts::EXE_SUFFIX));
    let model = cargo::target_dir()?.join("model-format.model");
    if model.exists() {
        fs::remove_file(&model)?;
    }
    let mut train = cargo::command(&program(&fmnist));
    cargo::run(train.args(["train", "--quiet", "--epochs", "1", "--output"]).arg(&model))?;
    let mut compare = cargo::command(&program(&python));
    cargo::run(compare.arg("tests/model_format/compare.py").args([&fmnist, &model, &data]))
}
