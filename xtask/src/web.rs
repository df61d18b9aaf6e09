//! The crate for browsers, which is a workspace of its own: built for WebAssembly, and tested in Node.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::cargo;

const DIR: &str = "crates/fmnist-web";
const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn check() -> anyhow::Result<()> {
    let dir = cargo::root().join(DIR);
    let target_dir = cargo::target_dir()?;
    // Its own `.cargo/config.toml` holds in its own folder only.
    let cargo = |args: &[&str]| {
        let mut command = cargo::command("cargo");
        command.current_dir(&dir).env("CARGO_TARGET_DIR", &target_dir).args(args);
        command
    };
    let mut libraries = cargo::command("rustc");
    let libraries =
        cargo::output(libraries.args(["--print", "target-libdir", "--target", TARGET]))?;
    if !Path::new(libraries.trim()).is_dir() {
        println!("skipped: `rustup target add {TARGET}` brings what it is built for");
        return Ok(());
    }
    let options = ["--locked", "--features", "training-test", "--target", TARGET];
    cargo::run(cargo(&["build"]).args(options))?;

    let is_there = |program: &str| cargo::output(cargo::command(program).arg("--version")).ok();
    let version = version(&dir)?;
    let expected = format!("wasm-bindgen {version}");
    if is_there("wasm-bindgen").is_none_or(|found| found.trim() != expected) {
        println!(
            "skipped: `cargo install wasm-bindgen-cli --locked --version {version}` brings what it needs"
        );
        return Ok(());
    }
    if is_there("node").is_none() {
        println!("skipped: no Node here");
        return Ok(());
    }
    let out = target_dir.join("web");
    let module = target_dir.join(TARGET).join("debug").join("fmnist_web.wasm");
    let mut bind = cargo::command("wasm-bindgen");
    cargo::run(bind.args(["--target", "nodejs", "--out-dir"]).arg(&out).arg(module))?;

    let model = cargo::root().join("data/fashion_mnist.model");
    let picture = cargo::root().join("fuzz/seeds/picture/colour.jpg");
    let mut predict = cargo::command(&cargo::build_program()?.to_string_lossy());
    predict.args(["predict", "--format", "json"]);
    let predicted = out.join("predicted.json");
    fs::write(&predicted, cargo::output(predict.args([&model, &picture]))?)?;
    let mut node = cargo::command("node");
    node.arg(dir.join("tests/node.mjs")).arg(out.join("fmnist_web.js"));
    cargo::run(node.args([model, picture, predicted]))
}

/// Of wasm-bindgen: that of the crate must be that of its program.
fn version(dir: &Path) -> anyhow::Result<String> {
    let manifest = fs::read_to_string(dir.join("Cargo.toml"))?;
    let mut versions = manifest.lines().filter_map(|line| line.strip_prefix("wasm-bindgen = \"="));
    let version = versions.next().context("Cargo.toml pins wasm-bindgen")?.trim_end_matches('"');
    ensure!(versions.next().is_none(), "Cargo.toml pins wasm-bindgen twice");
    Ok(version.into())
}
