//! The directory of a run's data is remembered beside the model, and not in it.

use std::fs;

use crate::{
    harness::Program,
    own_set::{SMALL, with_small_set},
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

/// A directory that is given counts. One that is gone is named, with the file that has it.
#[test]
fn a_directory_that_moved_is_named() {
    let program = trained();
    fs::rename(program.path("small"), program.path("moved")).unwrap();
    let words = ["small: no such directory; m.model.data.toml has it", "give --data-dir"];
    program.refuses("evaluate m.model", 2, &words);
    program.json("evaluate m.model --data-dir moved");
    program.json("train --resume m.model --epochs 2 --data-dir moved");
    program.json("evaluate m.model");
}

/// Another program's file of this name stays, and does not count.
#[test]
fn a_foreign_file_stays() {
    let program = with_small_set();
    program.write(FILE, "data-dir = \"elsewhere\"\n");
    let train = format!("train {SMALL} --epochs 1 --output m.model");
    let stderr = program.run(&train).success().stderr;
    assert!(
        stderr.contains("m.model.data.toml: cannot remember the data directory: it exists"),
        "{stderr}"
    );
    assert_eq!(program.read(FILE), b"data-dir = \"elsewhere\"\n");
    program.refuses("evaluate m.model", 2, &["give the directory that has train-images"]);
}
