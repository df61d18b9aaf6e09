use nn_optim::Optimizer;
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::{DATA, TRAINED, altered, digest, training, with_model},
    harness::Program,
};

#[test]
fn two_halves_make_a_whole() {
    let program = Program::with_data();
    program.train("--epochs 2 --output half.model");
    let half = program.read("half.model");
    let events = program.train("--resume half.model --epochs 4 --output whole.model --threads 1");
    assert_eq!((&events[0]["epoch"], &events[0]["resumed"]), (&2.into(), &"half.model".into()));
    assert_eq!(events[1]["epoch"], 3);
    assert_eq!(digest(&program, "whole.model"), TRAINED.state_sha256);
    assert!(program.read("half.model") == half, "the resumed file has changed");

    // Without --output, the run is saved in the resumed file.
    program.train("--resume half.model --epochs 4");
    assert_eq!(digest(&program, "half.model"), TRAINED.state_sha256);
}

/// A run that lost a part of its state is refused, or ends with another digest.
#[test]
fn a_lost_part_of_the_state_shows() {
    let program = with_model();
    program.train("--resume m.model --epochs 5 --output honest.model");
    let lose = |name: &str, lose: &dyn Fn(&mut u64, &mut [f32])| {
        let bytes = altered(|checkpoint| {
            let adam = &mut training(checkpoint).optimizer;
            let (mut step, mut moments) = (adam.step(), adam.moments().to_vec());
            lose(&mut step, &mut moments[0]);
            *adam = Optimizer::from_parts(adam.config(), step, moments).unwrap();
        });
        program.write(name, bytes);
    };
    lose("step.model", &|step, _| *step = 0);
    let words = ["step.model: ", "the optimizer's 0 steps"];
    let arguments = format!("train --dataset {} --resume step.model --epochs 5", DATA.name);
    let output = program.run(&arguments);
    assert_eq!(output.code, Some(3), "{output:#?}");
    assert!(words.iter().all(|word| output.stderr.contains(word)), "{output:#?}");

    lose("m.model", &|_, m| m.fill(0.0));
    program.train("--resume m.model --epochs 5");
    assert_ne!(digest(&program, "m.model"), digest(&program, "honest.model"));
}

#[test]
fn threads_change_nothing() {
    let program = Program::with_data();
    let digest = |threads: u32| {
        program.train(&format!("--epochs 1 --output m.model --threads {threads}"));
        digest(&program, "m.model")
    };
    let expected = digest(1);
    let mut tally = Tally::new("C6", "other numbers of threads on the real run");
    for threads in [2, 3, 4, 8] {
        let other = || Failure::torn(format!("{threads} threads"));
        tally.case(|| ensure(digest(threads) == expected, other));
    }
    tally.finish();
}

#[test]
fn a_complete_run_is_copied_to_the_output() {
    let program = with_model();
    let events = program.train("--resume m.model --epochs 4 --output copy.model");
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "finished"]);
    assert_eq!(events[1]["test"], TRAINED.events.last().unwrap()["test"]);
    assert_eq!(digest(&program, "copy.model"), TRAINED.state_sha256);
}

#[test]
fn another_setting_is_another_run() {
    let program = with_model();
    let mut tally = Tally::new("C4", "settings that are not those of the saved run");
    let mut check = |option: &str, saved: &str, given: &str| {
        tally.case(|| {
            let words = [option, &format!("has {saved}, not {given}"), "without --resume"];
            program.refuses(&format!("train --resume m.model {option} {given}"), 2, &words);
            Ok(())
        });
    };
    check("--batch-size", "128", "64");
    check("--seed", "0", "1");
    check("--hidden", "128,128", "128");
    check("--hidden", "128,128", "none");
    check("--schedule", "inverse-time", "constant");
    check("--warmup-epochs", "0", "0.5");
    check("--decay", "0.001", "0");
    check("--optimizer", "adam", "sgd");
    check("--validation", "5000", "1000");
    let other = if DATA.dir.is_some() { "synthetic" } else { "fashion-mnist" };
    check("--dataset", DATA.name, other);
    tally.finish();
    assert!(program.read("m.model") == TRAINED.bytes);
}
