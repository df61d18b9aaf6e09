//! Every instruction set computes the same bits, those of `checksums.txt`, in each arithmetic.
//!
//! A process has one instruction set and one arithmetic, so the test runs itself again for each that the machine has.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod grid;

use std::{collections::HashMap, env, process::Command};

use nn_core::{Arithmetic, InstructionSet};
use nn_train::{Error, RunConfig};

/// The variables that select another instruction set and arithmetic than the best.
const SELECTION: [&str; 2] = ["BITS_SET", "BITS_ARITHMETIC"];

/// Selects what the variables name. Returns whether the machine has it.
fn select() -> bool {
    let [set, arithmetic] = SELECTION.map(|name| env::var(name).unwrap_or_default());
    let mut sets = InstructionSet::ALL.into_iter();
    let has_set = sets.find(|it| it.name() == set).is_none_or(InstructionSet::choose);
    let mut arithmetics = Arithmetic::ALL.into_iter();
    has_set && arithmetics.find(|it| it.name() == arithmetic).is_none_or(Arithmetic::choose)
}

/// The checksums of the grid are those in the file, which has a column for each arithmetic.
#[test]
fn the_grid_has_these_bits() {
    if !select() {
        println!("skipped: this machine does not have it");
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

    // The process cannot change its arithmetic any more, so a run in the other one is refused.
    for arithmetic in Arithmetic::ALL {
        let config = RunConfig { arithmetic, ..RunConfig::default() };
        let refused =
            (arithmetic != used).then_some(Error::Arithmetic { expected: arithmetic, found: used });
        assert_eq!(config.choose_arithmetic().err(), refused);
    }
}

#[test]
fn every_instruction_set_has_the_same_bits() {
    let mut n_run = 0;
    for set in InstructionSet::ALL {
        for arithmetic in Arithmetic::ALL {
            let mut test = Command::new(env::current_exe().unwrap());
            test.args(["--exact", "the_grid_has_these_bits", "--nocapture"]);
            test.envs(SELECTION.into_iter().zip([set.name(), arithmetic.name()]));
            let output = test.output().unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{set:?}, {arithmetic:?}: {stdout}{stderr}");
            n_run += usize::from(!stdout.contains("skipped"));
        }
    }
    // The portable set and plain arithmetic are on every machine.
    assert!(n_run >= 1, "{n_run}");
}
