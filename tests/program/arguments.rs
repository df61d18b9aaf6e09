//! Arguments of `predict` that name no pictures, or other ones than were meant.

use std::fs;

use image::GrayImage;

use crate::harness::{Output, Program};

/// With a picture, in a folder as well, and an empty folder.
fn with_picture() -> Program {
    let program = Program::new();
    fs::create_dir_all(program.path("photos/inner")).unwrap();
    fs::create_dir(program.path("empty")).unwrap();
    for name in ["boot.png", "photos/a.png", "photos/.b.png", "photos/inner/.c.png"] {
        GrayImage::from_pixel(28, 28, image::Luma([9])).save(program.path(name)).unwrap();
    }
    program
}

/// The pictures that were answered.
fn answered(output: &Output) -> Vec<String> {
    let input = |it: &serde_json::Value| it["input"].as_str().unwrap().to_owned();
    output.json().iter().map(input).collect()
}

#[test]
fn a_bad_argument_does_not_stop_the_others() {
    let program = with_picture();
    program.write("none.txt", "\n");
    for (arguments, code, words) in [
        ("boot.png empty", 3, "error: empty: no pictures in this folder\n"),
        ("empty *.xyz boot.png", 3, "error: *.xyz: no file matches this pattern\n"),
        ("@none.txt boot.png", 3, "error: none.txt: no pictures in this list\n"),
        ("boot.png @absent.txt", 4, "error: absent.txt: cannot open"),
        ("boot.png [", 3, "error: [: no such file"),
    ] {
        let output = program.run(&format!("predict {arguments} --format json"));
        assert_eq!(output.code, Some(code), "{output:?}");
        assert!(output.stderr.contains(words), "{output:?}");
        assert_eq!(answered(&output), ["boot.png"]);
    }
    // All are reported, also if there is nothing left.
    let words = ["empty: no pictures", "error: *.xyz: no file matches"];
    program.refuses("predict empty *.xyz --format csv", 2, &words);
}

/// As in folders. Those that a pattern names are taken.
#[test]
fn patterns_leave_out_hidden_files() {
    let program = with_picture();
    let matches = |pattern: &str| {
        answered(&program.run(&format!("predict {pattern} --format json")).success())
    };
    assert_eq!(matches("photos/*.png"), ["photos/a.png"]);
    assert_eq!(matches("./photos/**/*.png"), ["photos/a.png"]);
    assert_eq!(matches("photos/.*.png"), ["photos/.b.png"]);
    assert_eq!(matches("photos/**/.c.png"), ["photos/inner/.c.png"]);
    let words = ["photos/inner/*: no file matches this pattern"];
    program.refuses("predict photos/inner/*", 2, &words);
}

#[test]
fn what_was_meant_is_suggested() {
    let program = with_picture();
    program.write("t.csv", "1,2\n");
    for (arguments, words) in [
        ("[", ["[: no such file, and as a pattern it is wrong at byte 0 (", "write [[], [*] and"]),
        (
            "@boot.png",
            ["@boot.png: expected a list of", "@ is for lists, so give a picture as boot.png"],
        ),
        (
            "boot.png no.model",
            ["no.model: no such file; check the name", "predict no.model boot.png"],
        ),
        ("boot.png t.csv", ["t.csv: expected a table alone", "to a separate `fmnist predict`"]),
    ] {
        program.refuses(&format!("predict {arguments}"), 2, &words);
    }
}

#[test]
fn blanks_around_a_name_in_a_list() {
    let program = with_picture();
    fs::copy(program.path("boot.png"), program.path(" spaced.png ")).unwrap();
    program.write("list.txt", "boot.png \r\n\t photos/a.png\t\n spaced.png \n");
    let output = program.run("predict @list.txt --format json").success();
    assert_eq!(answered(&output), ["boot.png", "photos/a.png", " spaced.png "]);
    program.write("list.txt", " absent.png \n");
    program.refuses("predict @list.txt", 4, &["error: absent.png: cannot open"]);
}

/// Pictures that other programs have made, under the names of ours.
#[test]
fn no_picture_of_another_program_is_replaced() {
    let program = with_picture();
    let foreign = program.read("boot.png");
    let seen = |arguments: &str| format!("predict {arguments} --save-seen seen");
    // Its own files are replaced.
    for _ in 0..2 {
        program.run(&seen("boot.png photos/a.png boot.png")).success();
    }
    for file in ["boot.png.seen.png", "boot.png.2.seen.png"] {
        let path = program.path("seen").join(file);
        let own = fs::read(&path).unwrap();
        let words = [&*format!("--save-seen: seen/{file}: exists and is not a PNG file of fmnist")];
        for other in [&foreign[..], b"", b"notes"] {
            fs::write(&path, other).unwrap();
            program.refuses(&seen("photos/a.png boot.png boot.png"), 2, &words);
            assert_eq!(fs::read(&path).unwrap(), other);
        }
        fs::write(&path, own).unwrap();
    }
    // A table's images, and those of the test set.
    let row = |pixels: usize| format!("{}\n", vec!["7"; pixels].join(","));
    program.write("t.csv", row(784) + &row(784));
    fs::write(program.path("seen/t.csv: image 2.seen.png"), &foreign).unwrap();
    program.refuses(&seen("t.csv"), 2, &["seen/t.csv: image 2.seen.png: exists"]);
    fs::write(program.path("seen/test image 3.seen.png"), &foreign).unwrap();
    program.refuses(&seen("boot.png --index 2-4"), 2, &["seen/test image 3.seen.png: exists"]);
}

#[test]
fn no_drawing_of_another_program_is_replaced() {
    let program = with_picture();
    let sheet = "predict boot.png --sheet logo.svg";
    program.run(sheet).success();
    program.run(sheet).success();
    let ours = String::from_utf8(program.read("logo.svg")).unwrap();
    let without_mark = ours.replace("fmnist", "a person");
    for other in [&without_mark, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n", ""] {
        program.write("logo.svg", other);
        let words = ["--sheet: logo.svg: exists and is not an SVG file of fmnist; move it"];
        program.refuses(sheet, 2, &words);
        assert_eq!(program.read("logo.svg"), other.as_bytes());
    }
    let words = ["--sheet: s.png: expected a name that ends in .svg", "try s.svg"];
    program.refuses("predict boot.png --sheet s.png", 2, &words);
    assert!(!program.path("s.png").exists());
}
