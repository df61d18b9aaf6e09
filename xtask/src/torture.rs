//! `cargo xtask torture`: every case of every fault that SECURITY.md lists, as a table.
//!
//! The faults are tests of the crates they concern, which `cargo test` runs in a small size. What asks
//! for all cases, and how they are counted, is in `tests/tally`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, bail, ensure};

use crate::cargo;

/// Try every fault in full, some 20 minutes long, and print what came of it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// The groups of faults, and how many rows each has.
const GROUPS: [(&str, u32); 5] = [("A", 18), ("B", 17), ("C", 8), ("D", 10), ("E", 7)];

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
    // The tally's own tests make failures on purpose.
    let mut tests = cargo::command("cargo");
    tests.args(["test", "--workspace", "--exclude", "tally", "--no-fail-fast"]);
    let passed = cargo::run(tests.env(tally::VARIABLE, &tallies));

    let lines = fs::read_to_string(&tallies).context("no test wrote a tally")?;
    let mut rows: BTreeMap<(String, u32), Vec<Line>> = BTreeMap::new();
    for line in lines.lines() {
        let (row, line) = parse(line).with_context(|| format!("a tally: {line:?}"))?;
        rows.entry(row).or_default().push(line);
    }
    print(&rows);
    passed?;
    for (group, n_rows) in GROUPS {
        for row in 1..=n_rows {
            let is_tried = rows.contains_key(&(group.to_owned(), row));
            ensure!(is_tried, "{group}{row}: no test tries this fault");
        }
    }
    let failures: u64 = rows.values().flatten().flat_map(|line| line.failures).sum();
    if failures > 0 {
        bail!("{failures} cases failed");
    }
    Ok(())
}

fn parse(line: &str) -> Option<((String, u32), Line)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [row, fault, cases, failures @ .., seconds] = fields.as_slice() else { return None };
    let (group, row) = row.split_at_checked(1)?;
    let failures = failures.iter().map(|n| n.parse()).collect::<Result<Vec<u64>, _>>().ok()?;
    let line = Line {
        fault: (*fault).into(),
        cases: cases.parse().ok()?,
        failures: failures.try_into().ok()?,
        seconds: seconds.parse().ok()?,
    };
    Some(((group.into(), row.parse().ok()?), line))
}

/// A table in Markdown, which reads well in a terminal too.
fn print(rows: &BTreeMap<(String, u32), Vec<Line>>) {
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
