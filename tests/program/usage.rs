use crate::{fixture::with_model, harness::Program};

#[track_caller]
fn check(arguments: &str, words: &[&str]) {
    let program = Program::new();
    program.refuses(arguments, 2, words);
    assert!(program.contents().is_empty(), "{:?}", program.contents());
}

#[test]
fn settings_outside_their_range() {
    let rate = ["learning rate", "a finite number above 0"];
    check("train --learning-rate NaN", &[rate, ["found", "NaN"]].concat());
    check("train --learning-rate inf", &[rate, ["found", "inf"]].concat());
    check("train --learning-rate -1", &[rate, ["found", "-1"]].concat());
    check("train --learning-rate 0", &[rate, ["found", "0"]].concat());
    check("train --learning-rate fast", &["--learning-rate", "fast"]);
    check("train --decay -0.5", &["decay", "0 or above", "found -0.5"]);
    check("train --decay nan", &["decay", "a finite number", "found NaN"]);
    check("train --batch-size 0", &["--batch-size", "0"]);
    check("train --epochs 0", &["--epochs", "0 is not in 1..=10000"]);
    check("train --hidden 0", &["--hidden", "sizes of 1 or more", "\"0\""]);
    check("train --hidden 128,,128", &["--hidden", "sizes of 1 or more", "\"\""]);
    check("train --threads 0", &["--threads", "0 is not in 1..=1024"]);
    check("train --threads 1000000", &["--threads", "1000000 is not in"]);
    check("evaluate --threads 0", &["--threads", "0 is not in"]);
    check("predict --top-k 0 a.png", &["--top-k", "0 is not in"]);
}

/// Refused before memory is taken, with what it would take.
#[test]
fn networks_too_large() {
    let words = ["--hidden", "7950000010 parameters", "95402097366", "make the model smaller"];
    check("train --hidden 10000000", &words);
    check("train --hidden 4000000000,4000000000", &["--hidden", "expected at most"]);
    check("train --hidden 99999999999999999999", &["--hidden", "expected sizes"]);
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
    check("--data-dir .", &["--data-dir", "the synthetic garments are in no directory"]);
    check("--batch-size 60001", &["--batch-size", "at most 60000", "found 60001"]);
    check("--batch-size 18446744073709551615", &["--batch-size", "at most 60000"]);
}

#[test]
fn arguments_that_make_no_sense() {
    check("", &["Usage: fmnist"]);
    check("frobnicate", &["frobnicate", "Usage: fmnist"]);
    check("train --frobnicate", &["--frobnicate"]);
    check("train --dataset cifar", &["--dataset", "cifar", "fashion-mnist", "synthetic"]);
    check("train --optimizer lion", &["--optimizer", "lion", "adam"]);
    check("predict", &["IMAGE"]);
    check("predict m.model", &["name a picture", "--index"]);
    check("evaluate --split validation", &["--split", "validation", "test"]);
}

#[test]
fn an_image_past_the_end() {
    let program = with_model();
    program.refuses("predict m.model --index 10000", 2, &["--index 10000", "ends at 9999"]);
}
