//! Checks that other processors and system libraries compute the same bits: 64-bit Arm, emulated by QEMU, and musl.

use std::{fs, process::Command};

use anyhow::{Context as _, ensure};
use fmnist_data::locate;
use serde_json::Value;

use crate::cargo;

pub(crate) fn check() -> anyhow::Result<()> {
    arm()?;
    musl()
}

/// Runs the tests of the arithmetic, the grid of runs in each arithmetic, and a short epoch of the program.
fn arm() -> anyhow::Result<()> {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    const LINKER: &str = "aarch64-linux-gnu-gcc";
    const EMULATOR: &str = "qemu-aarch64";
    const LIBRARIES: &str = "/usr/aarch64-linux-gnu";
    if !has(LINKER) || !has(EMULATOR) || !cargo::has_target(TARGET)? {
        println!(
            "skipped: Arm needs `rustup target add {TARGET}` and Debian's gcc-aarch64-linux-gnu and qemu-user"
        );
        return Ok(());
    }
    let cargo = |args: &[&str]| {
        let mut command = cargo::command("cargo");
        let variable = |name: &str| format!("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_{name}");
        command.env(variable("LINKER"), LINKER);
        command.env(variable("RUNNER"), format!("{EMULATOR} -L {LIBRARIES}"));
        command.args(args);
        command
    };
    // QEMU cannot start the processes of the first, and needs minutes for the second, which is not about bits.
    const SKIPPED: [&str; 2] =
        ["every_instruction_set_has_the_same_bits", "a_step_allocates_nothing"];
    let libraries = ["test", "--target", TARGET, "--package", "nn-core", "--package", "nn-train"];
    let skip = SKIPPED.map(|test| ["--skip", test]);
    let all = [&libraries[..], &["--lib", "--tests", "--"], skip.as_flattened()].concat();
    cargo::run(&mut cargo(&all))?;
    // Without `--nocapture`, a test that passes does not print that it was skipped.
    let grid = ["--test", "bits", "--", "--nocapture", "the_grid_has_these_bits"];
    for [set, arithmetic] in [["neon", "plain"], ["portable", "plain"]] {
        let mut test = cargo(&[&libraries[..], &grid].concat());
        let test = test.env("BITS_SET", set).env("BITS_ARITHMETIC", arithmetic);
        let printed = cargo::output(test)?;
        let has_run = printed.contains("1 passed") && !printed.contains("skipped");
        ensure!(has_run, "{set}, {arithmetic}: the grid was not run\n{printed}");
    }
    cargo::run(&mut cargo(&["build", "--target", TARGET, "--package", "fmnist-cli"]))?;
    let program = cargo::target_dir()?.join(TARGET).join("debug/fmnist");
    let emulated = short_epoch(&[EMULATOR, "-L", LIBRARIES, &program.to_string_lossy()])?;
    let here = short_epoch(&[&cargo::build_program()?.to_string_lossy()])?;
    ensure!(emulated == here, "state_sha256 of a short epoch: here {here}, on Arm {emulated}");
    Ok(())
}

/// Trains for a short epoch, and returns the run's `state_sha256`. The whole run of `fmnist verify` would take QEMU minutes.
fn short_epoch(program: &[&str]) -> anyhow::Result<String> {
    let dir = tempfile::tempdir()?;
    let run = |arguments: &str| {
        let mut command = cargo::command(program[0]);
        command.args(&program[1..]).args(arguments.split(' ')).current_dir(dir.path());
        if let Some(data) = locate::find(None)? {
            command.env(locate::VARIABLE, fs::canonicalize(data)?);
        }
        cargo::output(&mut command)
    };
    run("train --epochs 1 --hidden 16 --batch-size 512 --quiet --output m.model")?;
    let inspected: Value = serde_json::from_str(&run("inspect m.model --format json")?)?;
    Ok(inspected["state_sha256"].as_str().context("inspect prints the checksum")?.into())
}

fn musl() -> anyhow::Result<()> {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    if !has("musl-gcc") || !cargo::has_target(TARGET)? {
        println!("skipped: musl needs `rustup target add {TARGET}` and Debian's musl-tools");
        return Ok(());
    }
    let run = ["run", "--target", TARGET, "--package", "fmnist-cli", "--", "verify"];
    cargo::run(cargo::command("cargo").args(run))
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
