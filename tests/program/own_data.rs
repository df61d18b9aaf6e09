use std::fs;

use serde_json::Value;

use crate::{
    fixture::{altered, digest},
    harness::{Output, Program},
    own_set::{KINDS, OwnSet},
};

/// A program with directories `idx`, `folder` and `csv` of the same set.
fn with_sets(set: &OwnSet) -> Program {
    let program = Program::new();
    KINDS.iter().for_each(|kind| set.write(&program, kind));
    program
}

fn accuracy(metrics: &Value) -> f64 {
    metrics["accuracy"].as_f64().unwrap()
}

/// All that a model can do with this kind of data: it learns, resumes, and classifies the test set and pictures
/// correctly.
fn check_kind(program: &Program, set: &OwnSet, kind: &str, size: &str, chance: f64) {
    let train = format!("train --dataset {kind} --data-dir {kind} {size} --batch-size 8");
    let events = program.json(&format!("{train} --epochs 1 --output m.model"));
    assert_eq!(events[0]["dataset"], format!("{kind} ({kind})"));
    let found = accuracy(&events[2]["test"]);
    assert!(found > 2.0 * chance, "{kind}: {found}, where guessing gives {chance}");
    program.json(&format!("{train} --epochs 2 --output whole.model"));
    program.json(&format!("train --resume m.model --data-dir {kind} --epochs 2"));
    assert_eq!(digest(program, "m.model"), digest(program, "whole.model"));

    let inspected = program.inspect("m.model");
    let input = &inspected["input"];
    assert_eq!((&input["width"], &input["height"]), (&set.width().into(), &set.height().into()));
    let evaluation = program.json(&format!("evaluate m.model --data-dir {kind}")).remove(0);
    let last = program.json(&format!("train --resume m.model --data-dir {kind} --epochs 2"));
    assert_eq!(evaluation["accuracy"], last.last().unwrap()["test"]["accuracy"]);

    // The accuracy over single images is the same, and so is the answer to a picture of an image.
    let indices: Vec<String> = (0..set.test.len()).map(|index| index.to_string()).collect();
    let ask = format!("predict m.model --data-dir {kind} --index {}", indices.join(","));
    let answers = program.json(&ask);
    let right = answers.iter().filter(|answer| answer["class"] == answer["actual"]).count();
    let expected = accuracy(&evaluation) * set.test.len() as f64;
    assert_eq!(right, expected.round() as usize, "{kind}");
    if kind != "folder" {
        set.test[0].0.save(program.path("0.png")).unwrap();
        let picture = program.json("predict m.model 0.png").remove(0);
        assert_eq!(picture["probabilities"], answers[0]["probabilities"], "{kind}");
        assert_eq!(answers[0]["actual"], set.test[0].1);
    }
    for name in ["m.model", "whole.model"] {
        fs::remove_file(program.path(name)).unwrap();
    }
}

/// The model's file says how its pictures are prepared, and `predict` may do otherwise.
#[test]
fn pictures_are_prepared_as_the_file_says() {
    let set = OwnSet::garments(60, 10);
    let program = Program::new();
    set.write(&program, "idx");
    let train = "train --dataset idx --data-dir idx --epochs 1";
    program.json(&format!("{train} --output plain.model"));
    program.json(&format!("{train} --prepare garment --output garment.model"));
    let of = |model: &str| program.inspect(model);
    assert_eq!(of("plain.model")["input"].get("preparation"), None);
    assert_eq!(of("garment.model")["input"]["preparation"], "garment");
    assert_eq!(of("garment.model")["settings"]["prepare"], "garment");
    // It is no part of the training.
    assert_eq!(of("plain.model")["state_sha256"], of("garment.model")["state_sha256"]);
    let shown = program.run("inspect garment.model").success().stdout;
    assert!(shown.contains(", of pictures prepared as garment"), "{shown}");

    let photo = image::GrayImage::from_fn(100, 80, |x, y| {
        let inside = (20..50).contains(&x) && (30..70).contains(&y);
        image::Luma([if inside { 40 } else { 230 }])
    });
    photo.save(program.path("photo.png")).unwrap();
    let predict =
        |arguments: &str| program.json(&format!("predict {arguments} photo.png")).remove(0);
    let (plain, garment) = (predict("plain.model"), predict("garment.model"));
    assert_eq!((plain.get("crop"), garment["crop"]["width"].as_u64()), (None, Some(30)));
    assert_eq!(predict("--prepare garment plain.model"), garment);
    assert_eq!(predict("--prepare plain garment.model"), plain);
    assert_ne!(predict("--prepare ink garment.model")["probabilities"], garment["probabilities"]);

    let words = ["--prepare: the saved run has garment, not ink"];
    let resume = "train --resume garment.model --data-dir idx --epochs 2 --prepare";
    program.refuses(&format!("{resume} ink"), 2, &words);
    program.json(&format!("{resume} garment"));
    assert_eq!(of("garment.model")["input"]["preparation"], "garment");
}

/// The held-out images are those of the folder `val`: the loss on them is that on a test set of just these.
#[test]
fn the_images_in_val_are_held_out() {
    let set = OwnSet::garments(300, 20);
    let program = Program::new();
    set.with_test(&set.train[200..]).write_as(&program, "folder", "d");
    fs::rename(program.path("d/test"), program.path("d/val")).unwrap();
    let train = "train --dataset folder --data-dir d --epochs 1 --output m.model";
    let output = program.run(&format!("{train} --format json")).success();
    let line = "there is no test set: the final result is on the validation set";
    assert_eq!(output.stderr.matches(line).count(), 1, "{}", output.stderr);
    let events = output.json();
    assert_eq!(
        events[0]["samples"],
        serde_json::json!({"train": 300, "validation": 100, "test": 100})
    );
    let expected = program.json("evaluate m.model").remove(0);
    for found in [&events[1]["validation"], &events[2]["test"]] {
        assert_eq!(found["loss"], expected["loss"]);
        assert_eq!(found["accuracy"], expected["accuracy"]);
    }
    let words =
        ["--validation: expected 100, since the dataset has its own validation images, found 50"];
    program.refuses(&format!("{train} --validation 50"), 2, &words);
}

/// The numbers of held-out images and of images in a batch follow from the data, which a printed config does not know.
#[test]
fn a_printed_config_is_for_any_number_of_images() {
    let program = with_sets(&OwnSet::garments(40, 10));
    let train = "train --dataset folder --image-size 14x14 --hidden 16 --epochs 1";
    let printed = program.run(&format!("{train} --print-config")).success().stdout;
    program.write("run.toml", printed);
    program.json(&format!("{train} --data-dir folder --output a.model"));
    program.json("train --config run.toml --data-dir folder --output b.model");
    assert_eq!(digest(&program, "a.model"), digest(&program, "b.model"));
    let of_model = program.run("inspect a.model --print-config").success().stdout;
    program.write("model.toml", of_model);
    program.json("train --config model.toml --data-dir folder --output c.model");
    assert_eq!(digest(&program, "a.model"), digest(&program, "c.model"));
}

#[test]
fn garments_of_each_kind() {
    let set = OwnSet::garments(1000, 100);
    let program = with_sets(&set);
    KINDS.iter().for_each(|kind| check_kind(&program, &set, kind, "", 0.1));
}

/// No image size and no number of classes is built in.
#[test]
fn five_by_seven_pixels_and_three_classes() {
    let set = OwnSet::five_by_seven();
    let program = with_sets(&set);
    check_kind(&program, &set, "idx", "", 0.34);
    check_kind(&program, &set, "folder", "", 0.34);
    check_kind(&program, &set, "npz", "", 0.34);
    check_kind(&program, &set, "csv", "--image-size 5x7", 0.34);
}

/// The same images in the same order give the same run, whatever the kind of files.
#[test]
fn kinds_of_the_same_set_train_to_the_same_weights() {
    let set = OwnSet::five_by_seven();
    let program = with_sets(&set);
    let inspect = |kind: &str, options: &str| {
        let output = format!("--hidden 9 --epochs 1 --output {kind}.model");
        program.json(&format!("train --dataset {kind} --data-dir {kind} {options} {output}"));
        program.inspect(&format!("{kind}.model"))
    };
    let (idx, csv) = (inspect("idx", ""), inspect("csv", "--image-size 5x7"));
    assert_eq!(idx["weights_sha256"], csv["weights_sha256"]);
    assert_eq!(idx["dataset"]["sha256"], csv["dataset"]["sha256"]);
    let npz = inspect("npz", "");
    assert_eq!(
        (&npz["weights_sha256"], &npz["dataset"]["name"]),
        (&idx["weights_sha256"], &"npz".into())
    );
    let folder = inspect("folder", "");
    for model in [&idx, &csv, &folder] {
        let classes = serde_json::json!(["Bag of the shop", "Shoe", "Trouser"]);
        assert_eq!(model["class_names"], classes);
        assert_eq!(model["layers"][0]["inputs"], 35);
        assert_eq!(model["layers"][2]["outputs"], 3);
    }
    assert_eq!(folder["dataset"]["name"], "folder");
    let output = program.run("evaluate folder.model --data-dir folder").success();
    assert!(output.stdout.contains("Bag of the shop "), "{}", output.stdout);
    let output = program.run("predict csv.model --data-dir csv --index 0,1,2,3,4,5").success();
    assert!(output.stdout.contains("Trouser "), "{}", output.stdout);
}

#[test]
fn pictures_without_a_test_set_are_split() {
    let set = OwnSet::five_by_seven();
    let program = Program::new();
    set.write_unparted(&program, "all");
    let output = program.run("train --dataset folder --data-dir all --epochs 1 --format json");
    let output = output.success();
    assert!(output.stderr.contains("pictures of 3 classes in all\n"), "{}", output.stderr);
    assert!(output.stderr.contains("every sixth image of a class"), "{}", output.stderr);
    let sixths = |label| set.train.iter().filter(|(_, it)| *it == label).count() / 6;
    let n_test = sixths(0) + sixths(1) + sixths(2);
    let samples = &output.json()[0]["samples"];
    assert_eq!(samples["test"], n_test);
    let n_train = set.train.len() - n_test;
    assert_eq!(samples["validation"], n_train / 12);
    assert_eq!(samples["train"], n_train - n_train / 12);
}

#[test]
fn pictures_are_made_to_have_the_size_asked_for() {
    let program = Program::new();
    OwnSet::five_by_seven().write(&program, "folder");
    let train = "train --dataset folder --data-dir folder --hidden none --epochs";
    program.json(&format!("{train} 1 --image-size 10x9 --output m.model"));
    let input = &program.inspect("m.model")["input"];
    assert_eq!((&input["width"], &input["height"]), (&10.into(), &9.into()));
    // From then on the model determines the size.
    program.json("evaluate m.model --data-dir folder");
    program.json("predict m.model --data-dir folder --index 0");
    program.json("train --resume m.model --data-dir folder --image-size 10x9 --epochs 2");
    let words = ["--image-size: the saved run has 10x9, not 9x10"];
    let other = "train --resume m.model --data-dir folder --image-size 9x10 --epochs 2";
    program.refuses(other, 2, &words);
}

/// Defaults are a sensible share of a small set; options that are given are kept or refused.
#[test]
fn defaults_follow_the_size_of_the_set() {
    let program = Program::new();
    OwnSet::garments(62, 10).write(&program, "csv");
    let train = "train --dataset csv --data-dir csv --epochs 1 --hidden none";
    let start = program.json(&format!("{train} --output a.model")).remove(0);
    assert_eq!(start["samples"], serde_json::json!({"train": 57, "validation": 5, "test": 10}));
    assert_eq!(start["batch_size"], 57);
    let start = program.json(&format!("{train} --output b.model --batch-size 62")).remove(0);
    assert_eq!(start["batch_size"], 62);
    let check =
        |option: &str, words: &[&str]| program.refuses(&format!("{train} {option}"), 2, words);
    check("--validation 5000", &["--validation", "at most 61 of 62", "found 5000"]);
    check("--batch-size 63", &["--batch-size", "at most 62", "found 63"]);
}

/// The errors come before anything is read or written.
#[test]
fn a_custom_dataset_needs_its_directory() {
    let program = Program::new();
    let check = |arguments: &str, words: &[&str]| {
        program.refuses(arguments, 2, words);
        assert!(program.contents().is_empty(), "{:?}", program.contents());
    };
    let expected = "needs the directory of the data";
    check(
        "train --dataset idx",
        &["--data-dir: --dataset idx", expected, "train-images-idx3-ubyte", "t10k-labels"],
    );
    check("train --dataset folder", &[expected, "train/CLASS/*.png"]);
    check("train --dataset csv", &[expected, "fashion-mnist_train.csv", "test.csv"]);
    check("train --dataset npz", &[expected, "one .npz file", "x_train"]);
    let size = "--image-size: expected --dataset folder or csv";
    check("train --dataset idx --data-dir . --image-size 5x7", &[size, "found idx"]);
    check("train --dataset fashion-mnist --image-size 28x28", &[size, "found fashion-mnist"]);
    check("train --image-size 28x28", &[size, "; --dataset is not given"]);
    for bad in ["0x1", "28", "1025x1", "5x7x3", "axb"] {
        let arguments = format!("train --dataset csv --data-dir . --image-size {bad}");
        check(&arguments, &["--image-size", "WIDTHxHEIGHT, each of 1 to 1024", bad]);
    }
    check("train --dataset csv --data-dir . --hidden 99999999999", &["--hidden"]);
    // The variable is for Fashion-MNIST only.
    let mut by_variable = program.command("train --dataset csv");
    Output::of(by_variable.env("FMNIST_DATA_DIR", ".")).refused(2, &[expected]);
}

#[test]
fn a_model_needs_data_of_its_own_kind() {
    let set = OwnSet::five_by_seven();
    let program = with_sets(&set);
    for kind in ["idx", "folder"] {
        let train = "--hidden none --epochs 1 --output";
        program.json(&format!("train --dataset {kind} --data-dir {kind} {train} {kind}.model"));
        // As on a machine that has only the model.
        fs::remove_file(program.path(format!("{kind}.model.data.toml"))).unwrap();
    }
    let commands = ["evaluate", "predict --index 0", "train --resume", "verify"];
    for (kind, what, files) in
        [("folder", "a folder of pictures", "train/CLASS/*.png"), ("idx", "IDX files", "t10k-")]
    {
        let expected =
            format!("error: {kind}.model: --data-dir: the model was trained on {what}; give the");
        for command in commands {
            program.refuses(&format!("{command} {kind}.model"), 2, &[&expected, files]);
        }
    }
    // A model can be evaluated on other data of the same form, with a warning, but no run resumes with them.
    let mut other = OwnSet::five_by_seven();
    other.train.swap(0, 1);
    fs::rename(program.path("idx"), program.path("first")).unwrap();
    other.write(&program, "idx");
    let output = program.run("evaluate idx.model --data-dir idx").success();
    let words = "idx.model: this is not the dataset that the model was trained on";
    assert!(output.stderr.contains(words), "{}", output.stderr);
    let output = program.run("evaluate idx.model --data-dir first").success();
    assert_eq!(output.stderr, "");
    let words = ["idx.model: the dataset is not the one of the saved run", "expected SHA-256"];
    program.refuses("train --resume idx.model --data-dir idx --epochs 2", 3, &words);
    let words =
        ["idx.model: refusing to overwrite a model of \"idx (idx)\"", "with one of \"idx (idx)\""];
    let train = "train --dataset idx --data-dir idx --output idx.model --hidden none --epochs 1";
    program.refuses(train, 4, &words);

    // It cannot be used with other classes or images of another size.
    program.write("idx/classes.txt", "Shoe\nBag of the shop\nTrouser\n");
    let words =
        ["classes are Bag of the shop, Shoe, Trouser; the", "dataset's classes are Shoe, Bag"];
    program.refuses("evaluate idx.model --data-dir idx", 3, &words);
    program.refuses("predict idx.model --data-dir idx --index 0", 3, &words);
    fs::remove_dir_all(program.path("idx")).unwrap();
    OwnSet::garments(30, 20).write(&program, "idx");
    let words = ["the model takes images of 5x7, the dataset has images of 28x28"];
    program.refuses("evaluate idx.model --data-dir idx", 3, &words);
    program.refuses("predict idx.model --data-dir idx --index 0", 3, &words);
}

/// A model of the garments is not replaced by one of something else.
#[test]
fn a_model_of_other_data_stays() {
    let program = Program::new();
    let of_fashion_mnist = altered(|checkpoint| {
        checkpoint.info.dataset.as_mut().unwrap().name = "fashion-mnist".into();
    });
    program.write("m.model", of_fashion_mnist);
    OwnSet::garments(60, 20).write(&program, "csv");
    let train = "train --dataset csv --data-dir csv --epochs 1 --output m.model";
    let words = ["m.model: refusing to overwrite", "fashion-mnist", "with one of \"csv (csv)\""];
    program.refuses(train, 4, &words);
}

/// Errors of the readers are printed unchanged, with the exit code of bad data.
#[test]
fn bad_data_are_reported() {
    let program = with_sets(&OwnSet::garments(30, 20));
    let table = String::from_utf8(program.read("csv/train.csv")).unwrap();
    program.write("csv/train.csv", format!("{}\n1,256\n", table.lines().next().unwrap()));
    program.write("folder/train/Bag/x.png", "Dear diary,\n");
    program.write("idx/classes.txt", "one\ntwo\n");
    let check = |kind: &str, code: i32, words: &[&str]| {
        program.refuses(&format!("train --dataset {kind} --data-dir {kind}"), code, words);
    };
    check(
        "csv",
        3,
        &["csv/train.csv: line 2, column 2: expected a pixel of 0 to 255, found \"256\""],
    );
    check("folder", 3, &["folder/train/Bag/x.png: expected a picture (PNG", "found a text file"]);
    check("idx", 3, &["idx/train-labels-idx1-ubyte", "expected 0 to 1", "classes.txt"]);
    // Whole files in their places, whose numbers have another type or shape.
    let mut images = program.read("idx/train-images-idx3-ubyte");
    images[3] = 2;
    program.write("idx/train-images-idx3-ubyte", images);
    let words = [
        "idx/train-images-idx3-ubyte: expected images (count x height x width",
        "found 30 x 28 of u8; save images as count x height x width",
    ];
    check("idx", 3, &words);
    fs::create_dir(program.path("empty")).unwrap();
    program.refuses(
        "train --dataset csv --data-dir empty",
        3,
        &["empty: expected", "found no files"],
    );
    for kind in KINDS {
        let train = format!("train --dataset {kind} --data-dir");
        program.refuses(&format!("{train} absent"), 3, &["absent: no such directory"]);
    }
    let words = ["csv/train.csv: expected a directory, found a file"];
    program.refuses("train --dataset csv --data-dir csv/train.csv", 3, &words);
    program.refuses(
        "train --dataset idx --data-dir empty",
        3,
        &["empty: no dataset here, missing"],
    );
}

/// A directory of another kind of data than is expected.
#[test]
fn the_kind_of_other_data_is_suggested() {
    let set = OwnSet::garments(30, 20);
    let program = with_sets(&set);
    set.write_unparted(&program, "classes");
    for (dir, kind, found) in [
        ("csv", "csv", "CSV tables"),
        ("folder", "folder", "pictures in folders"),
        ("classes", "folder", "pictures in folders"),
        ("npz", "npz", "a NumPy archive (.npz)"),
    ] {
        let message = format!("error: {dir}: expected four IDX files, found {found}");
        let suggestion = format!("{message}; did you mean --dataset {kind}?\n");
        for command in ["train", "train --dataset idx", "find-rate --dataset fashion-mnist"] {
            program.refuses(&format!("{command} --data-dir {dir}"), 2, &[&suggestion]);
        }
        // The model determines the kind, so there is no option to suggest.
        let message = message + "\n";
        program.refuses(&format!("evaluate --data-dir {dir}"), 3, &[&message]);
    }
    for (kind, expected, dir) in [
        ("npz", "a NumPy archive (.npz)", "csv"),
        ("csv", "CSV tables", "npz"),
        ("folder", "pictures in folders", "idx"),
    ] {
        let message = format!("error: {dir}: expected {expected}, found ");
        let words = [&*message, &format!("; did you mean --dataset {dir}?\n")];
        program.refuses(&format!("train --dataset {kind} --data-dir {dir}"), 2, &words);
    }
    let names = fs::read_dir(program.path("idx")).unwrap().map(|it| it.unwrap().file_name());
    let one = names.into_iter().next().unwrap();
    fs::copy(program.path("idx").join(&one), program.path("csv").join(&one)).unwrap();
    program.refuses("train --data-dir csv", 3, &["csv: no dataset here, missing"]);
}

/// Data with their own validation images take no --validation, so that is not what a run needs to be calibrated.
#[test]
fn calibration_needs_a_large_validation_set() {
    let program = Program::new();
    OwnSet::garments(120, 20).write_as(&program, "folder", "d");
    fs::rename(program.path("d/test"), program.path("d/val")).unwrap();
    program.json("train --dataset folder --data-dir d --epochs 1 --output m.model");
    let output = program.run("calibrate m.model");
    let message = "error: m.model: expected 100 or more images in the dataset's own validation set, found 20; add \
        images to it, and train again\n";
    assert!(output.stderr.ends_with(message), "{output:?}");
    output.refused(3, &[]);
}
