//! Tables of images: to train on in the forms that people have, and to classify.

use std::fs;

use crate::{harness::Program, own_set::OwnSet};

/// A model of a table whose classes are numbers, as Kaggle's digit recogniser has them. Its test table has no labels.
fn digits() -> Program {
    let program = Program::new();
    let set = OwnSet::garments(600, 6);
    set.write(&program, "csv");
    fs::remove_file(program.path("csv/classes.txt")).unwrap();
    let labelled = String::from_utf8(program.read("csv/test.csv")).unwrap();
    program.write("labelled.csv", &labelled);
    let unlabelled = labelled.lines().map(|line| line.split_once(',').unwrap().1);
    program.write("csv/test.csv", unlabelled.collect::<Vec<_>>().join("\n") + "\n");
    let train = "train --dataset csv --data-dir csv --epochs 5 --batch-size 20 --output m.model";
    let stderr = program.run(train).success().stderr;
    assert_eq!(stderr.matches("there is no labelled test set").count(), 1, "{stderr}");
    program
}

#[test]
fn a_test_set_without_labels_is_answered_as_kaggle_asks() {
    let program = digits();
    let csv = program.run("predict m.model csv/test.csv --format csv").success().stdout;
    let answers = program.json("predict m.model labelled.csv");
    let lines: Vec<String> = answers
        .iter()
        .enumerate()
        .map(|(i, answer)| format!("{},{}", i + 1, answer["label"].as_str().unwrap()))
        .collect();
    assert_eq!(csv, format!("ImageId,Label\n{}\n", lines.join("\n")));
    // With labels, the answers say which are right.
    let right = answers.iter().filter(|answer| answer["class"] == answer["actual"]).count();
    assert!(right >= 4, "{right} of 6");
    let text = program.run("predict m.model labelled.csv").success().stdout;
    assert!(text.starts_with("labelled.csv: image 1: "), "{text}");
    assert_eq!(text.matches(" (right)").count(), right);
    // The built-in model answers with the numbers that Kaggle's table of Fashion-MNIST has.
    let garments = program.run("predict labelled.csv --format csv").success().stdout;
    let label = garments.lines().nth(1).and_then(|line| line.split_once(',')).unwrap().1;
    assert!(label.parse::<u8>().is_ok_and(|label| label < 10), "{garments}");
}

#[test]
fn a_table_comes_alone_and_fits_the_model() {
    let program = digits();
    let words = ["labelled.csv: expected a table alone"];
    program.refuses("predict m.model labelled.csv csv/test.csv", 2, &words);
    program.refuses("predict m.model labelled.csv --index 0", 2, &["--index: cannot be combined"]);
    let words = ["--sheet: cannot be combined with a table of images and --format csv"];
    program.refuses("predict m.model labelled.csv --sheet s.svg --format csv", 2, &words);
    program.run("predict m.model labelled.csv --sheet s.svg").success();
    program.write("small.csv", "1,2,3,4\n");
    program.refuses("predict m.model small.csv", 3, &["small.csv: line 1"]);
}
