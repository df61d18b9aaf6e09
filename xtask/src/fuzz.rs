//! `cargo xtask fuzz`: runs each target under `fuzz/` for some minutes from its seeds, and prints a table of the results.
//!
//! A run keeps interesting inputs in `fuzz/corpus`, where the next run continues. Inputs that crash are in
//! `fuzz/artifacts`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::cargo;

/// Fuzz the code that reads bytes from strangers; needs cargo-fuzz and a C++ compiler
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Minutes for each target
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,

    /// The targets to fuzz [default: all]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// The longest input, so that a large corpus can be run quickly.
const MAX_BYTES: u32 = 4096;
/// An input that takes longer counts as a hang, and a process that takes more memory as a leak. With the sanitizer, a
/// picture with the largest number of pixels takes 12 s and 0.6 GiB.
const MAX_SECONDS: u32 = 60;
const MAX_MEBIBYTES: u32 = 2048;

const HEAD: [&str; 9] = [
    "target",
    "executions",
    "a second",
    "edges",
    "features",
    "corpus",
    "peak MiB",
    "slowest s",
    "crash",
];

/// Fuzzes all targets, each for this many minutes.
pub(crate) fn run_all(minutes: u32) -> anyhow::Result<()> {
    run(Args { minutes, targets: Vec::new() })
}

pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let list = cargo::output(fuzz().arg("list"))
        .context("is cargo-fuzz installed? if not, run `cargo install cargo-fuzz --locked`")?;
    let known: Vec<&str> = list.lines().collect();
    for target in &args.targets {
        ensure!(known.contains(&&**target), "no target {target:?}: expected one of {known:?}");
    }
    let chosen = if args.targets.is_empty() {
        known
    } else {
        args.targets.iter().map(String::as_str).collect()
    };

    // Built first, so that a failure to build is not reported as a crash.
    cargo::run(fuzz().arg("build"))?;
    let mut rows = vec![HEAD.map(String::from)];
    for target in chosen {
        rows.push(fuzz_target(target, args.minutes)?);
    }
    print(&rows);
    ensure!(rows[1..].iter().all(|row| row[8] == "none"), "crashes, see fuzz/artifacts");
    Ok(())
}

/// Fails if the targets do not compile. libFuzzer itself, which is C++, is not built.
pub(crate) fn check() -> anyhow::Result<()> {
    let mut check = cargo::command("cargo");
    check.args(["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    // The check of our peer has compiled most of the dependencies there.
    check.args(["--target-dir", "target/peers"]);
    cargo::run(check.env("CUSTOM_LIBFUZZER_PATH", "none/libnone.a"))
}

/// `cargo fuzz`. The variable makes a stable compiler accept the sanitizer's flags.
fn fuzz() -> Command {
    let mut command = cargo::command("cargo");
    command.arg("fuzz").env("RUSTC_BOOTSTRAP", "1");
    command
}

/// Fuzzes a target, and returns its row of the table.
fn fuzz_target(target: &str, minutes: u32) -> anyhow::Result<[String; HEAD.len()]> {
    let dir = cargo::root().join("fuzz");
    let corpus = dir.join("corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let mut command = fuzz();
    // New inputs go into the first folder.
    command.args(["run", target]).arg(&corpus).arg(dir.join("seeds").join(target)).arg("--");
    command.arg(format!("-max_total_time={}", 60 * minutes));
    command.arg(format!("-max_len={MAX_BYTES}"));
    command.arg(format!("-timeout={MAX_SECONDS}"));
    command.arg(format!("-rss_limit_mb={MAX_MEBIBYTES}"));
    command.arg("-print_final_stats=1");

    let mut child = command.stderr(Stdio::piped()).spawn()?;
    let mut report = Report::default();
    for line in BufReader::new(child.stderr.take().context("stderr is piped")?).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        report.read(&line);
    }
    let status = child.wait()?;
    if !status.success() && report.artifact.is_none() {
        bail!("{command:?} failed: {status}");
    }
    Ok(report.row(target, status.success()))
}

/// The last figures that libFuzzer printed, at the end or before a crash.
#[derive(Default)]
struct Report {
    executions: String,
    per_second: String,
    edges: String,
    features: String,
    corpus: String,
    peak: String,
    slowest: String,
    artifact: Option<String>,
}

impl Report {
    fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["stat::number_of_executed_units:", n] => self.executions = n.into(),
            ["stat::average_exec_per_sec:", n] => self.per_second = n.into(),
            ["stat::slowest_unit_time_sec:", n] => self.slowest = n.into(),
            ["stat::peak_rss_mb:", n] => self.peak = n.into(),
            // #8192 pulse cov: 1725 ft: 3831 corp: 368/154Kb lim: 2161 exec/s: 630 rss: 289Mb
            [_, _, "cov:", edges, "ft:", features, "corp:", corpus, ..] => {
                self.edges = edges.into();
                self.features = features.into();
                self.corpus = corpus.into();
            }
            _ => {}
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.artifact = path.rsplit('/').next().map(String::from);
        }
    }

    /// The row of the table. An artifact of a run that succeeded is only a slow input.
    fn row(self, target: &str, ended_well: bool) -> [String; HEAD.len()] {
        let crash = self.artifact.filter(|_| !ended_well).unwrap_or("none".into());
        [
            target.into(),
            self.executions,
            self.per_second,
            self.edges,
            self.features,
            self.corpus,
            self.peak,
            self.slowest,
            crash,
        ]
    }
}

/// Prints the table as Markdown, with aligned columns.
fn print(rows: &[[String; HEAD.len()]]) {
    let width =
        |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default().max(3);
    for (i, row) in rows.iter().enumerate() {
        let cells: [_; HEAD.len()] =
            std::array::from_fn(|column| format!("{:>1$}", row[column], width(column)));
        println!("| {} |", cells.join(" | "));
        if i == 0 {
            println!("|{}|", cells.map(|cell| "-".repeat(cell.len() + 1) + ":").join("|"));
        }
    }
}
