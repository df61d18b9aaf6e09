use std::{collections::BTreeSet, fs, path::Path};

use nn_io::{Checkpoint, Newest};
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, TRAINED, digest, keys, with_model},
    harness::Program,
    own_set::{SMALL, train_small, with_small_set},
    signal::send,
};

/// The names in a directory.
fn names(program: &Program, directory: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(program.path(directory)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[track_caller]
fn holds(program: &Program, directory: &str, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&name| name.into()).collect();
    assert_eq!(names(program, directory), expected);
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// [`TRAINED`] is four epochs of the default run, each of 430 batches of 128.
#[test]
fn the_newest_three_and_the_best_are_kept_and_resumed() {
    let program = Program::with_data();
    program.train("--epochs 4 --output m.model --checkpoint-dir run");
    let newest = ["ckpt-000860.model", "ckpt-001290.model", "ckpt-001720.model"];
    holds(&program, "run", &[&["best.model"], &newest[..]].concat());
    assert_eq!(program.read("run/ckpt-001720.model"), program.read("m.model"));

    // The best has the lowest loss on the held-out images.
    let losses: Vec<f64> = TRAINED.events[1..5]
        .iter()
        .map(|event| event["validation"]["loss"].as_f64().unwrap())
        .collect();
    let lowest = losses.iter().copied().min_by(f64::total_cmp);
    let best = Checkpoint::load(program.path("run/best.model")).unwrap().training.unwrap();
    assert_eq!(best.history.last().unwrap().validation.map(|it| it.loss), lowest);

    // A directory resumes as a file does, and gets the new checkpoints.
    let run = with_model();
    run.train("--epochs 2 --output half.model --checkpoint-dir run");
    let events = run.train("--resume run --epochs 4 --output whole.model");
    assert_eq!(events[0]["resumed"], "run/ckpt-000860.model");
    assert_eq!(digest(&run, "whole.model"), TRAINED.state_sha256);
    assert_eq!(names(&run, "run"), names(&program, "run"));
    // The file is already the run's own, so no model is kept.
    let again = run.run("train --resume run --epochs 4 --output whole.model").success();
    assert!(!again.stderr.contains("kept as"), "{again:#?}");
}

/// Without --output, the directory also has the final model, and no other file is written.
#[test]
fn the_final_model_is_in_the_directory() {
    let program = with_model();
    program.write("fashion_mnist.model", &TRAINED.bytes);
    let run = "--hidden none --batch-size 6000 --validation 0";
    let events = program.train(&format!("{run} --checkpoint-dir run --epochs 2"));
    assert_eq!(events.last().unwrap()["model"], "run/final.model");
    holds(
        &program,
        "run",
        &["best.model", "ckpt-000010.model", "ckpt-000020.model", "final.model"],
    );
    // The resumed run uses the directory again, and renames nothing.
    let output = program.run("train --resume run --epochs 3 --checkpoint-every 9").success();
    assert!(output.stdout.contains("saved in run/final.model"), "{output:#?}");
    assert!(!output.stderr.contains("kept as"), "{output:#?}");
    assert_eq!(program.read("run/final.model"), program.read("run/ckpt-000030.model"));
    // The final model can be resumed on its own. It is then ahead of the checkpoints, and the directory resumes from it.
    program.train("--resume run/final.model --epochs 4");
    assert_eq!(program.json("inspect run")[0]["checkpoint"], "run/final.model");
    let events = program.train("--resume run --epochs 5");
    assert_eq!(events[0]["resumed"], "run/final.model");
    program.train(&format!("{run} --epochs 5 --output whole.model"));
    assert_eq!(digest(&program, "run/final.model"), digest(&program, "whole.model"));

    // A directory without a final model gets one when it is resumed.
    fs::remove_file(program.path("run/final.model")).unwrap();
    program.train("--resume run --epochs 5");
    assert_eq!(digest(&program, "run/final.model"), digest(&program, "whole.model"));
    // The final model alone is enough to resume from, and to refuse a new run in the directory.
    for name in ["best.model", "ckpt-000020.model", "ckpt-000030.model", "ckpt-000050.model"] {
        fs::remove_file(program.path("run").join(name)).unwrap();
    }
    program.refuses(&format!("train {run} --checkpoint-dir run"), 4, &["--resume run"]);
    let events = program.train("--resume run --epochs 6");
    assert_eq!(events[0]["resumed"], "run/final.model");
    assert!(program.read("fashion_mnist.model") == TRAINED.bytes, "an unrelated model");
}

#[test]
fn every_other_epoch_and_the_last() {
    let program = Program::with_data();
    let run = "--hidden none --batch-size 6000 --validation 0 --checkpoint-dir run";
    program.train(&format!("{run} --checkpoint-every 2 --epochs 5"));
    let expected = [
        "best.model",
        "ckpt-000020.model",
        "ckpt-000040.model",
        "ckpt-000050.model",
        "final.model",
    ];
    holds(&program, "run", &expected);
    // Into another directory, the first one stays as it is.
    program.train("--resume run --checkpoint-dir other --epochs 6");
    holds(&program, "run", &expected);
    holds(&program, "other", &["best.model", "ckpt-000060.model", "final.model"]);
}

/// Damaged checkpoints are skipped with a warning, not removed, and the result is bit-for-bit identical.
#[test]
fn damaged_checkpoints_are_skipped() {
    let program = Program::with_data();
    program.train("--epochs 2 --output m.model --checkpoint-dir run");
    damage(&program.path("run/ckpt-000860.model"));
    let damaged = program.read("run/ckpt-000860.model");
    let output = program.run("inspect run --format json").success();
    assert!(output.stderr.contains("skipped: run/ckpt-000860.model: byte "), "{output:#?}");
    let found = output.json().remove(0);
    // Of two files of the same step, `best.model` is preferred.
    assert_eq!(found["checkpoint"], "run/best.model");
    assert_eq!(found["progress"]["epoch"], 2);
    assert_eq!(found["skipped"].as_array().unwrap().len(), 1);
    assert!(keys(&found).contains(&"state_sha256"));

    damage(&program.path("run/best.model"));
    let arguments = format!("train --dataset {} --resume run --epochs 4", DATA.name);
    let output = program.run(&format!("{arguments} --output end.model --format json")).success();
    assert_eq!(output.stderr.matches("warning: skipped: run/").count(), 2, "{output:#?}");
    assert_eq!(output.json()[0]["resumed"], "run/ckpt-000430.model");
    assert_eq!(digest(&program, "end.model"), TRAINED.state_sha256);
    assert_eq!(program.read("run/ckpt-000860.model.skipped"), damaged);

    let words = ["run: not all checkpoints can be used", "run/ckpt-001720.model: byte "];
    damage(&program.path("run/ckpt-001720.model"));
    program.refuses("inspect run --verify", 3, &words);
    for name in ["ckpt-000860", "ckpt-001290"] {
        damage(&program.path(format!("run/{name}.model")));
    }
    fs::remove_file(program.path("run/best.model")).unwrap();
    let words = ["run: no usable checkpoint in this directory", "ckpt-001720", "ckpt-001290"];
    program.refuses("inspect run", 3, &words);
    program.refuses("train --resume run", 3, &words);
}

#[test]
fn directories_that_cannot_be_used() {
    let program = with_model();
    fs::create_dir(program.path("empty")).unwrap();
    program.refuses("train --resume empty", 3, &["empty: no usable checkpoint"]);
    program.refuses("inspect empty", 3, &["empty: no usable checkpoint"]);
    assert!(names(&program, "empty").is_empty(), "a file in a directory that is not ours");
    let words = ["m.model: cannot create this directory", "File exists"];
    program.refuses("train --checkpoint-dir m.model", 4, &words);
    program.refuses("train --checkpoint-dir no/run", 4, &["no/run: cannot create this directory"]);
    program.refuses(
        "train --checkpoint-every 2",
        2,
        &["--checkpoint-every: needs --checkpoint-dir"],
    );
    program.refuses("train --checkpoint-every 0 --checkpoint-dir run", 2, &["--checkpoint-every"]);

    // Another run's checkpoints are not mixed with a new one's.
    program.train("--hidden none --epochs 1 --checkpoint-dir run");
    let before = names(&program, "run");
    let words = [
        "run: refusing to overwrite the checkpoints of another run",
        "; to resume the run there, use --resume run\n",
    ];
    program.refuses("train --checkpoint-dir run", 4, &words);
    program.refuses("train --resume m.model --checkpoint-dir run", 4, &words);
    assert_eq!(names(&program, "run"), before);
    program.refuses("train --resume run --seed 1", 2, &["--seed: the saved run has 0, not 1"]);
}

/// A single checkpoint resumes into another file: the files of the directory are only for its checkpoints.
#[test]
fn a_single_checkpoint_is_not_replaced() {
    let program = Program::with_data();
    program.train("--hidden none --epochs 2 --output m.model --checkpoint-dir run");
    let before = program.read("run/ckpt-000430.model");
    let words =
        ["run/ckpt-000430.model: refusing to overwrite a file of a directory", "another path"];
    program.refuses("train --resume run/ckpt-000430.model --epochs 3", 4, &words);
    program.refuses("train --resume run --output run/best.model", 4, &["run/best.model: refusing"]);
    assert_eq!(program.read("run/ckpt-000430.model"), before);
    program.train("--resume run/ckpt-000430.model --epochs 2 --output again.model");
    assert_eq!(digest(&program, "again.model"), digest(&program, "m.model"));
    let same = ["--output: expected a different path from --checkpoint-dir"];
    program.refuses("train --checkpoint-dir new --output new", 2, &same);
    assert!(!program.path("new").exists());
}

/// All damage in a file is reported, not only the first.
#[test]
fn all_damage_is_reported() {
    let program = with_model();
    let mut bytes = TRAINED.bytes.clone();
    let n = bytes.len();
    for at in [n - 1, n / 2, 5000] {
        bytes[at] ^= 1;
    }
    program.write("m.model", bytes);
    let tensors = ["(tensor dense0.weights)", "(tensor adam.m)", "(tensor adam.v)"];
    program.refuses(
        "inspect m.model --verify",
        3,
        &[&["3 tensors are damaged"], &tensors[..]].concat(),
    );
    program.refuses("inspect absent.model --verify", 4, &["absent.model: cannot open"]);
    program.refuses("inspect . --verify", 3, &[".: no usable checkpoint"]);
    assert!(Newest::load(program.path("")).is_err());
}

/// A run that saves its output after every epoch and a checkpoint every third, and was stopped or killed in between.
#[test]
#[cfg(unix)]
fn an_output_that_is_ahead_of_the_directory_is_used() {
    let run = format!("train {SMALL} --hidden none");
    let whole = with_small_set();
    whole.json(&format!("{run} --epochs 9 --output whole.model"));
    let mut tally = Tally::new("C2", "stopped with an output that is ahead of the checkpoints");
    // The output is another file, or the directory's own final model.
    for (signal, output, option) in
        [("-KILL", "m.model", "--output m.model"), ("-TERM", "run/final.model", "")]
    {
        tally.case(|| {
            let program = with_small_set();
            let arguments = format!("{run} {option} --checkpoint-dir run --checkpoint-every 3");
            let mut first = program.start(&format!("{arguments} --epochs 9000 --format json"));
            while first.wait_for("epoch")["epoch"] != 5 {}
            send(signal, &first);
            first.finish();
            let before = program.inspect(output)["progress"]["epoch"].as_u64().unwrap();
            train_small(&program, &format!("--resume run {option} --epochs 1"));
            let after = program.inspect(output)["progress"]["epoch"].as_u64().unwrap();
            ensure(after == before, || Failure::lost(format!("{before} epochs, now {after}")))
        });
    }
    // Bit-for-bit identical to an uninterrupted run.
    let program = with_small_set();
    let resume = |arguments: &str| train_small(&program, &format!("--resume {arguments}"));
    program.json(&format!("{run} --epochs 7 --output m.model --checkpoint-dir run"));
    for name in ["ckpt-000042.model", "best.model"] {
        fs::remove_file(program.path("run").join(name)).unwrap();
    }
    let events = resume("run --output m.model --epochs 9");
    assert_eq!(events[0]["resumed"], "m.model");
    assert_eq!(digest(&program, "m.model"), digest(&whole, "whole.model"));
    // Nor does it go back if a file is resumed.
    fs::copy(program.path("m.model"), program.path("late.model")).unwrap();
    program.json(&format!("{run} --epochs 3 --output early.model"));
    let events = resume("early.model --output late.model --epochs 9");
    assert_eq!(events[0]["resumed"], "late.model");
    assert_eq!(digest(&program, "late.model"), digest(&whole, "whole.model"));
    // The output of another run is no later state of this one.
    program.json(&format!("{run} --seed 7 --epochs 10 --output other.model"));
    let events = resume("run --output other.model --epochs 9");
    assert_eq!(events[0]["resumed"], "run/ckpt-000054.model");
    tally.finish();
}

/// The output must not be one of the directory's files.
#[test]
fn an_output_with_the_name_of_a_checkpoint() {
    let program = Program::with_data();
    fs::create_dir(program.path("run")).unwrap();
    let mut tally =
        Tally::new("B8", "an output with the name of a file of the checkpoint directory");
    for name in ["ckpt-000009.model", "best.model", "checkpoints.lock"] {
        tally.case(|| {
            let arguments = format!("train --dataset synthetic --output run/{name}");
            let words = [&format!("run/{name}: "), "a file of a directory of checkpoints"];
            program.refuses(&format!("{arguments} --checkpoint-dir run"), 4, &words);
            let left = names(&program, "run");
            ensure(left.is_empty(), || Failure::wrong(format!("{left:?}")))
        });
    }
    tally.finish();
}
