//! `bind MODULE DIR`: writes the JavaScript that lets Node load a compiled `fmnist_web.wasm`.
//!
//! It does what the program `wasm-bindgen` does, but needs no installation: the lock file has the right version.

use std::path::PathBuf;

use anyhow::Context as _;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut next = || arguments.next().context("expected: bind MODULE DIR");
    let (module, dir) = (next()?, next()?);
    Bindgen::new().input_path(module).nodejs(true)?.generate(dir)
}
