//! Builds the browser crate, which is a separate workspace, for WebAssembly, and tests it in Node.

use std::fs;

use crate::cargo;

const DIR: &str = "crates/fmnist-web";
const TARGET: &str = "wasm32-unknown-unknown";

pub(crate) fn check() -> anyhow::Result<()> {
    let dir = cargo::root().join(DIR);
    let target_dir = cargo::target_dir()?;
    // The crate's `.cargo/config.toml` only applies in its folder.
    let cargo = |args: &[&str]| {
        let mut command = cargo::command("cargo");
        command.current_dir(&dir).env("CARGO_TARGET_DIR", &target_dir).args(args);
        command
    };
    if !cargo::has_target(TARGET)? {
        println!("skipped: run `rustup target add {TARGET}` first");
        return Ok(());
    }
    let options = ["--locked", "--features", "training-test", "--target", TARGET];
    cargo::run(cargo(&["build"]).args(options))?;
    if cargo::output(cargo::command("node").arg("--version")).is_err() {
        println!("skipped: Node is not installed");
        return Ok(());
    }

    let out = target_dir.join("web");
    let module = target_dir.join(TARGET).join("debug").join("fmnist_web.wasm");
    cargo::run(cargo(&["run", "--locked", "--package", "bind"]).args([&module, &out]))?;
    let model = cargo::root().join("crates/fmnist-cli/model/fashion_mnist.model");
    let picture = cargo::root().join("fuzz/seeds/picture/colour.jpg");
    let mut predict = cargo::command(&cargo::build_program()?.to_string_lossy());
    // WebAssembly has no fused multiply-add, and neither has the portable instruction set.
    predict.args(["predict", "--format", "json"]).env("FMNIST_ISA", "portable");
    let predicted = out.join("predicted.json");
    fs::write(&predicted, cargo::output(predict.args([&model, &picture]))?)?;
    let mut node = cargo::command("node");
    node.arg(dir.join("tests/node.mjs")).arg(out.join("fmnist_web.js"));
    let checksums = cargo::root().join("crates/nn-train/tests/bits/checksums.txt");
    cargo::run(node.args([model, picture, predicted, checksums]))
}
