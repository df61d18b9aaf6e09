use serde_json::{Value, json};

use crate::{
    fixture::{DATA, digest},
    harness::Program,
};

/// The default run has the published bits, in each arithmetic that the processor has and for any number of threads.
#[test]
fn the_default_run_has_the_published_bits() {
    let program = Program::with_data();
    for options in ["--threads 1", "--threads 3 --arithmetic plain"] {
        let output = program.run(&format!("verify {options} --format json")).success();
        let view = &output.json()[0];
        assert_eq!(view["checks"].as_array().map(Vec::len), Some(2), "{view}");
        assert_eq!((&view["as_expected"], &view["reproduced"]), (&json!(true), &Value::Null));
        assert_eq!(output.stderr.lines().last(), Some("training the default run: 10 epochs"));
        for check in view["checks"].as_array().into_iter().flatten() {
            assert_eq!(check["found"], check["expected"], "{options}: {}", check["what"]);
        }
    }
    // They are those of `train`.
    let trained = program.run("train --output m.model --quiet").success();
    let verified = program.run("verify --quiet").success();
    assert!(!verified.stderr.contains("training"), "{verified:?}");
    let sum = digest(&program, "m.model");
    assert!(verified.stdout.contains(&sum), "{sum}: {verified:?}, {trained:?}");
    let of_data = if DATA.dir.is_some() { "" } else { " for synthetic garments" };
    let end = format!("as published{of_data}: this machine computes the same bits\n");
    assert!(verified.stdout.ends_with(&end), "{verified:?}");
}

/// Without the data, less is shown, and it says so. It is no training result, about which there would be a warning.
#[test]
fn without_fashion_mnist_synthetic_garments_are_checked() {
    let output = Program::new().run("verify").success();
    let words = ["no Fashion-MNIST: ", "the default run of synthetic garments is checked instead"];
    for words in words {
        assert!(output.stderr.contains(words), "{words:?} is not in: {output:?}");
    }
    assert!(!output.stderr.contains("SYNTHETIC DATA"), "{output:?}");
    let end = "as published for synthetic garments: this machine computes the same bits\n";
    assert!(output.stdout.ends_with(end), "{output:?}");
}

/// A run with everything that has a state resumes exactly. Its file does not change.
#[test]
fn a_run_resumes_exactly() {
    let program = Program::with_data();
    let options = "--hidden 16 --norm batch --dropout 0.1 --average 0.9 --keep-best --shift 1 --schedule one-cycle";
    program.train(&format!("--epochs 1 --batch-size 2000 {options} --output m.model"));
    let before = digest(&program, "m.model");
    let output = program.run("verify m.model --epochs 2").success();
    assert!(output.stdout.contains("stopped and resumed 3 times"), "{output:?}");
    let end = "the same without a stop: this run resumes exactly\n\
               not compared with the file, which has 1 epoch: for that, give --epochs 1\n";
    assert!(output.stdout.ends_with(end), "{output:?}");
    assert!(output.stdout.lines().all(|line| line.len() <= 80), "{output:?}");
    assert_eq!(output.stderr.lines().last(), Some("training the run of m.model: 2 epochs, twice"));
    assert_eq!(digest(&program, "m.model"), before);
}

/// A file is reproduced if its run began with the weights of its seed and kept its learning rate. Either way, the run
/// resumes exactly.
#[test]
fn a_file_is_compared_if_it_has_as_many_epochs() {
    let program = Program::with_data();
    let verify = |arguments: &str| program.json(&format!("verify {arguments}")).remove(0);
    let options = "--hidden 8 --batch-size 2000 --epochs";
    program.train(&format!("{options} 2 --checkpoint-dir run --output m.model"));
    let view = verify("m.model");
    assert_eq!((&view["epochs"], &view["reproduced"]), (&json!(2), &json!(true)), "{view}");
    assert_eq!(view["checks"][0]["found"], digest(&program, "m.model"));
    // The newest checkpoint of a directory.
    let output = program.run("verify run").success();
    assert!(output.stdout.starts_with("run/"), "{output:?}");
    assert!(output.stdout.ends_with("the same as in the file: this run was reproduced\n"));

    program.train("--resume m.model --epochs 3 --learning-rate 0.0005 --output other.model");
    program.train(&format!("{options} 1 --warm-start m.model --output warm.model"));
    for model in ["other.model", "warm.model"] {
        let view = verify(model);
        let verdicts = [&view["as_expected"], &view["reproduced"]];
        assert_eq!(verdicts, [&json!(true), &json!(false)], "{view}");
    }
    let output = program.run("verify warm.model").success();
    let line = "\nnot the state in the file: its run began with other weights, its learning rate\n";
    assert!(output.stdout.contains(line), "{output:?}");
}

/// A run of one batch an epoch is stopped after its step and after its epoch.
#[test]
fn a_run_of_one_batch_an_epoch_is_stopped_twice_an_epoch() {
    let program = Program::with_data();
    program.train("--hidden none --batch-size 55000 --epochs 2 --output m.model");
    let view = program.json("verify m.model").remove(0);
    assert_eq!((&view["stops"], &view["reproduced"]), (&json!(3), &json!(true)), "{view}");
}

/// Epochs that early stopping leaves out are not reported.
#[test]
fn a_run_that_stops_early_has_its_epochs() {
    let program = Program::with_data();
    let options = "--hidden none --batch-size 5000 --early-stop 1 --early-stop-delta 10";
    program.train(&format!("{options} --epochs 5 --output m.model"));
    let view = program.json("verify m.model --epochs 5").remove(0);
    let found = ["epochs", "stopped_early", "reproduced"].map(|key| view[key].clone());
    assert_eq!(found, [json!(2), json!(true), json!(true)], "{view}");
    let output = program.run("verify m.model --epochs 5").success();
    assert!(output.stdout.starts_with("m.model: 2 epochs (stopped early) of "), "{output:?}");
}

#[test]
fn a_model_without_its_training_is_refused() {
    let program = Program::with_data();
    program.train("--epochs 1 --hidden 8 --batch-size 2000 --output m.model");
    program.run("export m.model small.model --to inference").success();
    program.run("verify small.model").refused(3, &["small.model", "inference only"]);
    program.run("verify small.model --arithmetic plain").refused(2, &["--arithmetic"]);
    program.run("verify --epochs 3").refused(2, &["MODEL"]);
}
