//! Data and settings that train a useless model without an error.

use std::{fmt::Write as _, fs};

use fmnist_data::garments;

use crate::harness::Program;

/// Rows of a table, with a header: labels and images.
fn table(rows: &[(u8, Vec<u8>)]) -> String {
    let mut text = "label".to_owned();
    (0..rows[0].1.len()).for_each(|i| write!(text, ",pixel{i}").unwrap());
    for (label, pixels) in rows {
        write!(text, "\n{label}").unwrap();
        pixels.iter().for_each(|pixel| write!(text, ",{pixel}").unwrap());
    }
    text + "\n"
}

/// A directory with these training and test images.
fn with_tables(train: &[(u8, Vec<u8>)], test: &[(u8, Vec<u8>)]) -> Program {
    let program = Program::new();
    write_tables(&program, "d", train, test);
    program
}

fn write_tables(program: &Program, dir: &str, train: &[(u8, Vec<u8>)], test: &[(u8, Vec<u8>)]) {
    fs::create_dir(program.path(dir)).unwrap();
    program.write(format!("{dir}/train.csv"), table(train));
    program.write(format!("{dir}/test.csv"), table(test));
}

/// Synthetic garments, of a training and a test set.
fn garments(n_train: usize, n_test: usize) -> [Vec<(u8, Vec<u8>)>; 2] {
    let dataset = garments::synthetic(0, n_train, n_test);
    [dataset.train, dataset.test].map(|split| {
        let pixels = split.images.iter().map(<[u8]>::to_vec);
        split.labels.iter().copied().zip(pixels).collect()
    })
}

const TRAIN: &str = "train --dataset csv --data-dir d --epochs 3 --output m.model";

/// Images of 16 levels are trained as well as the same images stretched to 255, and the program says so once.
#[test]
fn dark_images_are_scaled() {
    let [train, test] = garments(600, 200);
    let levels = |set: &[(u8, Vec<u8>)], factor: u8| -> Vec<(u8, Vec<u8>)> {
        let change = |pixels: &[u8]| pixels.iter().map(|pixel| pixel / 17 * factor).collect();
        set.iter().map(|(label, pixels)| (*label, change(pixels))).collect()
    };
    let program = with_tables(&levels(&train, 1), &levels(&test, 1));
    write_tables(&program, "stretched", &levels(&train, 17), &levels(&test, 17));
    let accuracy = |arguments: &str| {
        let output = program.run(&format!("{arguments} --format json")).success();
        let found = output.json().last().unwrap()["test"]["accuracy"].as_f64().unwrap();
        (found, output.stderr.matches("counts as white").count())
    };
    let (dark, lines) = accuracy(TRAIN);
    assert_eq!(lines, 1);
    let stretched = TRAIN.replace("-dir d", "-dir stretched").replace("m.model", "s.model");
    let (stretched, lines) = accuracy(&stretched);
    assert_eq!(lines, 0);
    assert!((dark - stretched).abs() < 0.02, "{dark}, stretched {stretched}");
    // Scaled to 255, the same images are learnt worse.
    let (unscaled, lines) = accuracy(&TRAIN.replace("m.model", "u.model --scale 255"));
    assert_eq!(lines, 0);
    assert!(unscaled < dark - 0.05, "{unscaled}, scaled {dark}");
    // The scale is in the file.
    assert_eq!(program.inspect("m.model")["settings"]["scale"], 15);
    program.json("train --resume m.model --epochs 4 --scale auto");
    let words = ["--scale: the saved run has 15, not 255"];
    program.refuses("train --resume m.model --epochs 5 --scale 255", 2, &words);
}

/// A table that is sorted by label: each class is learnt, since images of all classes are held out.
#[test]
fn tables_may_be_sorted() {
    let [mut train, test] = garments(1200, 200);
    train.sort_by_key(|&(label, _)| label);
    let program = with_tables(&train, &test);
    let events = program.json(TRAIN);
    assert_eq!(events[0]["samples"]["validation"], 100);
    let recall =
        program.json("evaluate m.model").remove(0)["classes"][9]["recall"].as_f64().unwrap();
    assert!(recall > 0.5, "{recall}");
    // Ten of each class: an image of the last class among the held-out ones has a tenth of them.
    let held_out = events[2]["validation"]["accuracy"].as_f64().unwrap();
    let on_test = events.last().unwrap()["test"]["accuracy"].as_f64().unwrap();
    assert!((held_out - on_test).abs() < 0.15, "{held_out} held out, {on_test} on the test set");
    // The rule is in the file: a resumed run, and a rerun of it, hold out the same images.
    program.json("train --resume m.model --epochs 4");
    program.json(&TRAIN.replace("epochs 3 --output m", "epochs 4 --output whole"));
    let digest = |model| program.inspect(model)["state_sha256"].clone();
    assert_eq!(digest("m.model"), digest("whole.model"));
    program.run("verify m.model --epochs 1").success();
}

#[test]
fn labels_that_skip_numbers_are_reported() {
    let [mut train, test] = garments(300, 50);
    train[7].0 = 99;
    let program = with_tables(&train, &test);
    let stderr = program.run(TRAIN).success().stderr;
    let line = "the labels go up to 99 (1 image), but 89 below it have no training image: ";
    assert!(stderr.contains(line), "{stderr}");
}

/// A class of which the test set has no image has no recall, and is said to have none.
#[test]
fn classes_without_test_images_are_reported() {
    let [train, test] = garments(300, 50);
    let test: Vec<_> = test.into_iter().filter(|(label, _)| *label != 4).collect();
    let program = with_tables(&train, &test);
    let stderr = program.run(TRAIN).success().stderr;
    assert!(stderr.contains("the test set has no image of 4: they are not tested\n"), "{stderr}");
    let shown = program.run("evaluate m.model").success().stdout;
    let row = shown.lines().find(|line| line.starts_with("4 ")).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["4", "0", "-", "-", "-"]);
    assert!(!shown.contains("NaN"), "{shown}");
}

#[test]
fn batch_normalisation_needs_more_than_one_image() {
    let [train, test] = garments(60, 20);
    let program = with_tables(&train, &test);
    let train = format!("{TRAIN} --norm batch --validation 0");
    let words = ["--batch-size: expected 2 or more with --norm batch, found 1"];
    program.refuses(&format!("{train} --batch-size 1"), 2, &words);
    let stderr = program.run(&format!("{train} --batch-size 59")).success().stderr;
    assert!(stderr.contains("the last batch of an epoch has one image"), "{stderr}");
}

/// Labels at random are learnt by heart.
#[test]
fn a_run_that_memorises_is_reported() {
    let [mut train, test] = garments(240, 20);
    train.iter_mut().enumerate().for_each(|(i, (label, _))| *label = (i * 7 % 11 % 10) as u8);
    let program = with_tables(&train, &test);
    let long = TRAIN.replace("epochs 3", "epochs 60 --batch-size 20");
    let stderr = program.run(&long).success().stderr;
    assert_eq!(stderr.matches("the network memorises").count(), 1, "{stderr}");
    let [train, test] = garments(1000, 100);
    let program = with_tables(&train, &test);
    let stderr = program.run(TRAIN).success().stderr;
    assert!(!stderr.contains("memorises"), "{stderr}");
}

#[test]
fn balanced_classes_have_weights() {
    let [train, test] = garments(300, 50);
    // Thirty images of each class, but only six of the first.
    let mut n = 0;
    let rare = |(label, _): &(u8, Vec<u8>)| {
        n += usize::from(*label == 0);
        *label != 0 || n <= 6
    };
    let train: Vec<_> = train.into_iter().filter(rare).collect();
    let program = with_tables(&train, &test);
    program.json(&format!("{TRAIN} --class-weights balanced"));
    let weights = program.inspect("m.model")["settings"]["class-weights"].clone();
    let weight = |class: usize| weights[class].as_f64().unwrap();
    assert!(
        (weight(0) - 276.0 / 60.0).abs() < 1e-6 && (weight(1) - 0.92).abs() < 1e-6,
        "{weights}"
    );
    program.json("train --resume m.model --epochs 4 --class-weights balanced");
    let words = ["--class-weights: the saved run has 4.59"];
    program.refuses("train --resume m.model --epochs 5 --class-weights none", 2, &words);
}
