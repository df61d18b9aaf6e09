use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, with_model},
    harness::Program,
};

#[track_caller]
fn check(arguments: &str, words: &[&str]) {
    let program = Program::new();
    program.refuses(arguments, 2, words);
    assert!(program.contents().is_empty(), "{:?}", program.contents());
}

/// Counts the checks of a row.
struct Checks(Tally);

impl Checks {
    fn check(&mut self, arguments: &str, words: &[&str]) {
        self.0.case(|| {
            check(arguments, words);
            Ok(())
        });
    }
}

#[test]
fn settings_outside_their_range() {
    let mut checks = Checks(Tally::new("E5", "settings outside their range"));
    let rate = ["--learning-rate", "a finite number above 0"];
    checks.check("train --learning-rate NaN", &[rate, ["found", "NaN"]].concat());
    checks.check("train --learning-rate inf", &[rate, ["found", "inf"]].concat());
    checks.check("train --learning-rate -1", &[rate, ["found", "-1"]].concat());
    checks.check("train --learning-rate 0", &[rate, ["found", "0"]].concat());
    checks.check("train --learning-rate fast", &["--learning-rate", "fast"]);
    checks.check("train --decay -0.5", &["decay", "0 or above", "found -0.5"]);
    checks.check("train --decay nan", &["decay", "a finite number", "found NaN"]);
    checks.check("train --batch-size 0", &["--batch-size", "0"]);
    checks.check("train --epochs 0", &["--epochs", "expected 1 to 10000, found 0"]);
    checks.check("train --hidden 0", &["--hidden", "sizes of 1 or more", "\"0\""]);
    checks.check("train --hidden 128,,128", &["--hidden", "sizes of 1 or more", "\"\""]);
    checks.check("train --threads 0", &["--threads", "expected 1 to 1024, found 0"]);
    checks.check("train --threads 1000000", &["--threads", "expected 1 to 1024, found 1000000"]);
    checks.check("evaluate --threads 0", &["--threads", "0 is not in"]);
    checks.check("predict --top-k 0 a.png", &["--top-k", "0 is not in"]);
    checks.0.finish();
}

/// Refused before memory is allocated, with the amount that it would need.
#[test]
fn networks_too_large() {
    let words = ["--hidden", "7950000010 parameters", "95402097366", "make the model smaller"];
    let mut checks = Checks(Tally::new("E5", "networks too large"));
    checks.check("train --hidden 10000000", &words);
    checks.check("train --hidden 4000000000,4000000000", &["--hidden", "expected at most"]);
    checks.check("train --hidden 99999999999999999999", &["--hidden", "expected sizes"]);
    checks.0.finish();
}

/// The error of an option that was not on the command line names its source.
#[test]
fn settings_from_elsewhere() {
    let program = Program::new();
    program.write("run.toml", "label-smoothing = 0.2");
    let mut tally = Tally::new("E5", "settings that a file or a preset has");
    for command in ["train", "train --print-config", "find-rate"] {
        for (options, words) in [
            ("--preset better", "found 0.1; the preset better sets it\n"),
            ("--config run.toml", "found 0.2; run.toml sets it\n"),
            ("--config run.toml --preset better", "found 0.2; run.toml sets it\n"),
            ("--label-smoothing 0.3 --config run.toml --preset better", "found 0.3\n"),
        ] {
            tally.case(|| {
                let arguments = format!("{command} {options} --focal-gamma 2");
                program.refuses(&arguments, 2, &["--label-smoothing: expected 0 together", words]);
                Ok(())
            });
        }
    }
    tally.finish();
}

/// Known only with the data.
#[test]
fn settings_that_do_not_fit_the_data() {
    let program = Program::new();
    let check = |option: &str, words: &[&str]| {
        program.refuses(&format!("train --dataset synthetic {option}"), 2, words);
    };
    check("--validation 60000", &["--validation", "at most 59999 of 60000", "found 60000"]);
    check("--validation 18446744073709551615", &["--validation", "at most 59999 of 60000"]);
    check("--data-dir .", &["--data-dir", "the synthetic garments need no directory"]);
    check("--batch-size 60001", &["--batch-size", "at most 60000", "found 60001"]);
    check("--batch-size 18446744073709551615", &["--batch-size", "at most 60000"]);
}

#[test]
fn arguments_that_make_no_sense() {
    check("", &["Usage: fmnist"]);
    check("frobnicate", &["frobnicate", "Usage: fmnist"]);
    check("train --frobnicate", &["--frobnicate"]);
    check("train --dataset cifar", &["--dataset", "cifar", "fashion-mnist", "synthetic"]);
    check("train --optimizer lion", &["--optimizer", "lion", "adam", "rmsprop"]);
    check("predict", &["IMAGE"]);
    check("predict m.model", &["give a picture", "--index"]);
    check("evaluate --split validation", &["--split", "validation", "test"]);
}

#[test]
fn an_image_past_the_end() {
    let program = with_model();
    program.refuses(
        "predict m.model --index 10000",
        2,
        &["--index: expected 0 to 9999, ", "found 10000"],
    );
}

/// Empty batches, batches larger than the dataset, and an epoch whose last batch is short.
#[test]
fn batches_at_their_limits() {
    let program = Program::with_data();
    let mut tally = Tally::new("E4", "batches and epochs at their limits");
    let mut trains = |batch_size: usize, steps: u64| {
        tally.case(|| {
            let run = "--hidden none --epochs 1 --validation 0 --output m.model";
            program.train(&format!("{run} --batch-size {batch_size}"));
            let found = program.inspect("m.model")["optimizer"]["step"].as_u64();
            ensure(found == Some(steps), || Failure::wrong(format!("{found:?}, not {steps} steps")))
        });
    };
    trains(60_000, 1);
    trains(59_999, 2);
    trains(7_000, 9);
    for (option, words) in [
        ("--batch-size 0", "--batch-size"),
        ("--batch-size 60001", "at most 60000"),
        ("--epochs 0", "expected 1 to 10000, found 0"),
    ] {
        tally.case(|| {
            let dataset = DATA.name;
            program.refuses(&format!("train --dataset {dataset} {option}"), 2, &[words]);
            Ok(())
        });
    }
    tally.finish();
}

/// Each exit code, as the table in docs/scripts.md has it; signals have tests of their own.
#[test]
fn exit_codes() {
    let program = with_model();
    program.write("text.model", "no model\n");
    let train = format!("train --dataset {} --epochs 1 --output", DATA.name);
    let mut tally = Tally::new("E7", "exit codes");
    let mut check = |arguments: &str, expected: i32| {
        tally.case(|| {
            let found = program.run(arguments).code;
            ensure(found == Some(expected), || Failure::wrong(format!("{arguments}: {found:?}")))
        });
    };
    check("inspect m.model", 0);
    check("--help", 0);
    check("train --epochs none", 2);
    check("inspect text.model", 3);
    check("predict text.model --index 0", 3);
    check("inspect absent.model", 4);
    check(&format!("{train} no/m.model"), 4);
    check(&format!("{train} d.model --learning-rate 1e30"), 5);
    let _held = nn_io::OutputFile::claim(program.path("l.model")).unwrap();
    check(&format!("{train} l.model"), 6);
    tally.finish();
}
