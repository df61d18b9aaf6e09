//! Which crate may depend on which, and where `unsafe` may stand: invariants of ARCHITECTURE.md
//! that no lint checks.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::cargo;

/// What each crate may use of the workspace, apart from tests.
const LAYERS: [(&str, &[&str]); 8] = [
    ("nn-core", &[]),
    ("nn-optim", &[]),
    ("nn-train", &["nn-core", "nn-optim"]),
    ("nn-io", &["nn-core", "nn-optim", "nn-train"]),
    ("fmnist-data", &[]),
    ("fmnist-cli", &["fmnist-data", "nn-core", "nn-io", "nn-optim", "nn-train"]),
    ("tally", &[]),
    ("xtask", &["fmnist-data", "tally"]),
];

/// Where `unsafe_code` may be allowed.
const KERNELS: [&str; 2] = ["crates/nn-core/src/kernels.rs", "crates/nn-core/src/kernels/"];

pub(crate) fn check() -> anyhow::Result<()> {
    let metadata = cargo::metadata(false)?;
    for package in cargo::packages(&metadata) {
        let name = package["name"].as_str().context("a package has a name")?;
        let (_, allowed) = LAYERS
            .iter()
            .find(|(member, _)| *member == name)
            .with_context(|| format!("{name} has no place in {}", file!()))?;
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        for dependency in dependencies.filter(|dependency| dependency["kind"] != "dev") {
            let used = dependency["name"].as_str().context("a dependency has a name")?;
            let ours = LAYERS.iter().any(|(member, _)| *member == used);
            if ours && !allowed.contains(&used) {
                bail!("{name} depends on {used}: expected at most {allowed:?} of the workspace");
            }
        }
    }
    check_unsafe(&cargo::root().join("crates"))
}

/// Fails where a file outside the kernels lifts the lint against `unsafe`.
fn check_unsafe(dir: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
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
