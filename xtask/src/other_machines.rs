//! Checks that other processors and system libraries compute the same bits: 64-bit Arm, emulated by QEMU, and musl.

use std::process::Command;

use crate::cargo;

pub(crate) fn check() -> anyhow::Result<()> {
    arm()?;
    musl()
}

/// Runs the tests of the arithmetic, the grid of runs in each arithmetic, and `fmnist verify`.
fn arm() -> anyhow::Result<()> {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    const LINKER: &str = "aarch64-linux-gnu-gcc";
    const EMULATOR: &str = "qemu-aarch64";
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
        command.env(variable("RUNNER"), format!("{EMULATOR} -L /usr/aarch64-linux-gnu"));
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
    let grid = ["--test", "bits", "--", "the_grid_has_these_bits"];
    for [set, arithmetic] in [["neon", "plain"], ["portable", "plain"]] {
        let mut test = cargo(&[&libraries[..], &grid].concat());
        cargo::run(test.env("BITS_SET", set).env("BITS_ARITHMETIC", arithmetic))?;
    }
    cargo::run(&mut cargo(&verify(TARGET)))
}

fn musl() -> anyhow::Result<()> {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    if !has("musl-gcc") || !cargo::has_target(TARGET)? {
        println!("skipped: musl needs `rustup target add {TARGET}` and Debian's musl-tools");
        return Ok(());
    }
    cargo::run(cargo::command("cargo").args(verify(TARGET)))
}

fn verify(target: &str) -> [&str; 7] {
    ["run", "--target", target, "--package", "fmnist-cli", "--", "verify"]
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}
