use std::fs;

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
    harness::{Output, Program},
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

/// What was found in a picture: a shirt of one tone, 40 x 60, on grey paper.
#[test]
fn json_says_where_the_object_is() {
    let program = with_model();
    let photo = image::RgbImage::from_fn(200, 160, |x, y| {
        let inside = (100..140).contains(&x) && (50..110).contains(&y);
        image::Rgb(if inside { [20, 20, 60] } else { [200, 201, 202] })
    });
    photo.save(program.path("photo.png")).unwrap();
    GrayImage::from_pixel(90, 90, image::Luma([255])).save(program.path("blank.png")).unwrap();
    let answers = program.json("predict m.model photo.png blank.png");
    let [crop, blank] = [&answers[0], &answers[1]].map(|it| it["crop"].clone());
    let sides = ["x", "y", "width", "height"].map(|key| crop[key].as_u64().unwrap());
    let near = |found: u64, expected: u64| found.abs_diff(expected) <= 2;
    let expected = [100, 50, 40, 60];
    assert!(sides.into_iter().zip(expected).all(|(a, b)| near(a, b)), "{crop}");
    assert_eq!(
        (&answers[0]["polarity"], &answers[0]["ground"]),
        (&"negated".into(), &"#c8c9ca".into())
    );
    assert!(blank.is_null() && answers[1].as_object().unwrap().contains_key("crop"), "{answers:?}");
}

#[test]
fn a_bad_picture_does_not_stop_the_others() {
    let program = with_model();
    picture(0).save(program.path("a.png")).unwrap();
    picture(1).save(program.path("c.png")).unwrap();
    program.write("b.png", "text");
    let output = program.run("predict m.model a.png b.png absent.png c.png --format csv");
    assert_eq!(output.code, Some(3), "{output:?}");
    let files: Vec<_> = output.stdout.lines().map(|it| it.split(',').next().unwrap()).collect();
    assert_eq!(files, ["file", "a.png", "c.png"]);
    for words in ["error: b.png: ", "error: absent.png: ", "2 of 4 pictures could not be read"] {
        assert!(output.stderr.contains(words), "{output:?}");
    }
    program.refuses("predict m.model absent.png", 4, &["absent.png"]);
}

/// Folders, patterns, lists and stdin name the same pictures as their paths.
#[test]
fn pictures_are_named_in_many_ways() {
    let program = with_model();
    fs::create_dir_all(program.path("photos/inner")).unwrap();
    for name in ["photos/2.png", "photos/1.png", "photos/inner/3.png", "photos/[x].png"] {
        picture(name.len()).save(program.path(name)).unwrap();
    }
    program.write("photos/notes.txt", "no picture");
    program.write("list.txt", "photos/1.png\n\nphotos/inner/3.png\n");
    let names = |arguments: &str| -> Vec<String> {
        let answers = program.json(&format!("predict m.model {arguments}"));
        answers.iter().map(|it| it["input"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("photos"), ["photos/1.png", "photos/2.png", "photos/[x].png"]);
    assert_eq!(names("photos/?.png photos/[x].png"), names("photos"));
    assert_eq!(names("photos/**/3.png"), ["photos/inner/3.png"]);
    assert_eq!(names("@list.txt"), ["photos/1.png", "photos/inner/3.png"]);
    let mut command = program.command("predict m.model - --format json");
    command.stdin(fs::File::open(program.path("photos/1.png")).unwrap());
    let mut from_stdin = Output::of(&mut command).success().json();
    assert_eq!(from_stdin[0]["input"], "stdin");
    from_stdin[0]["input"] = "photos/1.png".into();
    assert_eq!(from_stdin, program.json("predict m.model photos/1.png"));
    fs::create_dir(program.path("empty")).unwrap();
    program.write("none.txt", "\n");
    for (arguments, code, words) in [
        ("empty", 2, "empty: no pictures in this folder"),
        ("*.gif", 2, "*.gif: no file matches this pattern"),
        ("@none.txt", 2, "none.txt: no pictures in this list"),
        ("@absent.txt", 4, "absent.txt: cannot open"),
        ("- -", 2, "-: expected once"),
        ("-", 3, "stdin: expected"),
    ] {
        program.refuses(&format!("predict m.model {arguments}"), code, &[words]);
    }
}

#[test]
fn ranges_of_test_images() {
    let program = with_model();
    let indices = |list: &str| program.json(&format!("predict m.model --index {list}"));
    assert_eq!(indices("2-4,9"), indices("2,3,4,9"));
    for list in ["4-2", "1-", "a", "1-b"] {
        program.refuses(&format!("predict --index {list}"), 2, &["a range such as 0-9"]);
    }
}

#[test]
fn a_table_for_spreadsheets() {
    let program = with_model();
    picture(2).save(program.path("a,b.png")).unwrap();
    let answer = program.json("predict m.model a,b.png").remove(0);
    let table = program.run("predict m.model a,b.png --format csv").success().stdout;
    let label = answer["label"].as_str().unwrap();
    let confidence = answer["confidence"].as_f64().unwrap() as f32;
    assert_eq!(table, format!("file,label,confidence\n\"a,b.png\",{label},{confidence}\n"));
    program.refuses(
        "inspect m.model --format csv",
        2,
        &["--format csv: only predict and evaluate have it"],
    );
}

#[test]
fn what_the_model_sees() {
    let program = with_model();
    let bright = |x, y| image::Luma([if (7..21).contains(&x) && y < 14 { 255 } else { 0 }]);
    GrayImage::from_fn(28, 28, bright).save(program.path("half.png")).unwrap();
    fs::create_dir(program.path("other")).unwrap();
    picture(4).save(program.path("other/half.png")).unwrap();
    let output = program.run("predict m.model half.png --top-k 1 --show").success().stdout;
    let lines: Vec<&str> = output.lines().collect();
    let full = format!("{}{}{}", " ".repeat(7), "█".repeat(14), " ".repeat(7));
    assert_eq!(lines[..14], [vec![full.as_str(); 7], vec![&" ".repeat(28); 7]].concat());
    assert!(lines[14].starts_with("half.png: ") && lines.len() == 15, "{output}");
    let mut coloured = program.command("predict m.model half.png --show");
    let coloured = Output::of(coloured.env("CLICOLOR_FORCE", "1")).success().stdout;
    assert!(coloured.contains("\u{1b}[38;5;255;48;5;255m▀"), "{coloured:?}");
    program.refuses("predict half.png --show --format json", 2, &["--show: only with"]);

    program.run("predict m.model half.png other/half.png --index 3 --save-seen seen").success();
    let seen = |name: &str| image::open(program.path("seen").join(name)).unwrap().into_luma8();
    assert_eq!(seen("half.png.seen.png"), GrayImage::from_fn(28, 28, bright));
    assert_eq!(seen("half.png.2.seen.png"), picture(4));
    assert_eq!(seen("test image 3.seen.png"), picture(3));
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
    assert!(
        refused.stderr.contains("notes.svg: exists and is not an SVG file of fmnist"),
        "{refused:?}"
    );
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

/// After `calibrate`, `predict` says when it is not sure and why, until the run is resumed.
#[test]
fn a_calibrated_model_says_when_it_is_not_sure() {
    let program = with_model();
    let before = program.inspect("m.model");
    let calibrated = program.json("calibrate m.model").remove(0);
    assert_eq!(program.inspect("m.model")["state_sha256"], before["state_sha256"]);
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap();
    assert!((0.3..3.0).contains(&number(&calibrated, "temperature")), "{calibrated}");
    assert!((0.02..0.06).contains(&number(&calibrated, "rejected")), "{calibrated}");
    let evaluated = program.json("evaluate m.model").remove(0);
    assert!(number(&evaluated, "rejected") < 0.12, "{evaluated}");
    let text = program.run("evaluate m.model").success().stdout;
    assert!(text.contains("\ncalibration error 0.0") && text.contains("; not sure of "), "{text}");

    let stripes = |x, _| image::Luma([if x / 3 % 2 == 0 { 255 } else { 0 }]);
    GrayImage::from_fn(28, 28, stripes).save(program.path("stripes.png")).unwrap();
    GrayImage::from_pixel(90, 90, image::Luma([200])).save(program.path("blank.png")).unwrap();
    let ask = "predict m.model stripes.png blank.png";
    let answers = program.json(ask);
    for (answer, reason) in answers.iter().zip(["unlike the training images", "no object found"]) {
        assert_eq!((&answer["sure"], &answer["reason"]), (&false.into(), &reason.into()));
    }
    let text = program.run(ask).success().stdout;
    assert!(text.starts_with("stripes.png: not sure (unlike the training images): "), "{text}");
    assert!(text.contains("\nblank.png: not sure (no object found): "), "{text}");
    // Anything may be accepted, and nothing.
    let sure = |reject: &str| {
        program.json(&format!("predict m.model --index 0 --reject {reject}"))[0]["sure"].clone()
    };
    assert_eq!((sure("-1e6"), sure("1e6")), (true.into(), false.into()));
    assert_eq!(program.json("predict m.model stripes.png --reject -1e6")[0]["sure"], true);

    let inspected = program.inspect("m.model");
    assert_eq!(inspected["decision"]["temperature"], calibrated["temperature"]);
    let text = program.run("inspect m.model").success().stdout;
    assert!(text.contains("\ndecision:     temperature "), "{text}");
    program.run("export m.model small.model --to inference").success();
    assert_eq!(program.json("predict small.model stripes.png"), answers[..1]);
    program.refuses("calibrate small.model", 3, &["small.model: the model is for inference only"]);
    program.train("--resume m.model --epochs 10 --quiet");
    assert_eq!(program.json("predict m.model stripes.png")[0].get("sure"), None);
    program.refuses("predict m.model --index 0 --reject nan", 2, &["expected a finite number"]);
    program.refuses(
        "predict m.model --index 0 --reject 0",
        2,
        &["--reject: expected a model that says"],
    );
    program.train("--validation 0 --epochs 1 --output none.model");
    program.refuses("calibrate none.model", 3, &["expected 100 or more held-out images, found 0"]);
}
