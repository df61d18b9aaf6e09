use base64::{Engine as _, prelude::BASE64_STANDARD};
use fmnist_data::CLASS_NAMES;
use image::{
    GrayImage,
    imageops::{self, FilterType},
};
use nn_core::{Architecture, Init, Layer, Model};
use serde_json::Value;

use crate::{
    fixture::{TEST_SET, TRAINED, altered, keys, with_model},
    harness::Program,
};

/// An image of the test set.
fn picture(index: usize) -> GrayImage {
    GrayImage::from_raw(28, 28, TEST_SET.images.get(index).unwrap().to_vec()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// What holds for every answer.
#[track_caller]
fn check_answer(answer: &Value) {
    let probabilities = numbers(&answer["probabilities"]);
    assert_eq!(probabilities.len(), 10);
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{answer}");
    let class = answer["class"].as_u64().unwrap() as usize;
    assert!(probabilities.iter().all(|&other| other <= probabilities[class]), "{answer}");
    assert_eq!(answer["confidence"], probabilities[class]);
    assert_eq!(answer["label"], CLASS_NAMES[class]);
}

#[test]
fn images_of_the_test_set() {
    let answers = with_model().json("predict m.model --index 0,9999 --index 7");
    assert_eq!(answers.len(), 3);
    for (answer, index) in answers.iter().zip([0, 9999, 7]) {
        let shape = ["actual", "class", "confidence", "input", "label", "probabilities"];
        assert_eq!(keys(answer), shape);
        assert_eq!(answer["input"], format!("test image {index}"));
        check_answer(answer);
    }
    for (answer, index) in [(&answers[0], 0), (&answers[2], 7)] {
        assert_eq!(answer["actual"], TEST_SET.labels[index]);
    }
}

/// The accuracy over single images is that of `evaluate`.
#[test]
fn agrees_with_evaluate() {
    let program = with_model();
    let indices: Vec<String> = (0..10_000).map(|index| index.to_string()).collect();
    let answers = program.json(&format!("predict m.model --index {}", indices.join(",")));
    let right = answers.iter().filter(|answer| answer["class"] == answer["actual"]).count();
    assert_eq!(program.json("evaluate m.model")[0]["accuracy"], right as f64 / 1e4);
}

#[test]
fn a_small_png_is_taken_as_it_is() {
    let program = with_model();
    let by_index = program.json("predict m.model --index 0,1,2");
    for index in 0..3 {
        picture(index).save(program.path(format!("{index}.png"))).unwrap();
    }
    let by_picture = program.json("predict m.model 0.png 1.png 2.png");
    assert_eq!(by_picture.len(), 3);
    for (picture, index) in by_picture.iter().zip(&by_index) {
        assert_eq!(keys(picture), ["class", "confidence", "input", "label", "probabilities"]);
        assert_eq!(picture["probabilities"], index["probabilities"]);
    }
    assert_eq!(by_picture[1]["input"], "1.png");
}

#[test]
fn large_pictures_and_negatives() {
    let program = with_model();
    let mut same = 0;
    for (index, small) in program.json("predict m.model --index 0,1,2,3,4").iter().enumerate() {
        let mut large = imageops::resize(&picture(index), 280, 280, FilterType::CatmullRom);
        large.save(program.path("bright.png")).unwrap();
        imageops::invert(&mut large);
        large.save(program.path("dark.png")).unwrap();
        large.save(program.path("dark.jpg")).unwrap();
        let answers = program.json("predict m.model bright.png dark.png dark.jpg");
        answers.iter().for_each(check_answer);
        assert_eq!(answers[0]["class"], answers[1]["class"]);
        same += answers.iter().filter(|large| large["class"] == small["class"]).count();
    }
    // Margins are trimmed, so a garment that had margins becomes larger.
    assert!(same >= 12, "only {same} of 15 have the class of the small picture");
}

#[test]
fn names_as_many_classes_as_asked() {
    let program = with_model();
    let check = |option: &str, expected: usize| {
        let output = program.run(&format!("predict m.model --index 0 {option}")).success();
        assert_eq!(output.stdout.matches('%').count(), expected, "{}", output.stdout);
    };
    check("", 3);
    check("--top-k 1", 1);
    check("--top-k 5", 5);
    check("--top-k 100", 10);
}

/// In an empty directory, with an empty home, no data and no network.
#[test]
fn the_built_in_model_needs_nothing() {
    let program = Program::new();
    picture(0).save(program.path("photo.png")).unwrap();
    let output = program.run("predict photo.png --format json").success();
    assert_eq!(output.stderr, "");
    let answers = output.json();
    assert_eq!(answers.len(), 1);
    check_answer(&answers[0]);
    assert_eq!(program.contents(), [program.path("photo.png")]);
}

#[test]
fn a_model_is_known_by_its_content_too() {
    let program = with_model();
    program.write("model.bin", &TRAINED.bytes);
    let predict = |model| program.json(&format!("predict {model} --index 3"));
    assert_eq!(predict("model.bin"), predict("m.model"));
}

/// The built-in model must not answer in place of the one that was meant.
#[test]
fn a_model_after_a_picture_is_refused() {
    let program = with_model();
    picture(0).save(program.path("photo.png")).unwrap();
    program.write("model.bin", &TRAINED.bytes);
    let hint = "is a model; the model comes first: fmnist predict";
    for (arguments, words) in [
        ("photo.png m.model", format!("m.model {hint} m.model photo.png\n")),
        ("photo.png model.bin", format!("model.bin {hint} model.bin photo.png\n")),
        ("photo.png a.png m.model", format!("m.model {hint} m.model photo.png ...\n")),
    ] {
        program.refuses(&format!("predict {arguments}"), 2, &[&words]);
    }
}

/// A stranger's model may have other classes than the test set, or no probabilities at all.
#[test]
fn models_of_another_kind() {
    let program = with_model();
    let model = |layers: &[Layer], scale: f32| {
        let architecture = Architecture::new(784, layers).unwrap();
        let mut model = Model::new(architecture, Init::He, 0);
        model.params_mut().iter_mut().for_each(|param| *param *= scale);
        altered(|checkpoint| {
            let n_classes = model.outputs();
            checkpoint.info.class_names.truncate(n_classes);
            checkpoint.model = model.clone();
            checkpoint.training = None;
        })
    };
    program.write("three.model", model(&Layer::mlp(&[3]), 1.0));
    let found = program.json("predict three.model --index 0").remove(0);
    assert_eq!(found["actual"], 9);
    program.run("predict three.model --index 0").success();

    program.write("logits.model", model(&[Layer::dense(10)], 1.0));
    program.refuses("predict logits.model --index 0", 3, &["logits.model", "expected softmax"]);
    program.write("huge.model", model(&Layer::mlp(&[99, 10]), 1e35));
    program.refuses("predict huge.model --index 0", 3, &["probabilities are not finite"]);
}

/// The images that a sheet shows, and its text.
fn sheet(program: &Program) -> (Vec<GrayImage>, String) {
    let svg = String::from_utf8(program.read("sheet.svg")).unwrap();
    let images = svg.split("href=\"data:image/png;base64,").skip(1).map(|rest| {
        let png = BASE64_STANDARD.decode(rest.split('"').next().unwrap()).unwrap();
        image::load_from_memory(&png).unwrap().into_luma8()
    });
    (images.collect(), svg)
}

#[test]
fn a_sheet_shows_images_and_answers() {
    let program = with_model();
    picture(3).save(program.path("three.png")).unwrap();
    let answers = program.json("predict m.model three.png --index 0,1 --sheet sheet.svg");
    let (images, svg) = sheet(&program);
    assert_eq!(images, [picture(3), picture(0), picture(1)]);
    for answer in answers {
        let label = answer["label"].as_str().unwrap();
        let percent = format!("{:.1}%", 100.0 * answer["confidence"].as_f64().unwrap());
        assert!(svg.contains(&format!(">{label}<")) && svg.contains(&percent), "{svg}");
    }
    // A sheet may be drawn again, but nothing else is overwritten.
    program.run("predict m.model --index 5 --sheet sheet.svg").success();
    assert_eq!(sheet(&program).0, [picture(5)]);
    program.write("notes.svg", "mine");
    let refused = program.run("predict m.model --index 5 --sheet notes.svg");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("notes.svg: exists and is not an SVG picture"), "{refused:?}");
    assert_eq!(program.read("notes.svg"), b"mine");
}

#[test]
fn class_names_are_text_in_a_sheet() {
    let program = with_model();
    let names = (0..10).map(|class| format!("<script>&{class}")).collect();
    let model = altered(|checkpoint| checkpoint.info.class_names = names);
    program.write("hostile.model", model);
    picture(0).save(program.path("zero.png")).unwrap();
    program.run("predict hostile.model zero.png --sheet sheet.svg").success();
    let (_, svg) = sheet(&program);
    assert!(svg.contains("&lt;script&gt;&amp;"), "{svg}");
    assert!(!svg.contains("<script>"), "{svg}");
}
