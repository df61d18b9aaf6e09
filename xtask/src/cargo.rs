//! Runs cargo, git and other programs at the workspace's root.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace")
}

/// A command that runs a program at the workspace's root. `cargo` is the cargo that runs xtask.
pub(crate) fn command(program: &str) -> Command {
    let program = match program {
        "cargo" => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        other => other.into(),
    };
    let mut command = Command::new(program);
    command.current_dir(root());
    // Cargo sets these variables to the values of xtask. They are wrong for other packages, and some would rebuild.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program, which writes to our stdout and stderr. Fails if the program does.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}

/// Runs a program, and returns what it writes to stdout. Fails if the program does.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed: {}\n{stderr}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The files of the repository, including new ones, relative to its root.
pub(crate) fn files() -> anyhow::Result<Vec<String>> {
    let mut git = command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listing = output(&mut git).context("git lists the files")?;
    // Git also lists a file that was removed without a commit.
    let files = listing.split_terminator('\0').filter(|file| root().join(file).is_file());
    Ok(files.map(String::from).collect())
}

/// The output of `cargo metadata`, for the workspace's packages or for all.
pub(crate) fn metadata(with_dependencies: bool) -> anyhow::Result<Value> {
    let mut cargo = command("cargo");
    cargo.args(["metadata", "--format-version", "1"]);
    if !with_dependencies {
        cargo.arg("--no-deps");
    }
    Ok(serde_json::from_str(&output(&mut cargo)?)?)
}

/// The packages in the output of [`metadata`].
pub(crate) fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

/// Cargo's target directory.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let metadata = metadata(false)?;
    let dir = metadata["target_directory"].as_str().context("cargo names its target directory")?;
    Ok(dir.into())
}

/// Whether the standard library for a target is installed, as `rustup target add` does it.
pub(crate) fn has_target(target: &str) -> anyhow::Result<bool> {
    let mut rustc = command("rustc");
    let libraries = output(rustc.args(["--print", "target-libdir", "--target", target]))?;
    Ok(Path::new(libraries.trim()).is_dir())
}

/// Builds what the tests need, and returns the directory of programs and examples. `cargo run` would build much of it
/// again, with the features of one package.
pub(crate) fn build() -> anyhow::Result<PathBuf> {
    run(command("cargo").args(["test", "--quiet", "--workspace", "--no-run"]))?;
    Ok(target_dir()?.join("debug"))
}

/// Builds the program as the tests do, and returns its path.
pub(crate) fn build_program() -> anyhow::Result<PathBuf> {
    Ok(build()?.join(format!("fmnist{}", std::env::consts::EXE_SUFFIX)))
}
