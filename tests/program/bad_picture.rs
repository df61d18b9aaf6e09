use image::GrayImage;
use tally::{Failure, Tally};

use crate::{dataset::refused, fixture::TRAINED, harness::Program};

fn refused_as_photo(bytes: &[u8], words: &[&str]) -> Result<(), Failure> {
    let program = Program::new();
    program.write("photo.png", bytes);
    refused(program.run("predict photo.png"), 3, &[&["photo.png: "], words].concat())
}

#[test]
fn other_kinds_of_files() {
    let mut tally = Tally::new("A10", "files that are no pictures, given to the program");
    for (bytes, kind) in [
        (&b""[..], "an empty file"),
        (b"Dear diary,\n", "a text file"),
        (b"%PDF-1.7", "a PDF document"),
    ] {
        let words =
            ["expected a picture (PNG, JPEG, ", &format!("found {kind}; "), "convert the picture"];
        tally.case(|| refused_as_photo(bytes, &words));
    }
    let program = Program::new();
    program.write("m.model", &TRAINED.bytes);
    program.write("n.model", &TRAINED.bytes);
    let words = ["n.model: ", "found a saved model"];
    tally.case(|| refused(program.run("predict m.model n.model"), 3, &words));
    tally.finish();
}

#[test]
fn damage() {
    let mut tally = Tally::new("A10", "pictures that are damaged, given to the program");
    let program = Program::new();
    let picture = GrayImage::from_fn(99, 99, |x, y| image::Luma([(x * y) as u8]));
    picture.save(program.path("whole.png")).unwrap();
    picture.save(program.path("whole.jpg")).unwrap();
    let whole = program.read("whole.png");
    program.run("predict whole.png").success();
    for end in [whole.len() / 2, 20] {
        tally.case(|| refused_as_photo(&whole[..end], &["check the file in a viewer"]));
    }
    program.run("predict whole.jpg").success();
    let whole = program.read("whole.jpg");
    for end in [whole.len() - 1, whole.len() * 3 / 5, whole.len() / 5] {
        tally.case(|| refused_as_photo(&whole[..end], &["the file is cut short; check the file"]));
    }
    tally.finish();
}

#[test]
fn no_file_at_all() {
    let program = Program::new();
    program.refuses("predict absent.png", 4, &["absent.png: cannot open: No such file"]);
    program.refuses("predict .", 2, &[".: no pictures in this folder"]);
}
