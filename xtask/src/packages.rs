//! Checks the packages that would be published: they are complete, and a user's project works with the libraries in them.
//!
//! The project is `tests/package_user`, the library example of the READMEs. It uses the unpacked packages, not the
//! workspace, so it fails if a package lacks a file.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use flate2::read::GzDecoder;
use fmnist_data::locate;
use serde_json::Value;

use crate::cargo;

/// The fields of a package that crates.io shows.
const FIELDS: [&str; 7] =
    ["description", "documentation", "readme", "license", "rust_version", "keywords", "categories"];

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The user's project.
const USER: &str = "tests/package_user";
/// The documents that show its program.
const READMES: [&str; 2] = ["README.md", "crates/fmnist/README.md"];

/// A library's name, and where its package is unpacked.
type Library = (String, PathBuf);

/// Checks the files of every package, and that the READMEs show the user's project.
pub(crate) fn check() -> anyhow::Result<()> {
    check_example()?;
    unpack_all().map(drop)
}

/// Packs and unpacks every package, checks its files, and returns the packages that are libraries.
fn unpack_all() -> anyhow::Result<Vec<Library>> {
    let metadata = cargo::metadata(false)?;
    // `publish = false` is an empty list of registries.
    let published = || cargo::packages(&metadata).filter(|package| package["publish"].is_null());

    let mut pack = cargo::command("cargo");
    pack.args(["package", "--quiet", "--offline", "--no-verify", "--allow-dirty"]);
    for package in published() {
        pack.args(["--package", name(package)]);
    }
    cargo::run(&mut pack)?;

    let packed = cargo::target_dir()?.join("package");
    let unpacked = packed.join("unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)?;
    }
    let mut libraries = Vec::new();
    for package in published() {
        let (name, version) = (name(package), package["version"].as_str().unwrap_or_default());
        let archive = packed.join(format!("{name}-{version}.crate"));
        let dir = unpack(&archive, &unpacked)?;
        println!("{name}: {} bytes", fs::metadata(archive)?.len());
        check_package(package, &dir).with_context(|| format!("the package of {name}"))?;
        if dir.join("src/lib.rs").exists() {
            libraries.push((name.into(), dir));
        }
    }
    Ok(libraries)
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap_or_default()
}

/// Unpacks an archive, and returns its directory.
fn unpack(archive: &Path, into: &Path) -> anyhow::Result<PathBuf> {
    let mut tar = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    // Packed files all have the same old date, so cargo would not compile a changed one again.
    tar.set_preserve_mtime(false);
    tar.unpack(into)?;
    Ok(into.join(archive.file_stem().context("an archive has a name")?))
}

/// Fails if a package lacks something that its users need.
fn check_package(package: &Value, dir: &Path) -> anyhow::Result<()> {
    for field in FIELDS {
        let value = &package[field];
        let is_set = value.as_str().is_some_and(|text| !text.is_empty());
        let is_listed = value.as_array().is_some_and(|list| (1..=5).contains(&list.len()));
        ensure!(is_set || is_listed, "{field}: expected text, or a list of 1 to 5, found {value}");
    }
    for licence in LICENCES {
        let expected = fs::read(cargo::root().join(licence))?;
        let found = fs::read(dir.join(licence)).with_context(|| licence)?;
        ensure!(found == expected, "{licence} differs from the file at the workspace's root");
    }
    ensure!(dir.join("README.md").exists(), "README.md is missing");
    check_links(dir, dir)
}

/// Fails if a document has a relative link that leads out of its package, or to nothing.
fn check_links(dir: &Path, package: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            check_links(&path, package)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path)?;
            let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
            for link in links.filter(|link| !link.is_empty() && !link.contains("://")) {
                let target = dir.join(link).canonicalize();
                let is_inside = target.is_ok_and(|it| {
                    package.canonicalize().is_ok_and(|package| it.starts_with(package))
                });
                let document = path.strip_prefix(package)?.display();
                ensure!(is_inside, "{document}: the link {link} leads to no file of the package");
            }
        }
    }
    Ok(())
}

/// Fails if the example of a README differs from the user's project.
fn check_example() -> anyhow::Result<()> {
    let program = fs::read_to_string(cargo::root().join(USER).join("src/main.rs"))?;
    for readme in READMES {
        let text = fs::read_to_string(cargo::root().join(readme))?;
        let example = text.split("```").find(|block| block.contains("Trainer::builder"));
        let example =
            example.with_context(|| format!("{readme}: the library example is missing"))?;
        let lines = example.lines().skip(1).filter(|line| !line.starts_with("# "));
        for line in lines.map(str::trim) {
            let is_there = program.lines().any(|it| it.trim() == line);
            ensure!(is_there, "{readme}: expected the example of {USER}, found the line {line:?}");
        }
    }
    Ok(())
}

/// Runs the user's project with the unpacked libraries instead of those of crates.io. Without the data, it only compiles
/// the project.
fn run_user(libraries: &[Library]) -> anyhow::Result<()> {
    // Other crates get the workspace's versions, which are already on this machine.
    fs::copy(cargo::root().join("Cargo.lock"), cargo::root().join(USER).join("Cargo.lock"))?;
    let mut build = cargo::command("cargo");
    build.args(["build", "--quiet", "--manifest-path", &format!("{USER}/Cargo.toml")]);
    cargo::run(with_libraries(&mut build, libraries)?)?;
    let Some(data) = locate::find(None)? else {
        println!("not run: Fashion-MNIST not found");
        return Ok(());
    };
    let dir = cargo::target_dir()?.join("package_user");
    let here = dir.join("data/fashion-mnist");
    fs::create_dir_all(&here)?;
    for entry in fs::read_dir(data)? {
        let file = entry?.path();
        fs::copy(&file, here.join(file.file_name().context("a file has a name")?))?;
    }
    fs::copy(cargo::root().join(USER).join("boot.png"), dir.join("boot.png"))?;
    let program = cargo::target_dir()?.join("debug/package_user");
    let answer = cargo::output(Command::new(program).current_dir(&dir))?;
    println!("{}", answer.trim());
    ensure!(answer.starts_with("Ankle boot"), "boot.png: expected an ankle boot, found {answer}");
    Ok(())
}

/// Makes a cargo command use the unpacked libraries instead of those of crates.io.
fn with_libraries<'a>(
    cargo: &'a mut Command,
    libraries: &[Library],
) -> anyhow::Result<&'a mut Command> {
    cargo.arg("--offline").arg("--target-dir").arg(cargo::target_dir()?);
    for (name, dir) in libraries {
        // Rust's quoted and escaped strings are also valid in TOML.
        cargo.arg("--config").arg(format!("patch.crates-io.{name}.path={dir:?}"));
    }
    Ok(cargo)
}

/// Runs the user's project with the packages, and then the tests that are part of them, as packagers of distributions do.
pub(crate) fn test() -> anyhow::Result<()> {
    let libraries = unpack_all()?;
    run_user(&libraries)?;
    for (_, dir) in &libraries {
        let mut test = cargo::command("cargo");
        test.args(["test", "--quiet", "--lib"]).arg("--manifest-path").arg(dir.join("Cargo.toml"));
        cargo::run(with_libraries(&mut test, &libraries)?)?;
    }
    Ok(())
}

/// Does everything that publishing does, except the upload. This compiles every package by itself, including the
/// program.
pub(crate) fn dry_run() -> anyhow::Result<()> {
    let mut registry = cargo::command("cargo");
    registry.args(["update", "--dry-run", "--quiet"]);
    // Offline, cargo would succeed with its cache.
    let is_offline = env::var("CARGO_NET_OFFLINE").is_ok_and(|value| value == "true");
    if is_offline || cargo::output(&mut registry).is_err() {
        println!("skipped: crates.io cannot be reached");
        return Ok(());
    }
    let publish = ["publish", "--workspace", "--dry-run", "--allow-dirty"];
    cargo::run(cargo::command("cargo").args(publish))
}
