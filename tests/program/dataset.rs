use std::fs;

use crate::{
    fixture::{DATA, notice},
    harness::{DEAD_MIRROR, Output, Program},
};

const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// A directory `data` with these training images; the other files are there, but empty.
fn with_training_images(bytes: &[u8]) -> Program {
    let program = Program::new();
    fs::create_dir(program.path("data")).unwrap();
    for name in FILES {
        program.write(format!("data/{name}"), "");
    }
    program.write(format!("data/{}", FILES[0]), bytes);
    program
}

/// Whoever names this directory, by option or variable, must hear all of this.
#[track_caller]
fn check(training_images: &[u8], words: &[&str]) {
    let program = with_training_images(training_images);
    let words = [&["data/train-images-idx3-ubyte.gz: "], words].concat();
    program.refuses("train --data-dir data", 3, &words);
    program.refuses("evaluate --data-dir data", 3, &words);
    Output::of(program.command("train").env("FMNIST_DATA_DIR", "data")).refused(3, &words);
}

#[test]
fn damaged_files() {
    check(b"", &["expected 26421880 bytes", "an empty file", "fetch the dataset again"]);
    check(b"\x1f\x8b\x08\0", &["expected 26421880 bytes", "found 4 bytes, a gzip stream"]);
    check(b"<!DOCTYPE html>", &["expected 26421880 bytes", "an HTML page"]);
}

#[test]
fn real_files_in_the_wrong_place() {
    let Some(dir) = &DATA.dir else { return notice("no real files to damage or swap") };
    let read = |name| fs::read(dir.join(name)).unwrap();
    check(&read(FILES[2]), &["holds the published contents of t10k-images", "own name"]);
    check(&read(FILES[1]), &["holds the published contents of train-labels", "own name"]);

    let mut images = read(FILES[0]);
    check(&images[..1 << 20], &["expected 26421880 bytes", "found 1048576 bytes"]);
    images[1 << 20] ^= 1;
    check(&images, &["expected 26421880 bytes", "SHA-256 3aede38d", "found 26421880 bytes"]);
}

#[test]
fn a_named_directory_without_dataset() {
    let program = Program::new();
    fs::create_dir(program.path("empty")).unwrap();
    let words = ["empty: no dataset here", FILES[0], FILES[3], "fetch it"];
    program.refuses("train --data-dir empty", 3, &words);
    Output::of(program.command("train").env("FMNIST_DATA_DIR", "empty")).refused(3, &words);
    program.refuses("evaluate --data-dir absent", 3, &["absent: no dataset here"]);
}

/// The one thing that `auto` may do without data and network, and it says so before and after.
#[test]
fn without_data_garments_are_drawn_loudly() {
    let program = Program::new();
    let output = program.run("train --epochs 1 --hidden none --quiet --format json").success();
    let warnings: Vec<_> = output.stderr.match_indices("warning: SYNTHETIC DATA").collect();
    assert_eq!(warnings.len(), 2, "{}", output.stderr);
    assert!(output.stderr.contains("warning: no Fashion-MNIST: "), "{}", output.stderr);
    assert!(output.stderr.contains(DEAD_MIRROR), "{}", output.stderr);
    assert_eq!(output.json()[0]["dataset"], "synthetic");
    assert_eq!(program.inspect("fashion_mnist.model")["dataset"]["name"], "synthetic");
}

#[test]
fn fashion_mnist_is_never_replaced() {
    let check = |arguments: &str| {
        let source = format!("{DEAD_MIRROR}{}: ", FILES[0]);
        let words = ["no source gave a good copy", &source, "try again later"];
        Program::new().refuses(arguments, 4, &words);
    };
    check("train --dataset fashion-mnist");
    // The built-in model is of Fashion-MNIST.
    check("evaluate");
    check("predict --index 0");
}
