use serde_json::Value;

use crate::{
    fixture::{DATA, TRAINED, keys, notice, with_model},
    harness::Program,
    own_set::OwnSet,
};

/// The rows of a confusion matrix.
fn confusion(evaluation: &Value) -> Vec<Vec<u64>> {
    serde_json::from_value(evaluation["confusion"].clone()).unwrap()
}

#[test]
fn agrees_with_the_end_of_the_training() {
    let evaluation = with_model().json("evaluate m.model").remove(0);
    let shape = ["accuracy", "confusion", "dataset", "loss", "per_class", "samples", "split"];
    assert_eq!(keys(&evaluation), shape);
    assert_eq!((&evaluation["split"], &evaluation["samples"]), (&"test".into(), &10_000.into()));
    let test = &TRAINED.events.last().unwrap()["test"];
    assert_eq!(evaluation["accuracy"], test["accuracy"]);
    assert_eq!(evaluation["loss"], test["loss"]);

    let rows = confusion(&evaluation);
    let right: Vec<u64> = rows.iter().enumerate().map(|(class, row)| row[class]).collect();
    assert_eq!(rows.iter().map(|row| row.iter().sum()).collect::<Vec<u64>>(), [1000; 10]);
    assert_eq!(evaluation["accuracy"], right.iter().sum::<u64>() as f64 / 1e4);
    let per_class: Vec<f64> = right.iter().map(|&right| right as f64 / 1e3).collect();
    assert_eq!(evaluation["per_class"], serde_json::json!(per_class));
}

/// A run is evaluated in its own arithmetic, so that all digits agree with the end of the training. A directory of
/// checkpoints is its newest one.
#[test]
fn a_run_is_evaluated_in_its_arithmetic() {
    let program = Program::with_data();
    let options = "--hidden 32 --epochs 1 --arithmetic plain --checkpoint-dir run";
    let trained = program.train(options);
    for model in ["run/final.model", "run"] {
        let evaluation = program.json(&format!("evaluate {model}")).remove(0);
        assert_eq!(evaluation["loss"], trained.last().unwrap()["test"]["loss"], "{model}");
    }
    let output = program.run("evaluate run").success();
    assert!(output.stdout.contains("\nrun/"), "{output:?}");
    assert!(output.stdout.contains(".model on 10,000 test images"), "{output:?}");
}

#[test]
fn the_training_split() {
    let evaluation = with_model().json("evaluate m.model --split train --threads 1").remove(0);
    assert_eq!((&evaluation["split"], &evaluation["samples"]), (&"train".into(), &60_000.into()));
    assert!(confusion(&evaluation).iter().all(|row| row.iter().sum::<u64>() == 6000));
}

#[test]
fn the_built_in_model() {
    let Some(dir) = &DATA.dir else { return notice("the built-in model was not evaluated") };
    // By option; other tests set the variable.
    let evaluation = Program::new().json(&format!("evaluate --data-dir {}", dir.display()));
    assert!(evaluation[0]["accuracy"].as_f64().unwrap() >= 0.88, "{evaluation:?}");
}

/// A class without images has no recall.
#[test]
fn a_class_without_images() {
    let mut set = OwnSet::five_by_seven();
    set.test.retain(|(_, label)| *label != 1);
    let program = Program::new();
    set.write(&program, "idx");
    program.json("train --dataset idx --data-dir idx --epochs 1 --hidden none --output m.model");
    let table = program.run("evaluate m.model --data-dir idx").success().stdout;
    let shoe = table.lines().find(|line| line.starts_with("Shoe")).unwrap();
    assert_eq!(shoe.trim_end(), format!("{:15}       -", "Shoe"));
    let evaluation = program.json("evaluate m.model --data-dir idx").remove(0);
    assert_eq!(evaluation["per_class"][1], Value::Null);
}

#[test]
fn shows_people_a_table() {
    let output = with_model().run("evaluate m.model").success();
    let summary = format!("m.model on 10,000 test images of {}: cross-entropy ", DATA.name);
    for words in ["T-shirt/top", "Ankle boot", &summary] {
        assert!(output.stdout.contains(words), "{words:?} is not in: {}", output.stdout);
    }
}
