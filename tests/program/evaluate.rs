use std::fs;

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
    let shape = [
        "accuracy",
        "accuracy_interval",
        "calibration_error",
        "classes",
        "confused",
        "confusion",
        "dataset",
        "loss",
        "macro_average",
        "samples",
        "split",
        "top_3",
        "weighted_average",
    ];
    assert_eq!(keys(&evaluation), shape);
    assert_eq!((&evaluation["split"], &evaluation["samples"]), (&"test".into(), &10_000.into()));
    let test = &TRAINED.events.last().unwrap()["test"];
    assert_eq!(evaluation["accuracy"], test["accuracy"]);
    assert_eq!(evaluation["loss"], test["loss"]);

    let rows = confusion(&evaluation);
    let right: Vec<u64> = rows.iter().enumerate().map(|(class, row)| row[class]).collect();
    assert_eq!(rows.iter().map(|row| row.iter().sum()).collect::<Vec<u64>>(), [1000; 10]);
    assert_eq!(evaluation["accuracy"], right.iter().sum::<u64>() as f64 / 1e4);
    let recall: Vec<&Value> =
        evaluation["classes"].as_array().unwrap().iter().map(|class| &class["recall"]).collect();
    assert_eq!(recall, right.iter().map(|&right| right as f64 / 1e3).collect::<Vec<f64>>());
    // All classes have as many images, so that both averages are the same.
    let accuracy = evaluation["accuracy"].as_f64().unwrap();
    let average = evaluation["macro_average"]["recall"].as_f64().unwrap();
    assert!((average - accuracy).abs() < 1e-12, "{average}, accuracy {accuracy}");
    let [low, high] = [0, 1].map(|i| evaluation["accuracy_interval"][i].as_f64().unwrap());
    assert!(low < accuracy && accuracy < high && high - low < 0.02, "{low} to {high}");
    assert!((accuracy..1.0).contains(&evaluation["top_3"].as_f64().unwrap()), "{evaluation}");
    let [pair, others] = [0, 1].map(|i| evaluation["confused"][i]["images"].as_u64().unwrap());
    let largest = rows.iter().enumerate().flat_map(|(class, row)| {
        row.iter().enumerate().filter(move |&(other, _)| other != class).map(|(_, &n)| n)
    });
    assert!(Some(pair) == largest.max() && others <= pair, "{evaluation}");
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
    let cells: Vec<&str> = shoe.split_whitespace().collect();
    assert_eq!(cells, ["Shoe", "0", "-", "-", "-"]);
    let evaluation = program.json("evaluate m.model --data-dir idx").remove(0);
    let class = &evaluation["classes"][1];
    assert_eq!((&class["recall"], &class["images"]), (&Value::Null, &0.into()));
    // It does not count in the averages.
    assert!(evaluation["macro_average"]["recall"].is_f64(), "{evaluation}");
}

#[test]
fn shows_people_tables() {
    let program = with_model();
    let text = program.run("evaluate m.model").success().stdout;
    let evaluation = program.json("evaluate m.model").remove(0);
    let summary = format!("m.model on 10,000 test images of {}:\ncross-entropy ", DATA.name);
    assert!(text.contains(&summary), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    // The scores of each class, and then the matrix.
    for (class, row) in confusion(&evaluation).into_iter().enumerate() {
        let view = &evaluation["classes"][class];
        let name = view["class"].as_str().unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        let [precision, recall, f1] =
            ["precision", "recall", "f1"].map(|it| format!("{:.3}", view[it].as_f64().unwrap()));
        let cells: Vec<&str> = line[name.len()..].split_whitespace().collect();
        assert_eq!(cells, ["1,000", &precision, &recall, &f1]);
        let start = format!("{class} {name}");
        let line = text.lines().find(|line| line.starts_with(&start)).unwrap();
        let cell = |&n: &u64| if n == 0 { ".".into() } else { n.to_string() };
        let cells: Vec<String> = row.iter().map(cell).collect();
        assert_eq!(line[start.len()..].split_whitespace().collect::<Vec<_>>(), cells);
    }
}

/// A matrix that is too wide is not shown, and long names are cut.
#[test]
fn many_classes_stay_within_80_columns() {
    let mut set = OwnSet::garments(300, 40);
    let name = |class| &*format!("{class} with a name of many letters").leak();
    set.names = (0..40).map(name).collect();
    for split in [&mut set.train, &mut set.test] {
        split.iter_mut().enumerate().for_each(|(i, (_, label))| *label = (i % 40) as u8);
    }
    let program = Program::new();
    set.write(&program, "idx");
    program.json("train --dataset idx --data-dir idx --epochs 1 --hidden none --output m.model");
    let text = program.run("evaluate m.model").success().stdout;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("matrix is too wide to show; --format csv and json have it"), "{text}");
}

#[test]
fn a_table_has_the_scores_and_the_matrix() {
    let program = with_model();
    let evaluation = program.json("evaluate m.model").remove(0);
    let table = program.run("evaluate m.model --format csv").success().stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..6], ["class", "images", "precision", "recall", "f1", "as T-shirt/top"]);
    for (class, (row, counts)) in rows[1..].iter().zip(confusion(&evaluation)).enumerate() {
        assert_eq!(row[3], evaluation["classes"][class]["recall"].to_string());
        assert_eq!(row[5..], counts.iter().map(u64::to_string).collect::<Vec<_>>());
    }
    assert_eq!(rows.len(), 11);
}

/// Each class has a picture of its mistakes, at most 100 of them, the most confident first.
#[test]
fn mistakes_are_drawn() {
    let program = with_model();
    let evaluation = program.json("evaluate m.model --mistakes wrong").remove(0);
    for (class, row) in confusion(&evaluation).into_iter().enumerate() {
        let n: u64 = row.iter().sum::<u64>() - row[class];
        let svg = String::from_utf8(program.read(format!("wrong/{class}.svg"))).unwrap();
        assert_eq!(svg.matches("<image ").count() as u64, n.min(100));
        let shown = svg.split("class=\"small\"").skip(1).map(|text| {
            let text = text.split_once('>').unwrap().1;
            text.split_once('%').unwrap().0.parse::<f64>().unwrap()
        });
        assert!(shown.collect::<Vec<_>>().is_sorted_by(|a, b| a >= b), "{class}");
        let name = evaluation["classes"][class]["class"].as_str().unwrap();
        assert_eq!(svg.matches(&format!("%, is {name} ✗")).count() as u64, n.min(100));
    }
    // Another file of such a name stays, and nothing else is drawn.
    program.write("wrong/3.svg", "notes");
    fs::remove_file(program.path("wrong/0.svg")).unwrap();
    program.refuses(
        "evaluate m.model --mistakes wrong",
        2,
        &["--mistakes: wrong/3.svg: exists and is not"],
    );
    assert!(!program.path("wrong/0.svg").exists());
}
