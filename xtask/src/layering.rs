//! Checks which crate depends on which, and where `unsafe` is allowed: invariants of ARCHITECTURE.md that no lint checks.
//! Everywhere except in the kernels and in generated bindings, `unsafe` is forbidden.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::cargo;

/// The crates of the workspace that each crate may use, except in tests.
const LAYERS: [(&str, &[&str]); 11] = [
    ("nn-core", &[]),
    ("nn-optim", &[]),
    ("nn-train", &["nn-core", "nn-optim"]),
    ("nn-io", &["nn-core", "nn-optim", "nn-train"]),
    ("fmnist-data", &[]),
    ("fmnist", &["fmnist-data", "nn-core", "nn-io", "nn-optim", "nn-train"]),
    ("fmnist-report", &["fmnist", "nn-core", "nn-io", "nn-train"]),
    (
        "fmnist-cli",
        &["fmnist", "fmnist-data", "fmnist-report", "nn-core", "nn-io", "nn-optim", "nn-train"],
    ),
    ("fmnist-tally", &[]),
    ("bind", &[]),
    ("xtask", &["fmnist-data", "fmnist-tally"]),
];

/// Crates that bind the libraries to another language, and what they may use. Each is a workspace of its own. Their
/// generated code is `unsafe`, so the lint is `deny` there, but none of their own files may allow it.
const BINDINGS: [(&str, &[&str]); 1] =
    [("fmnist-web", &["fmnist", "nn-core", "nn-optim", "nn-train"])];

/// Where `unsafe_code` may be allowed.
const KERNELS: [&str; 2] = ["crates/nn-core/src/kernels.rs", "crates/nn-core/src/kernels/"];

pub(crate) fn check() -> anyhow::Result<()> {
    let metadata = cargo::metadata(false)?;
    for package in cargo::packages(&metadata) {
        check_dependencies(package)?;
        let lints = match package["name"] == "nn-core" {
            true => "unsafe_code = \"deny\"",
            false => "[lints]\nworkspace = true",
        };
        expect(Path::new(package["manifest_path"].as_str().unwrap_or_default()), lints)?;
    }
    for (name, _) in BINDINGS {
        let manifest = cargo::root().join("crates").join(name).join("Cargo.toml");
        let mut cargo = cargo::command("cargo");
        cargo.args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"]);
        let metadata = serde_json::from_str(&cargo::output(cargo.arg(&manifest))?)?;
        for package in cargo::packages(&metadata) {
            check_dependencies(package)?;
        }
        expect(&manifest, "unsafe_code = \"deny\"")?;
    }
    expect(&cargo::root().join("Cargo.toml"), "unsafe_code = \"forbid\"")?;
    check_unsafe(&cargo::root().join("crates"))
}

/// Fails if a package uses a crate of ours that its layer must not use.
fn check_dependencies(package: &Value) -> anyhow::Result<()> {
    let name = package["name"].as_str().context("a package has a name")?;
    let all = || LAYERS.iter().chain(&BINDINGS);
    let (_, allowed) = all()
        .find(|(member, _)| *member == name)
        .with_context(|| format!("{name} has no place in {}", file!()))?;
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    for dependency in dependencies.filter(|dependency| dependency["kind"] != "dev") {
        let used = dependency["name"].as_str().context("a dependency has a name")?;
        let ours = all().any(|(member, _)| *member == used);
        if ours && !allowed.contains(&used) {
            bail!("{name} depends on {used}: expected at most {allowed:?} of the workspace");
        }
    }
    Ok(())
}

/// Fails if a manifest lacks these lines.
fn expect(manifest: &Path, lines: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(manifest)?.replace('\r', "");
    ensure!(text.contains(lines), "{}: expected the lines {lines:?}", manifest.display());
    Ok(())
}

/// Fails if a file outside the kernels allows `unsafe`.
fn check_unsafe(dir: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            check_unsafe(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(cargo::root())?.to_string_lossy().replace('\\', "/");
            let in_kernels = KERNELS.iter().any(|kernels| relative.starts_with(kernels));
            if !in_kernels && fs::read_to_string(&path)?.contains("allow(unsafe_code") {
                bail!("{relative} allows unsafe_code: expected in {KERNELS:?} only");
            }
        }
    }
    Ok(())
}
