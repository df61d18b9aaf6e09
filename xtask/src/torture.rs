//! `cargo xtask torture`: tries every case of every fault that SECURITY.md lists, and prints a table.
//!
//! The faults are tests of the crates they concern, and `cargo test` tries only some of their cases. `tests/tally` asks for
//! all cases and counts them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::cargo;

/// Try every case of every fault, and print a table; takes up to 20 minutes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// A row of SECURITY.md: the letter of its group, and its number in the group.
type Row = (char, u32);

/// The only row without a tally: `cargo xtask mutants` covers it.
const MUTANTS: Row = ('B', 7);

/// One fault's line of a tally.
struct Line {
    fault: String,
    cases: u64,
    /// Lost, torn, wrong, panicked.
    failures: [u64; 4],
    seconds: f64,
}

pub(crate) fn run(Args {}: Args) -> anyhow::Result<()> {
    let tallies = cargo::target_dir()?.join("torture.tsv");
    if tallies.exists() {
        fs::remove_file(&tallies)?;
    }
    // The tally's own tests fail on purpose.
    let mut tests = cargo::command("cargo");
    tests.args(["test", "--workspace", "--exclude", "fmnist-tally", "--no-fail-fast"]);
    let passed = cargo::run(tests.env(tally::VARIABLE, &tallies));

    let lines = fs::read_to_string(&tallies).context("no test wrote a tally")?;
    let mut rows: BTreeMap<Row, Vec<Line>> = BTreeMap::new();
    for line in lines.lines() {
        let (row, line) = parse(line).with_context(|| format!("a tally: {line:?}"))?;
        rows.entry(row).or_default().push(line);
    }
    print(&rows);
    passed?;
    for row in promised()?.into_iter().filter(|row| *row != MUTANTS) {
        ensure!(rows.contains_key(&row), "{}{}: no test tried this fault", row.0, row.1);
    }
    let failures: u64 = rows.values().flatten().flat_map(|line| line.failures).sum();
    if failures > 0 {
        bail!("{failures} cases failed");
    }
    Ok(())
}

/// Fails if SECURITY.md lists a fault without a tally in the tests, or a tally counts a fault that is not listed.
pub(crate) fn check() -> anyhow::Result<()> {
    let promised = promised()?;
    let mut tried = BTreeSet::new();
    for dir in ["crates", "tests"] {
        find_tallies(&cargo::root().join(dir), &mut tried)?;
    }
    tried.insert(MUTANTS);
    let differ: Vec<_> = promised.symmetric_difference(&tried).collect();
    ensure!(differ.is_empty(), "SECURITY.md and the tallies of the tests differ in {differ:?}");
    Ok(())
}

/// The rows that SECURITY.md lists.
fn promised() -> anyhow::Result<BTreeSet<Row>> {
    let text = fs::read_to_string(cargo::root().join("SECURITY.md"))?;
    let first_cell = |line: &str| row(line.strip_prefix("| ")?.split(' ').next()?);
    Ok(text.lines().filter_map(first_cell).collect())
}

/// Adds the rows that have tallies in the Rust files of a directory, except those in the tally crate's own tests.
fn find_tallies(dir: &Path, rows: &mut BTreeSet<Row>) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("tests/tally") {
            find_tallies(&path, rows)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let named = text.split("Tally::new(").skip(1);
            rows.extend(
                named.filter_map(|rest| {
                    row(rest.trim_start().strip_prefix('"')?.split('"').next()?)
                }),
            );
        }
    }
    Ok(())
}

/// `A1` as a row.
fn row(text: &str) -> Option<Row> {
    let group = text.chars().next().filter(char::is_ascii_uppercase)?;
    Some((group, text.get(1..)?.parse().ok()?))
}

fn parse(line: &str) -> Option<(Row, Line)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [named, fault, cases, failures @ .., seconds] = fields.as_slice() else { return None };
    let failures = failures.iter().map(|n| n.parse()).collect::<Result<Vec<u64>, _>>().ok()?;
    let line = Line {
        fault: (*fault).into(),
        cases: cases.parse().ok()?,
        failures: failures.try_into().ok()?,
        seconds: seconds.parse().ok()?,
    };
    Some((row(named)?, line))
}

/// Prints a table in Markdown, which is readable in a terminal too.
fn print(rows: &BTreeMap<Row, Vec<Line>>) {
    let show = |row: &str, Line { fault, cases, failures, seconds }: &Line| {
        let [lost, torn, wrong, panicked] = failures;
        println!(
            "| {row:<3} | {fault:<58} | {cases:>7} | {lost:>4} | {torn:>4} | {wrong:>5} | \
             {panicked:>8} | {seconds:>7.1} |"
        );
    };
    println!("\n| row | {:<58} |   cases | lost | torn | wrong | panicked | seconds |", "fault");
    println!("|-----|:{:-<58}-|--------:|-----:|-----:|------:|---------:|--------:|", "");
    let mut all = Line { fault: "all".into(), cases: 0, failures: [0; 4], seconds: 0.0 };
    for ((group, row), lines) in rows {
        for line in lines {
            show(&format!("{group}{row}"), line);
            all.cases += line.cases;
            all.failures = std::array::from_fn(|kind| all.failures[kind] + line.failures[kind]);
            all.seconds += line.seconds;
        }
    }
    show("", &all);
}
