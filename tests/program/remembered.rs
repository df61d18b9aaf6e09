//! The directory of a run's data is remembered beside the model, and not in it.

use std::fs;

use crate::{
    harness::Program,
    own_set::{OwnSet, SMALL, with_small_set},
};

const FILE: &str = "m.model.data.toml";

fn trained() -> Program {
    let program = with_small_set();
    program.json(&format!("train {SMALL} --epochs 1 --output m.model"));
    program
}

#[test]
fn the_data_are_found_again() {
    let program = trained();
    let dir = program.path("small").canonicalize().unwrap();
    let remembered = String::from_utf8(program.read(FILE)).unwrap();
    assert!(
        remembered.contains(&format!("data-dir = {:?}", dir.to_str().unwrap())),
        "{remembered}"
    );
    let evaluation = program.json("evaluate m.model").remove(0);
    assert_eq!(evaluation["dataset"], "small (idx)");
    program.json("train --resume m.model --epochs 2");
    program.json("predict m.model --index 0");
    program.run("verify m.model --epochs 1").success();
    // The model itself does not know where its data are.
    let bytes = program.read("m.model");
    let root = dir.parent().unwrap().to_str().unwrap().as_bytes();
    assert!(!bytes.windows(root.len()).any(|window| window == root));
}

#[test]
fn checkpoints_have_what_their_directory_has() {
    let program = with_small_set();
    program.json(&format!("train {SMALL} --epochs 2 --checkpoint-dir runs"));
    for model in ["runs", "runs/final.model", "runs/ckpt-000012.model"] {
        program.json(&format!("evaluate {model}"));
    }
}

/// A remembered file that was edited badly is an error. One of another run does not count.
#[test]
fn the_file_is_that_of_the_run() {
    let program = trained();
    let good = program.read(FILE);
    let bad = String::from_utf8(good).unwrap().replace("data-dir = ", "data-dir ");
    program.write(FILE, bad);
    program.refuses("evaluate m.model", 2, &["m.model.data.toml: line 2"]);
    fs::remove_file(program.path("m.model")).unwrap();
    program.json("train --dataset synthetic --hidden none --epochs 1 --output m.model");
    assert!(!program.path(FILE).exists());
    program.json("evaluate m.model");
}

/// Transposed images stay so, also in another directory and in a table. The model knows it, wherever it travels.
#[test]
fn the_model_knows_how_its_data_are_read() {
    let program = Program::new();
    OwnSet::garments(300, 8).write(&program, "csv");
    let train = "train --dataset csv --data-dir csv --transpose --epochs 3 --output m.model";
    let test = program.json(train).pop().unwrap()["test"]["accuracy"].clone();
    fs::remove_file(program.path(FILE)).unwrap();
    let text = program.run("inspect m.model").success().stdout;
    assert!(text.contains("\ntrained on:   csv (csv), transposed, 25 images held out"), "{text}");
    assert_eq!(program.inspect("m.model")["dataset"]["transposed"], true);
    assert_eq!(program.json("evaluate m.model --data-dir csv").remove(0)["accuracy"], test);
    let classes = |arguments: &str| -> Vec<_> {
        program.json(arguments).iter().map(|answer| answer["class"].clone()).collect()
    };
    assert_eq!(
        classes("predict m.model csv/test.csv"),
        classes("predict m.model --data-dir csv --index 0-7")
    );
    program.json("train --resume m.model --data-dir csv --epochs 4");
    let resume = "train --resume m.model --data-dir csv --epochs 5 --transpose";
    program.json(resume);
    let words = ["--transpose: the saved run has true, not false"];
    program.refuses(&format!("{resume}=false"), 2, &words);
}

/// A model that a new run keeps under another name finds its data, too.
#[test]
fn the_previous_model_finds_its_data() {
    let program = trained();
    let before = program.read(FILE);
    let small = SMALL.replace("small", "other");
    fs::rename(program.path("small"), program.path("other")).unwrap();
    program.json(&format!("train {small} --hidden none --epochs 1 --output m.model"));
    assert_eq!(program.read("m.previous.model.data.toml"), before);
    assert_ne!(program.read(FILE), before);
}

/// A directory that is given counts. One that is gone is named, with the file that has it.
#[test]
fn a_directory_that_moved_is_named() {
    let program = trained();
    fs::rename(program.path("small"), program.path("moved")).unwrap();
    let words = ["small: no such file or directory; m.model.data.toml names it", "give --data-dir"];
    program.refuses("evaluate m.model", 2, &words);
    program.json("evaluate m.model --data-dir moved");
    program.json("train --resume m.model --epochs 2 --data-dir moved");
    program.json("evaluate m.model");
}

/// A file that a user wrote is never changed. It counts if it names the data and nothing else.
#[test]
fn a_file_without_the_first_line_is_read_and_stays() {
    let program = with_small_set();
    let elsewhere = "data-dir = \"elsewhere\"\n";
    program.write(FILE, elsewhere);
    let train = format!("train {SMALL} --epochs 1 --output m.model");
    let stderr = program.run(&train).success().stderr;
    let words = "m.model.data.toml: cannot remember the data directory: it exists and is not fmnist's; set its";
    assert!(stderr.contains(words), "{stderr}");
    assert_eq!(program.read(FILE), elsewhere.as_bytes());
    let words = ["elsewhere: no such file or directory; m.model.data.toml names it"];
    program.refuses("evaluate m.model", 2, &words);

    program.write(FILE, "data-dir = \"small\"\n");
    program.run("evaluate m.model").success();
    let stderr = program.run("train --resume m.model --epochs 2").success().stderr;
    assert!(!stderr.contains("cannot remember"), "{stderr}");
    assert_eq!(program.read(FILE), b"data-dir = \"small\"\n");
    // A model that is kept under another name takes it along.
    program.json(&format!("train {SMALL} --hidden none --epochs 1 --output m.model"));
    program.json("evaluate m.previous.model");

    for (text, found) in [("data-dir = \"small\"\nepochs = 3\n", "other"), ("", "none")] {
        program.write(FILE, text);
        let words = ["m.model.data.toml: expected the setting data-dir and no other, found", found];
        program.refuses("evaluate m.model", 2, &words);
        program.run("evaluate m.model --data-dir small").success();
    }
    fs::remove_file(program.path(FILE)).unwrap();
    let words = ["also looked for in m.model.data.toml, which does not exist\n"];
    program.refuses("evaluate m.model", 2, &words);
}

/// A relative path is one from the model, wherever the program is started.
#[test]
fn a_relative_directory_is_relative_to_the_file() {
    let program = with_small_set();
    fs::create_dir(program.path("models")).unwrap();
    program.json(&format!("train {SMALL} --epochs 1 --output models/m.model"));
    let file = String::from_utf8(program.read("models/m.model.data.toml")).unwrap();
    let head = file.lines().next().unwrap();
    for head in [head, ""] {
        program.write("models/m.model.data.toml", format!("{head}\ndata-dir = \"../small\"\n"));
        program.json("evaluate models/m.model");
    }
}
