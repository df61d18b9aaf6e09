//! `cargo xtask ci`: the checks, cheapest first, in three tiers.
//!
//! A plain run is exactly what CI runs. Use `--fast` between changes, and `--full` before a release.

use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use fmnist_data::locate;
use serde_json::Value;

use crate::{
    cargo, english, fuzz, guides, layering, links, mutants, other_machines, packages, photos,
    sample, structure, torture, web,
};

/// Run what CI runs
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only formatting, layering, clippy and unit tests: under 3 minutes after a small change
    #[arg(long)]
    fast: bool,

    /// Also everything slow: torture, mutants, fuzzing, release builds; takes some hours
    #[arg(long, conflicts_with = "fast")]
    full: bool,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Tier {
    Fast,
    Plain,
    Full,
}

const ALL: RangeInclusive<Tier> = Tier::Fast..=Tier::Full;
const FAST: RangeInclusive<Tier> = Tier::Fast..=Tier::Fast;
const PLAIN: RangeInclusive<Tier> = Tier::Plain..=Tier::Full;
const FULL: RangeInclusive<Tier> = Tier::Full..=Tier::Full;

/// A check's name, the tiers that it belongs to, and what it does.
type Step = (&'static str, RangeInclusive<Tier>, fn() -> anyhow::Result<()>);

const STEPS: [Step; 35] = [
    ("formatting", ALL, formatting),
    ("lock files", ALL, lock_files),
    ("layering", ALL, layering::check),
    ("structure", ALL, structure::check),
    ("links", ALL, links::check),
    ("phrases", ALL, english::check),
    ("mutants' places", ALL, mutants::check),
    ("faults", ALL, torture::check),
    ("supply chain", PLAIN, supply_chain),
    ("clippy", ALL, || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("unit tests", FAST, || cargo(&["test", "--workspace", "--lib", "--bins"])),
    // Otherwise only measurements would build it. The other peers need their own large libraries, so they are left out.
    ("our peer", PLAIN, || check_apart(&["tests/peers/rust/Cargo.toml", "--package", "peer-ours"])),
    ("benches", PLAIN, || check_apart(&["benches/Cargo.toml", "--benches"])),
    ("fuzz targets", PLAIN, fuzz::check),
    // The README's test command.
    ("tests", PLAIN, || cargo(&["test", "--workspace"])),
    ("tests without data", PLAIN, tests_without_data),
    ("transcripts", PLAIN, transcripts),
    ("guides", PLAIN, guides::check),
    ("exercises", PLAIN, exercises),
    ("docs", PLAIN, docs),
    ("examples", PLAIN, examples),
    ("packages", PLAIN, packages::check),
    ("model format", PLAIN, model_format),
    ("web", PLAIN, web::check),
    ("photos", FULL, photos::check),
    ("other machines", FULL, other_machines::check),
    ("windows", FULL, windows),
    ("publishing", FULL, packages::dry_run),
    ("packages' tests", FULL, packages::test),
    ("long examples", FULL, long_examples),
    ("release profile", FULL, release_profile),
    ("torture", FULL, || torture::run(torture::Args {})),
    ("mutants", FULL, mutants::run_all),
    ("sampled mutants", FULL, sample::run_default),
    ("fuzzing", FULL, || fuzz::run_all(FUZZ_MINUTES)),
];

/// The time for each fuzz target in a full run.
const FUZZ_MINUTES: u32 = 30;

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let tier = match args {
        Args { fast: true, .. } => Tier::Fast,
        Args { full: true, .. } => Tier::Full,
        _ => Tier::Plain,
    };
    let mut times = Vec::new();
    for (name, _, step) in STEPS.iter().filter(|(_, tiers, _)| tiers.contains(&tier)) {
        println!("== {name}");
        let start = Instant::now();
        step().with_context(|| *name)?;
        times.push(format!("{name} {:.0} s", start.elapsed().as_secs_f64()));
    }
    println!("== all passed: {}", times.join(", "));
    Ok(())
}

fn cargo(args: &[&str]) -> anyhow::Result<()> {
    cargo::run(cargo::command("cargo").args(args))
}

/// Checks that the Cargo.lock of each workspace has what its manifests ask for. A new dependency of a library changes
/// those of the separate workspaces too, which CI builds late.
fn lock_files() -> anyhow::Result<()> {
    for lock_file in cargo::files()? {
        if let Some(directory) = lock_file.strip_suffix("Cargo.lock") {
            let manifest = format!("{directory}Cargo.toml");
            cargo(&["update", "--workspace", "--locked", "--quiet", "--manifest-path", &manifest])
                .with_context(|| {
                    format!("to update: cargo update -w --manifest-path {manifest}")
                })?;
        }
    }
    Ok(())
}

/// The target directory of the separate workspaces, which share most of their dependencies.
const APART: &str = "target/peers";

/// Compiles a crate of a separate workspace, whose manifest is the first argument.
fn check_apart(manifest: &[&str]) -> anyhow::Result<()> {
    let options = ["check", "--locked", "--target-dir", APART, "--manifest-path"];
    cargo(&[&options, manifest].concat())
}

/// Checks the formatting of the workspace, and of the crates outside it.
fn formatting() -> anyhow::Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    for apart in [
        "benches",
        "crates/fmnist-web",
        "exercises",
        "fuzz",
        "tests/package_user",
        "tests/transcripts",
    ] {
        cargo(&["fmt", "--manifest-path", &format!("{apart}/Cargo.toml"), "--check"])?;
    }
    Ok(())
}

/// Checks that dependencies follow the rules in deny.toml. Advisories need a database from the network.
fn supply_chain() -> anyhow::Result<()> {
    let succeeds = |args: &[&str]| {
        let output = cargo::command("cargo").args(args).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !succeeds(&["deny", "--version"]) {
        println!("skipped: cargo-deny not found; run `cargo install cargo-deny --locked`");
        return Ok(());
    }
    cargo(&["deny", "check", "licenses", "bans", "sources"])?;
    if succeeds(&["deny", "fetch", "db"]) {
        return cargo(&["deny", "check", "advisories"]);
    }
    println!("skipped: the database of advisories cannot be downloaded");
    Ok(())
}

/// Compares whole sessions of the program with tests/transcripts.
fn transcripts() -> anyhow::Result<()> {
    let mut test = cargo::command("cargo");
    test.args(["test", "--locked", "--manifest-path", "tests/transcripts/Cargo.toml"]);
    test.args(["--target-dir", APART]).env("FMNIST", cargo::build_program()?);
    cargo::run(&mut test)
}

/// Checks the exercises of docs/book.md: their solutions pass every test, and the reader's starting point passes none.
fn exercises() -> anyhow::Result<()> {
    let test =
        ["test", "--locked", "--manifest-path", "exercises/Cargo.toml", "--target-dir", APART];
    cargo(&[&test[..], &["--features", "solutions"]].concat())?;
    cargo(&[&test[..], &["--no-run"]].concat())?;
    let mut unsolved = cargo::command("cargo");
    let output = unsolved.args(test).arg("--no-fail-fast").output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let passed: Vec<&str> = printed.lines().filter(|line| line.ends_with(" ... ok")).collect();
    anyhow::ensure!(passed.is_empty(), "these tests pass without a solution: {passed:?}");
    anyhow::ensure!(printed.contains(" ... FAILED"), "expected failing tests\n{printed}");
    Ok(())
}

fn docs() -> anyhow::Result<()> {
    let mut doc = cargo::command("cargo");
    doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    cargo::run(&mut doc)
}

/// Runs the tests that look for Fashion-MNIST as in a fresh clone without a network: those of the program, which then
/// train on synthetic garments, and those of fmnist-data. No other test reads the data. They run in an empty directory
/// that is also their home, so that they find neither the workspace's data nor the user's cache.
fn tests_without_data() -> anyhow::Result<()> {
    // Outside the workspace, since the tests look for it in all parent directories.
    let empty = tempfile::tempdir()?;
    let mut build = cargo::command("cargo");
    build.args(["test", "--workspace", "--no-run", "--message-format", "json"]);
    let mut n = 0;
    for line in cargo::output(&mut build)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let name = message["target"]["name"].as_str().unwrap_or_default();
        let is_test = message["profile"]["test"] == true && READ_DATA.contains(&name);
        let Some(executable) = message["executable"].as_str().filter(|_| is_test) else { continue };
        let mut tests = cargo::command(executable);
        tests.current_dir(empty.path()).env_remove(locate::VARIABLE);
        tests.args(ANY_IMAGES.iter().flat_map(|name| ["--skip", name]));
        cargo::run(tests.env("HOME", empty.path()).env("XDG_CACHE_HOME", empty.path()))?;
        n += 1;
    }
    anyhow::ensure!(n == READ_DATA.len(), "expected the tests {READ_DATA:?}, found {n} of them");
    Ok(())
}

/// Tests of many faults, which do not depend on which images they get.
const ANY_IMAGES: [&str; 3] = ["kill::", "kills::", "disk::"];

/// Targets whose tests look for the data.
const READ_DATA: [&str; 2] = ["fmnist_data", "program"];

/// Compiles the program for Windows, without running it. This needs a C compiler for ring, which downloads use.
fn windows() -> anyhow::Result<()> {
    const TARGET: &str = "x86_64-pc-windows-gnu";
    let compiler = cargo::output(cargo::command("x86_64-w64-mingw32-gcc").arg("--version"));
    if compiler.is_err() || !cargo::has_target(TARGET)? {
        println!("skipped: needs `rustup target add {TARGET}` and Debian's gcc-mingw-w64-x86-64");
        return Ok(());
    }
    cargo(&["check", "--package", "fmnist-cli", "--target", TARGET])
}

/// Tests the arithmetic, the model file and whole runs, as compiled for a release.
fn release_profile() -> anyhow::Result<()> {
    let libraries = ["--package", "nn-core", "--package", "nn-train", "--package", "nn-io"];
    cargo(&[&["test", "--release", "--lib", "--tests"], &libraries[..]].concat())?;
    cargo(&["test", "--release", "--package", "fmnist-cli", "--test", "program", "train::"])?;
    cargo(&["run", "--release", "--package", "fmnist-cli", "--", "verify"])
}

/// Examples that train for more than a few seconds.
const LONG_EXAMPLES: [&str; 3] = ["binary_spiral", "sine", "spiral"];

fn examples() -> anyhow::Result<()> {
    run_examples(|name| !LONG_EXAMPLES.contains(&name))
}

fn long_examples() -> anyhow::Result<()> {
    run_examples(|name| LONG_EXAMPLES.contains(&name))
}

/// Runs examples of the library crates.
fn run_examples(chosen: fn(&str) -> bool) -> anyhow::Result<()> {
    let built = cargo::build()?.join("examples");
    let metadata = cargo::metadata(false)?;
    let targets = cargo::packages(&metadata).flat_map(|package| package["targets"].as_array());
    for target in targets.flatten().filter(|target| target["kind"][0] == "example") {
        let name = target["name"].as_str().context("a target has a name")?;
        if chosen(name) {
            println!("{name}");
            cargo::run(&mut cargo::command(&built.join(name).to_string_lossy()))?;
        }
    }
    Ok(())
}

/// Reads model files with a Python program that follows the format document alone, and compares its predictions with
/// those of `fmnist`. Python's packages go into a virtual environment under `target`.
fn model_format() -> anyhow::Result<()> {
    let Some(data) = locate::find(None)? else {
        println!("skipped: Fashion-MNIST not found; run `cargo xtask fetch-data` to download it");
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
    let fmnist = cargo::build_program()?;
    // Together they cover everything that a prediction can depend on: norms, flips, the average, the best epoch.
    let kept = "--epochs 2 --hidden 32,16 --test-flips --average 0.99";
    for (name, options) in [
        ("plain", "--epochs 1"),
        ("best", &*format!("{kept} --norm batch --activation gelu --keep-best")),
        ("average", &*format!("{kept} --norm layer --dropout 0.1")),
    ] {
        let model = cargo::target_dir()?.join(format!("model-format-{name}.model"));
        if model.exists() {
            fs::remove_file(&model)?;
        }
        let mut train = cargo::command(&program(&fmnist));
        train.args(["train", "--quiet", "--output"]).arg(&model).args(options.split(' '));
        cargo::run(&mut train)?;
        let mut compare = cargo::command(&program(&python));
        compare.arg("tests/model_format/compare.py").args([&fmnist, &model, &data]);
        cargo::run(&mut compare)?;
    }
    Ok(())
}
