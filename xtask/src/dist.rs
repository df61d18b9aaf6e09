//! `cargo xtask dist`: the program as it is released, in an archive with its documents and a
//! checksum.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;

use anyhow::Context as _;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::cargo;

/// Build the release program and its archive, in target/dist
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

const DOCUMENTS: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

pub(crate) fn run(Args {}: Args) -> anyhow::Result<()> {
    cargo::run(cargo::command("cargo").args([
        "build",
        "--profile",
        "dist",
        "--package",
        "fmnist-cli",
    ]))?;
    let rustc = cargo::output(cargo::command("rustc").arg("-vV"))?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let name = format!("fmnist-{}-{}", env!("CARGO_PKG_VERSION"), host.context("rustc's host")?);

    let dir = cargo::target_dir()?.join("dist");
    let archive = dir.join(format!("{name}.tar.gz"));
    let program = format!("fmnist{}", std::env::consts::EXE_SUFFIX);
    let mut tar = tar::Builder::new(GzEncoder::new(File::create(&archive)?, Compression::best()));
    append(&mut tar, &name, &program, 0o755, &fs::read(dir.join(&program))?)?;
    for document in DOCUMENTS {
        append(&mut tar, &name, document, 0o644, &fs::read(cargo::root().join(document))?)?;
    }
    let licences = third_party_licences()?;
    append(&mut tar, &name, "THIRD-PARTY-LICENSES.txt", 0o644, licences.as_bytes())?;
    tar.into_inner()?.finish()?.sync_all()?;

    let bytes = fs::read(&archive)?;
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(dir.join(format!("{name}.tar.gz.sha256")), format!("{sum}  {name}.tar.gz\n"))?;
    println!("{}: {} bytes, sha256 {sum}", archive.display(), bytes.len());
    Ok(())
}

/// Adds a file, with nothing of this machine or the clock: the same contents give the same archive.
fn append(
    tar: &mut tar::Builder<GzEncoder<File>>,
    dir: &str,
    name: &str,
    mode: u32,
    contents: &[u8],
) -> anyhow::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(contents.len() as u64);
    header.set_mode(mode);
    tar.append_data(&mut header, format!("{dir}/{name}"), contents)?;
    Ok(())
}

/// The licence texts of every crate that is compiled into the program.
fn third_party_licences() -> anyhow::Result<String> {
    let mut tree = cargo::command("cargo");
    tree.args(["tree", "--package", "fmnist-cli", "--edges", "normal", "--prefix", "none"]);
    let tree = cargo::output(tree.args(["--format", "{p}"]))?;
    let used: BTreeSet<String> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?.trim_start_matches('v')))
        })
        .collect();

    let metadata = cargo::metadata(true)?;
    let mut texts = String::from("The program contains these crates, under these licences.\n");
    for package in cargo::packages(&metadata).filter(|package| !package["source"].is_null()) {
        let field = |name: &str| package[name].as_str().unwrap_or_default();
        let crate_name = format!("{} {}", field("name"), field("version"));
        if !used.contains(&crate_name) {
            continue;
        }
        write!(texts, "\n{:=<80}\n{crate_name}: {}\n", "", field("license"))?;
        let dir =
            Path::new(field("manifest_path")).parent().context("a manifest lies in a folder")?;
        let mut files: Vec<_> = fs::read_dir(dir)?.collect::<Result<_, _>>()?;
        files.sort_by_key(|file| file.file_name());
        for file in files {
            let name = file.file_name().to_string_lossy().to_uppercase();
            let is_licence = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
            if is_licence && file.path().is_file() {
                write!(texts, "\n{}\n", fs::read_to_string(file.path())?.trim_end())?;
            }
        }
    }
    Ok(texts)
}
