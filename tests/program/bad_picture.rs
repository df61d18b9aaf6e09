use image::GrayImage;

use crate::{fixture::TRAINED, harness::Program};

#[track_caller]
fn check(bytes: &[u8], words: &[&str]) {
    let program = Program::new();
    program.write("photo.png", bytes);
    program.refuses("predict photo.png", 3, &[&["photo.png: "], words].concat());
}

#[test]
fn other_kinds_of_files() {
    let check = |bytes: &[u8], kind: &str| {
        check(bytes, &["expected a PNG or JPEG image", &format!("found {kind}")]);
    };
    check(b"", "an empty file");
    check(b"Dear diary,\n", "a text file");
    check(b"GIF89a", "a GIF image");

    let program = Program::new();
    program.write("m.model", &TRAINED.bytes);
    program.write("n.model", &TRAINED.bytes);
    program.refuses("predict m.model n.model", 3, &["n.model: ", "found a saved model"]);
}

#[test]
fn damage() {
    let program = Program::new();
    GrayImage::from_fn(99, 99, |x, y| image::Luma([(x * y) as u8]))
        .save(program.path("whole.png"))
        .unwrap();
    let whole = program.read("whole.png");
    program.run("predict whole.png").success();
    check(&whole[..whole.len() / 2], &["check the file in a viewer"]);
    check(&whole[..20], &["check the file in a viewer"]);
}

#[test]
fn no_file_at_all() {
    let program = Program::new();
    program.refuses("predict absent.png", 4, &["absent.png: cannot open: No such file"]);
    program.refuses("predict .", 4, &[".: cannot read"]);
}
