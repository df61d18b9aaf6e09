//! Every instruction set computes the same bits, those of `checksums.txt`, in each arithmetic.
//!
//! A process has one instruction set and one arithmetic, so the test runs itself again for each that the machine has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod grid;

use std::{
    collections::{HashMap, HashSet},
    env,
    process::Command,
};

use nn_core::{Arithmetic, InstructionSet};
use nn_train::{Error, RunConfig};

/// The variables that select another instruction set and arithmetic than the best.
const SELECTION: [&str; 2] = ["BITS_SET", "BITS_ARITHMETIC"];

/// What the test prints instead of running, if the machine lacks what was selected.
const SKIPPED: &str = "skipped";

/// Selects what the variables name; an empty name selects the best. Returns whether the machine has it.
///
/// # Panics
///
/// If nothing has that name.
fn select() -> bool {
    let [set, arithmetic] = SELECTION.map(|name| env::var(name).unwrap_or_default());
    let set = named(&set, InstructionSet::ALL, InstructionSet::name);
    let arithmetic = named(&arithmetic, Arithmetic::ALL, Arithmetic::name);
    set.is_none_or(InstructionSet::choose) && arithmetic.is_none_or(Arithmetic::choose)
}

/// The one with this name; `None` if the name is empty.
fn named<T: Copy, const N: usize>(
    name: &str,
    all: [T; N],
    name_of: fn(T) -> &'static str,
) -> Option<T> {
    let found = all.into_iter().find(|it| name_of(*it) == name);
    assert!(found.is_some() || name.is_empty(), "{name}: expected {:?}", all.map(name_of));
    found
}

/// The checksums of the grid are those in the file, which has a column for each arithmetic.
#[test]
fn the_grid_has_these_bits() {
    if !select() {
        println!("{SKIPPED}: this machine does not have it");
        return;
    }
    let used = Arithmetic::current();
    let column = 1 + Arithmetic::ALL.iter().position(|it| *it == used).unwrap();
    let rows: HashMap<&str, &str> = include_str!("checksums.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[0], words[column])
        })
        .collect();
    let found = grid::checksums().unwrap();
    let (n_runs, n_rows) = (found.len(), rows.len());
    let of_set = (InstructionSet::current(), used);
    let mut wrong = Vec::new();
    for (name, sum) in found {
        let sum = format!("{sum:016x}");
        if rows.get(name.as_str()) != Some(&sum.as_str()) {
            wrong.push(format!("{name} {sum}"));
        }
    }
    assert!(wrong.is_empty(), "{of_set:?}: other bits in\n{}", wrong.join("\n"));
    assert_eq!(n_runs, n_rows, "runs of the grid, and rows of checksums.txt");
    // A run with the checksum of another shows nothing of what it is there for.
    let different: HashSet<&str> = rows.into_values().collect();
    assert_eq!(different.len(), n_runs, "different checksums, and runs of the grid");

    // The process cannot change its arithmetic any more, so a run in the other one is refused.
    for arithmetic in Arithmetic::ALL {
        let config = RunConfig { arithmetic, ..RunConfig::default() };
        let refused =
            (arithmetic != used).then_some(Error::Arithmetic { expected: arithmetic, found: used });
        let error = config.choose_arithmetic().err();
        assert_eq!(error, refused);
        // Only another process could help, and only if the instruction set has it.
        let message = error.map_or_else(String::new, |error| error.to_string());
        let has_hint = message.ends_with("anything else computes, or use a separate process");
        let is_possible = arithmetic != used && InstructionSet::current().has(arithmetic);
        assert_eq!(has_hint, is_possible, "{message}");
    }
}

#[test]
fn every_instruction_set_has_the_same_bits() {
    let mut have_run = Vec::new();
    for set in InstructionSet::ALL {
        for arithmetic in Arithmetic::ALL {
            let mut test = Command::new(env::current_exe().unwrap());
            test.args(["--exact", "the_grid_has_these_bits", "--nocapture"]);
            test.envs(SELECTION.into_iter().zip([set.name(), arithmetic.name()]));
            let output = test.output().unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{set:?}, {arithmetic:?}: {stdout}{stderr}");
            if !stdout.contains(SKIPPED) {
                have_run.push((set, arithmetic));
            }
        }
    }
    let best = InstructionSet::current();
    for arithmetic in Arithmetic::ALL.into_iter().filter(|it| best.has(*it)) {
        assert!(have_run.contains(&(best, arithmetic)), "{best:?}, {arithmetic:?}: {have_run:?}");
    }
    // Every machine has these.
    assert!(have_run.contains(&(InstructionSet::Portable, Arithmetic::Plain)), "{have_run:?}");
}
