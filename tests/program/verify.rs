use crate::{fixture::digest, harness::Program};

/// The default run has the published bits, in each arithmetic that the processor has and for any number of threads.
#[test]
fn the_default_run_has_the_published_bits() {
    let program = Program::with_data();
    for options in ["--threads 1", "--threads 3 --arithmetic plain"] {
        let output = program.run(&format!("verify {options} --format json")).success();
        let view = &output.json()[0];
        assert_eq!(view["checks"].as_array().map(Vec::len), Some(2), "{view}");
        for check in view["checks"].as_array().into_iter().flatten() {
            assert_eq!(check["found"], check["expected"], "{options}: {}", check["what"]);
        }
    }
    // They are those of `train`.
    let trained = program.run("train --output m.model --quiet").success();
    let verified = program.run("verify").success();
    let sum = digest(&program, "m.model");
    assert!(verified.stdout.contains(&sum), "{sum}: {verified:?}, {trained:?}");
    assert!(verified.stdout.ends_with("as published: this machine computes the same bits\n"));
}

/// A run with everything that has a state resumes exactly. Its file does not change.
#[test]
fn a_run_resumes_exactly() {
    let program = Program::with_data();
    let options = "--hidden 16 --norm batch --dropout 0.1 --average 0.9 --keep-best --shift 1 --schedule one-cycle";
    program.train(&format!("--epochs 1 --batch-size 2000 {options} --output m.model"));
    let before = digest(&program, "m.model");
    let output = program.run("verify m.model --epochs 2").success();
    assert!(output.stdout.contains("stopped and resumed"), "{output:?}");
    assert!(output.stdout.ends_with("the same without a stop: this run resumes exactly\n"));
    assert_eq!(digest(&program, "m.model"), before);
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
