use std::fs;

use serde_json::json;
use tally::{Failure, Tally, ensure};

use crate::{
    fixture::digest,
    harness::Program,
    own_set::{SMALL, train_small, with_small_set},
};

/// Each optimizer, with its default rate or another one, its JSON in `inspect`, and its text.
fn optimizers() -> [(&'static str, serde_json::Value, &'static str); 9] {
    [
        (
            "--optimizer adam",
            json!({"kind": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false,
                "learning_rate": 0.001, "decay": 0.001, "step": 430}),
            "Adam, beta 0.9 and 0.999, epsilon 0.0000001\nschedule:     learning rate 0.001, decay 0.001",
        ),
        (
            "--optimizer adamw --weight-decay 0.1",
            json!({"kind": "adamw", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8,
                "weight_decay": 0.1, "amsgrad": false, "learning_rate": 0.001, "decay": 0.001, "step": 430}),
            "AdamW, weight decay 0.1, beta 0.9 and 0.999, epsilon 0.00000001\nschedule:     learning rate 0.001",
        ),
        (
            "--amsgrad",
            json!({"kind": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": true,
                "learning_rate": 0.001, "decay": 0.001, "step": 430}),
            "Adam, AMSGrad, beta 0.9 and 0.999, epsilon 0.0000001\nschedule:     learning rate 0.001, decay 0.001",
        ),
        (
            "--optimizer adamw --amsgrad --schedule constant",
            json!({"kind": "adamw", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8,
                "weight_decay": 0.01, "amsgrad": true, "learning_rate": 0.001, "step": 430}),
            "AdamW, AMSGrad, weight decay 0.01, beta 0.9 and 0.999, epsilon 0.00000001\nschedule:     learning rate 0.001, constant",
        ),
        (
            "--optimizer rmsprop",
            json!({"kind": "rmsprop", "rho": 0.9, "epsilon": 1e-7,
                "learning_rate": 0.001, "decay": 0.0, "step": 430}),
            "RMSprop, rho 0.9, epsilon 0.0000001\nschedule:     learning rate 0.001, decay 0",
        ),
        (
            "--optimizer adagrad",
            json!({"kind": "adagrad", "epsilon": 1e-7,
                "learning_rate": 0.01, "decay": 0.0, "step": 430}),
            "Adagrad, epsilon 0.0000001\nschedule:     learning rate 0.01, decay 0",
        ),
        (
            "--optimizer sgd",
            json!({"kind": "sgd", "momentum": 0.0, "nesterov": false,
                "learning_rate": 0.05, "decay": 0.0, "step": 430}),
            "SGD\nschedule:     learning rate 0.05, decay 0",
        ),
        (
            "--optimizer sgd --momentum 0.9 --decay 0.0001",
            json!({"kind": "sgd", "momentum": 0.9, "nesterov": false,
                "learning_rate": 0.05, "decay": 0.0001, "step": 430}),
            "SGD, momentum 0.9\nschedule:     learning rate 0.05, decay 0.0001",
        ),
        (
            "--optimizer sgd --learning-rate 0.02 --momentum 0.9 --nesterov",
            json!({"kind": "sgd", "momentum": 0.9, "nesterov": true,
                "learning_rate": 0.02, "decay": 0.0, "step": 430}),
            "SGD, Nesterov momentum 0.9\nschedule:     learning rate 0.02, decay 0",
        ),
    ]
}

/// In one epoch.
#[test]
fn each_learns_and_is_shown() {
    let program = Program::with_data();
    for (options, expected, text) in optimizers() {
        let events = program.train(&format!("{options} --epochs 1 --output m.model"));
        assert_eq!(events[0]["optimizer"], expected["kind"]);
        assert_eq!(events[0]["learning_rate"], expected["learning_rate"]);
        for (setting, value) in events[0]["optimizer_settings"].as_object().unwrap() {
            assert_eq!(value, &expected[setting], "{options}: {setting}");
        }
        let accuracy = events.last().unwrap()["test"]["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.75, "{options}: {accuracy}");
        assert_eq!(program.inspect("m.model")["optimizer"], expected);
        let printed = program.run("inspect m.model").success().stdout;
        assert!(printed.contains(&format!("optimizer:    {text}")), "{text} is not in: {printed}");
    }
}

/// Two epochs in one run and in two runs are identical. The run can be resumed with its settings or without.
#[test]
fn each_resumes() {
    let mut tally = Tally::new("C1", "each optimizer: two halves make a whole");
    for (options, ..) in optimizers() {
        let program = with_small_set();
        let train = |options: &str| train_small(&program, options);
        train(&format!("{options} --epochs 2 --output whole.model"));
        let whole = digest(&program, "whole.model");
        for given in [options, ""] {
            train(&format!("{options} --epochs 1 --output m.model"));
            train(&format!("{given} --resume m.model --epochs 2 --threads 1"));
            let same = digest(&program, "m.model") == whole;
            tally.case(|| ensure(same, || Failure::torn(options)));
            fs::remove_file(program.path("m.model")).unwrap();
        }
    }
    tally.finish();
}

/// In the text that a run prints before its first step.
#[test]
fn the_start_shows_it() {
    let run = format!("train {SMALL} --epochs 1 --hidden none --output m.model");
    let output =
        with_small_set().run(&format!("{run} --optimizer sgd --learning-rate 0.01")).success();
    assert!(
        output.stdout.contains("; SGD; learning rate 0.01, decay 0; batches of"),
        "{output:#?}"
    );
}

/// The rates where none is given. That runs learn with them is tested above.
#[test]
fn default_rates() {
    let program = Program::new();
    let check = |name: &str, rate: f64, decay: f64| {
        let settings = program.json(&format!("train --print-config --optimizer {name}")).remove(0);
        let found = (&settings["learning-rate"], &settings["decay"]);
        assert_eq!(found, (&rate.into(), &decay.into()), "{name}");
    };
    check("adam", 0.001, 0.001);
    check("adamw", 0.001, 0.001);
    check("rmsprop", 0.001, 0.0);
    check("adagrad", 0.01, 0.0);
    check("sgd", 0.05, 0.0);
    check("sgd --momentum 0.9", 0.05, 0.0);
}

#[test]
fn settings_of_another_optimizer() {
    let mut tally = Tally::new("E5", "settings that belong to another optimizer, or to none");
    let mut check = |options: &str, words: &[&str]| {
        tally.case(|| {
            let program = Program::new();
            program.refuses(&format!("train {options}"), 2, words);
            ensure(program.contents().is_empty(), || Failure::torn(options))
        });
    };
    for other in ["adam", "adamw", "adagrad", "rmsprop"] {
        let found = format!("found {other}");
        let words = ["needs --optimizer sgd", found.as_str()];
        let momentum = format!("--optimizer {other} --momentum 0.9");
        check(&momentum, &[&["--momentum"], &words[..]].concat());
        check(&format!("--optimizer {other} --nesterov"), &[&["--nesterov"], &words[..]].concat());
    }
    for other in ["adam", "sgd", "adagrad", "rmsprop"] {
        let words = ["--weight-decay", "needs --optimizer adamw", &format!("found {other}")];
        check(&format!("--optimizer {other} --weight-decay 0.1"), &words);
    }
    for other in ["sgd", "adagrad", "rmsprop"] {
        let words = ["--amsgrad: needs --optimizer adam or adamw", &format!("found {other}")];
        check(&format!("--optimizer {other} --amsgrad"), &words);
    }
    check("--momentum 0.9", &["--momentum", "needs --optimizer sgd", "found adam"]);
    check(
        "--optimizer sgd --nesterov",
        &["--momentum: expected above 0 for Nesterov momentum, found 0"],
    );
    check(
        "--optimizer sgd --momentum 1",
        &["--momentum: expected at least 0 and below 1, found 1"],
    );
    check("--optimizer sgd --momentum -0.5", &["--momentum: ", "found -0.5"]);
    check("--optimizer sgd --momentum NaN", &["--momentum: ", "found NaN"]);
    check("--optimizer adamw --weight-decay -1", &["--weight-decay: ", "0 or above, found -1"]);
    check("--optimizer adamw --weight-decay inf", &["--weight-decay: ", "found inf"]);
    tally.finish();
}

#[test]
fn another_setting_is_another_run() {
    let program = with_small_set();
    let new = format!("train {SMALL} --epochs 1 --hidden none --learning-rate 0.001");
    program.json(&format!("{new} --optimizer sgd --momentum 0.5 --output sgd.model"));
    program.json(&format!("{new} --optimizer adamw --output adamw.model"));
    let mut tally =
        Tally::new("C4", "settings of an optimizer that are not those of the saved run");
    let mut check = |model: &str, options: &str, words: &[&str]| {
        tally.case(|| {
            program.refuses(&format!("train {SMALL} --resume {model} {options}"), 2, words);
            Ok(())
        });
    };
    check("sgd.model", "--optimizer adam", &["--optimizer: the saved run has sgd, not adam"]);
    check("sgd.model", "--momentum 0.9", &["--momentum: the saved run has 0.5, not 0.9"]);
    check("sgd.model", "--nesterov", &["--nesterov: the saved run has false, not true"]);
    let words = ["--weight-decay: needs --optimizer adamw", "found sgd"];
    check("sgd.model", "--weight-decay 0.01", &words);
    check(
        "adamw.model",
        "--weight-decay 0.1",
        &["--weight-decay: the saved run has 0.01, not 0.1"],
    );
    check("adamw.model", "--amsgrad", &["--amsgrad: the saved run has false, not true"]);
    check("sgd.model", "--amsgrad", &["--amsgrad: needs --optimizer adam or adamw"]);
    check("adamw.model", "--optimizer adam", &["--optimizer: the saved run has adamw, not adam"]);
    check("adamw.model", "--momentum 0.5", &["--momentum: needs --optimizer sgd", "found adamw"]);
    tally.finish();
}
