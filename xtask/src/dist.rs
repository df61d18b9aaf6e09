//! `cargo xtask dist`: builds the release archive, with the program, shell completions, man pages and documents, and
//! writes its checksum.

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

/// Each shell, and the file name that it expects for completions.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "fmnist.bash"),
    ("elvish", "fmnist.elv"),
    ("fish", "fmnist.fish"),
    ("powershell", "_fmnist.ps1"),
    ("zsh", "_fmnist"),
];

pub(crate) fn run(Args {}: Args) -> anyhow::Result<()> {
    let target = target()?;
    let build = ["build", "--profile", "dist", "--package", "fmnist-cli", "--target", &target];
    cargo::run(cargo::command("cargo").args(build))?;
    let target_dir = cargo::target_dir()?;
    let program = format!("fmnist{}", std::env::consts::EXE_SUFFIX);
    let built = target_dir.join(&target).join("dist").join(&program);

    let dir = target_dir.join("dist");
    fs::create_dir_all(&dir)?;
    let name = format!("fmnist-{}-{target}", env!("CARGO_PKG_VERSION"));
    let archive = dir.join(format!("{name}.tar.gz"));
    let mut tar = tar::Builder::new(GzEncoder::new(File::create(&archive)?, Compression::best()));
    append(&mut tar, &name, &program, 0o755, &fs::read(&built)?)?;
    for (path, text) in generated(&built.to_string_lossy())? {
        append(&mut tar, &name, &path, 0o644, &text)?;
    }
    for document in DOCUMENTS {
        append(&mut tar, &name, document, 0o644, &fs::read(cargo::root().join(document))?)?;
    }
    let mut licences = third_party_licences()?;
    if target.ends_with(MUSL) {
        write!(licences, "\n{:=<80}\n{}", "", include_str!("../licenses/musl.txt"))?;
    }
    append(&mut tar, &name, "THIRD-PARTY-LICENSES.txt", 0o644, licences.as_bytes())?;
    tar.into_inner()?.finish()?.sync_all()?;

    let bytes = fs::read(&archive)?;
    let sum: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(dir.join(format!("{name}.tar.gz.sha256")), format!("{sum}  {name}.tar.gz\n"))?;
    println!("{}: {} bytes, sha256 {sum}", archive.display(), bytes.len());
    Ok(())
}

/// The suffix of targets whose programs are static.
const MUSL: &str = "-linux-musl";

/// The target to build for. On Linux it is the one whose programs are static, if its standard library is installed.
fn target() -> anyhow::Result<String> {
    let rustc = cargo::output(cargo::command("rustc").arg("-vV"))?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc's host")?;
    if let Some(machine) = host.strip_suffix("-linux-gnu") {
        let musl = format!("{machine}{MUSL}");
        if cargo::has_target(&musl)? {
            return Ok(musl);
        }
        println!(
            "not static, so it needs this glibc or a later one; for a static program, run \
             `rustup target add {musl}`"
        );
    }
    Ok(host.into())
}

/// Makes shell completions and man pages with the program: paths in the archive, and contents.
fn generated(program: &str) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for (shell, name) in COMPLETIONS {
        let script = cargo::output(cargo::command(program).args(["completions", shell]))?;
        files.push((format!("completions/{name}"), script.into_bytes()));
    }
    let pages = tempfile::tempdir()?;
    cargo::run(cargo::command(program).arg("man").arg(pages.path()))?;
    for page in fs::read_dir(pages.path())? {
        let page = page?;
        files.push((format!("man/{}", page.file_name().display()), fs::read(page.path())?));
    }
    files.sort();
    Ok(files)
}

/// Adds a file without dates, owners and other traces of this machine, so that equal contents give equal archives.
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

/// Collects the licence texts of every crate that is compiled into the program.
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
