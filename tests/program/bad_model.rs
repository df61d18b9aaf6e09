use image::GrayImage;
use nn_io::InputSpec;
use serde_json::Value;
use tally::Tally;

use crate::{
    fixture::{DATA, TRAINED, altered, training, with_model},
    harness::Program,
};

/// Every command must refuse this file, in a message with all of these words.
#[track_caller]
fn check(bytes: &[u8], words: &[&str]) {
    let program = Program::new();
    program.write("bad.model", bytes);
    for command in ["inspect", "evaluate", "predict --index 0", "train --resume"] {
        program.refuses(&format!("{command} bad.model"), 3, &[&["bad.model: "], words].concat());
    }
    assert!(program.read("bad.model") == bytes);
}

#[test]
fn no_file_at_all() {
    let program = Program::new();
    program.refuses("inspect absent.model", 4, &["absent.model: cannot open: No such file"]);
    program.refuses("train --resume absent.model", 4, &["absent.model: cannot open"]);
    let words = ["cannot open: expected a file, found a directory; name a model in it"];
    program.refuses("export . m.model --to inference", 4, &words);
    program.refuses("evaluate .", 3, &[".: no usable checkpoint in this directory"]);
    program.refuses("verify .", 3, &[".: no usable checkpoint in this directory"]);
}

#[test]
fn other_kinds_of_files() {
    let check = |bytes: &[u8], kind: &str| {
        check(bytes, &["expected a model file", &format!("found {kind}"), "check the path"]);
    };
    check(b"", "an empty file");
    check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image");
    check(b"PK\x03\x04\x14\0\0\0", "a zip archive (a PyTorch");
    check(b"\x1f\x8b\x08\0\0\0\0\0", "a gzip stream");
    check(b"\x40\0\0\0\0\0\0\0{\"__metadata__\":{}}", "a safetensors file");
    check(b"Dear diary,\n", "a text file");
}

#[test]
fn damage() {
    let whole = &TRAINED.bytes;
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    check(&flipped, &["byte 47", "(tensor adam.m)", "expected CRC-32 0x", "found 0x", "damaged"]);

    let lengths = |found: usize| format!("expected {} bytes, found {found};", whole.len());
    check(&whole[..1000], &["(whole file)", &lengths(1000), "damaged"]);
    check(&whole[..whole.len() - 1], &["(whole file)", &lengths(whole.len() - 1)]);
    check(&[whole, &[0][..]].concat(), &["(whole file)", &lengths(whole.len() + 1)]);
    check(&whole[..20], &["(header)", "expected 64 bytes, found 20"]);
}

/// A file of the next major version, as section 2 of FORMAT.md has it.
pub(crate) fn newer() -> Vec<u8> {
    let mut bytes = TRAINED.bytes.clone();
    bytes[11..13].copy_from_slice(&2u16.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
    bytes
}

#[test]
fn a_newer_format() {
    check(&newer(), &["version", "expected 1.2, found 2.0", "use a program that reads"]);
}

#[test]
fn nothing_to_resume_from() {
    let program = Program::new();
    program.write("small.model", altered(|checkpoint| checkpoint.training = None));
    let words = ["small.model: ", "for inference only", "use the file that training saved"];
    let mut tally = Tally::new("C7", "a model for inference cannot be resumed");
    tally.case(|| {
        program.refuses("train --resume small.model", 3, &words);
        Ok(())
    });
    tally.finish();
}

#[test]
fn data_that_are_not_those_of_the_run() {
    let program = with_model();
    let expected = "5".repeat(64);
    let sum = expected.clone();
    program.write(
        "other.model",
        altered(|checkpoint| checkpoint.info.dataset.as_mut().unwrap().sha256 = sum),
    );
    let found = program.inspect("m.model")["dataset"]["sha256"].to_string().replace('"', "");
    let (expected, found) = (format!("expected SHA-256 {expected}"), format!("found {found}"));
    let words = ["other.model: ", &expected, &found, "restore"];
    let mut tally = Tally::new("C5", "other data than the run began with");
    tally.case(|| {
        let words = words.map(|word| word as &str);
        program.refuses("train --resume other.model --epochs 5", 3, &words);
        Ok(())
    });

    let cifar =
        altered(|checkpoint| checkpoint.info.dataset.as_mut().unwrap().name = "cifar".into());
    program.write("cifar.model", cifar);
    for command in ["evaluate", "train --resume"] {
        tally.case(|| {
            program.refuses(
                &format!("{command} cifar.model"),
                3,
                &["cifar.model: ", "\"cifar\"", "does not know"],
            );
            Ok(())
        });
    }
    tally.finish();
}

/// A model of tables, which users of the library can save: without image size, scaling, class names and dataset.
#[test]
fn models_that_are_not_of_images() {
    let program = with_model();
    let table = altered(|checkpoint| {
        checkpoint.info.input = InputSpec::default();
        checkpoint.info.class_names.clear();
        checkpoint.info.dataset = None;
    });
    program.write("table.model", table);
    GrayImage::new(28, 28).save(program.path("black.png")).unwrap();
    let dataset = ["table.model: the file does not say which dataset the model was trained on"];
    for command in ["evaluate", "predict --index 0", "train --resume"] {
        program.refuses(&format!("{command} table.model"), 3, &dataset);
    }
    program.refuses("predict table.model black.png", 3, &["takes no images", "no image size"]);
    let inspected = program.inspect("table.model");
    assert_eq!(inspected["dataset"], Value::Null);
    assert_eq!(inspected["input"]["width"], Value::Null);
    let text = program.run("inspect table.model").success().stdout;
    for words in ["input:        784 features\n", "classes:      none named\n", "unknown data, "] {
        assert!(text.contains(words), "{text}");
    }

    let unscaled = altered(|checkpoint| checkpoint.info.input.scaling = None);
    program.write("unscaled.model", unscaled);
    for command in ["evaluate unscaled.model", "predict unscaled.model black.png"] {
        program.refuses(command, 3, &["takes no bytes, such as pixels", "no scaling"]);
    }
    // Classes without names have their numbers.
    program.write("nameless.model", altered(|checkpoint| checkpoint.info.class_names.clear()));
    let named = program.json("predict m.model --index 0").remove(0);
    let found = program.json("predict nameless.model --index 0").remove(0);
    assert_eq!(found["label"], named["class"].to_string());
    assert_eq!(found["probabilities"], named["probabilities"]);
    program.run("evaluate nameless.model").success();
}

/// A file can claim this with valid checksums. The memory must not be taken.
#[test]
fn batches_larger_than_the_data() {
    let program = Program::with_data();
    program
        .write("m.model", altered(|checkpoint| training(checkpoint).config.batch_size = 1 << 40));
    let arguments = format!("train --resume m.model --epochs 5 --dataset {}", DATA.name);
    let words = ["m.model: --batch-size of the saved run", "at most 60000", "found 1099511627776"];
    program.refuses(&arguments, 3, &words);
}
