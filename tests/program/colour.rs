//! Images in colour.

use std::fs;

use image::{Rgb, RgbImage};

use crate::harness::Program;

/// Red and green pictures that are equally bright, so that grey ones cannot be distinguished.
fn red_and_green() -> Program {
    let program = Program::new();
    for part in ["train", "test"] {
        for (name, colour) in [("red", [255, 0, 0]), ("green", [0, 76, 0])] {
            let dir = program.path(format!("d/{part}/{name}"));
            fs::create_dir_all(&dir).unwrap();
            for i in 0..40_u32 {
                // A square at one of many places, on black.
                let (left, top) = (i % 4, i / 4 % 4);
                let picture = RgbImage::from_fn(8, 8, |x, y| {
                    let inside = (left..left + 4).contains(&x) && (top..top + 4).contains(&y);
                    Rgb(if inside { colour } else { [0; 3] })
                });
                picture.save(dir.join(format!("{i:02}.png"))).unwrap();
            }
        }
    }
    program
}

const TRAIN: &str = "train --dataset folder --data-dir d --epochs 20 --batch-size 8 --output";

#[test]
fn colours_are_learnt_if_they_are_kept() {
    let program = red_and_green();
    let accuracy = |arguments: &str| {
        let output = program.run(&format!("{TRAIN} {arguments} --format json")).success();
        let found = output.json().last().unwrap()["test"]["accuracy"].as_f64().unwrap();
        (found, output.stderr.matches("pictures in colour are made grey").count())
    };
    assert_eq!(accuracy("grey.model"), (0.5, 1));
    assert_eq!(accuracy("m.model --colour rgb --flip --shift 1 --rotate 5 --noise 4"), (1.0, 0));

    let inspected = program.inspect("m.model");
    assert_eq!(
        (&inspected["input"]["channels"], &inspected["input"]["width"]),
        (&3.into(), &8.into())
    );
    assert_eq!(inspected["layers"][0]["inputs"], 192);
    assert_eq!(inspected["settings"]["colour"], "rgb");
    let text = program.run("inspect m.model").success().stdout;
    assert!(text.contains("\ninput:        8 x 8 in colour, (pixel - "), "{text}");
    assert_eq!(program.json("evaluate m.model").remove(0)["accuracy"], 1.0);

    // Pictures, images of the test set, and what the model sees of them.
    let predict = "predict m.model d/test/red/05.png d/test/green/05.png --save-seen seen";
    let labels: Vec<_> = program.json(predict).iter().map(|it| it["label"].clone()).collect();
    assert_eq!(labels, ["red", "green"]);
    let seen = image::open(program.path("seen/05.png.seen.png")).unwrap();
    assert_eq!(seen, image::open(program.path("d/test/red/05.png")).unwrap());
    let by_index = program.json("predict m.model --index 0 --sheet sheet.svg").remove(0);
    assert_eq!((&by_index["actual"], &by_index["class"]), (&0.into(), &0.into()));
    let drawn = program.run("predict m.model d/test/red/05.png --show").success().stdout;
    assert!(drawn.contains('░') || drawn.contains('▒'), "{drawn}");

    // The run resumes in colour, and in nothing else.
    program.json("train --resume m.model --epochs 21");
    let words = ["--colour: the saved run has rgb, not grey"];
    program.refuses("train --resume m.model --epochs 22 --colour grey", 2, &words);
}

#[test]
fn what_has_no_colours_is_refused() {
    let program = red_and_green();
    let words = ["--prepare: pictures in colour are taken as they are"];
    program.refuses(&format!("{TRAIN} m.model --colour rgb --prepare garment"), 2, &words);
    let words = ["--colour: expected grey, as this dataset is, found rgb"];
    program.refuses("train --dataset synthetic --colour rgb", 2, &words);
}
