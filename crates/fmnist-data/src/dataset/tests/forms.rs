//! IDX files as people have them: other names, types and shapes.

use super::*;
use crate::fixture::{idx_of, refused};

/// A directory with these files, of which folders are made.
fn directory(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

fn load(dir: &tempfile::TempDir) -> Result<Dataset, Error> {
    Dataset::load_idx(dir.path(), &ReadOptions::default())
}

/// A set of one-pixel images, one for each label, with the bytes of the training files given.
fn one_pixel(images: &[u8], labels: &[u8]) -> tempfile::TempDir {
    directory(&[
        ("train-images-idx3-ubyte", images),
        ("train-labels-idx1-ubyte", labels),
        ("t10k-images-idx3-ubyte", &idx_u8(&[1, 1, 1], &[0])),
        ("t10k-labels-idx1-ubyte", &idx_u8(&[1], &[0])),
    ])
}

fn contents(dataset: &Dataset) -> (&[u8], &[u8]) {
    (&dataset.train.images.pixels, &dataset.train.labels)
}

/// Labels of every type, and of one or two dimensions.
#[test]
fn labels_of_other_types() {
    let images = idx_u8(&[2, 1, 1], &[7, 8]);
    for labels in [
        idx_of(0x09, &[2], &[3_i8, 127].map(i8::to_be_bytes)),
        idx_of(0x0b, &[2, 1], &[3_i16, 127].map(i16::to_be_bytes)),
        idx_of(0x0c, &[2], &[3_i32, 127].map(i32::to_be_bytes)),
        idx_of(0x0d, &[2], &[3_f32, 127.0].map(f32::to_be_bytes)),
        idx_of(0x0e, &[2, 1], &[3_f64, 127.0].map(f64::to_be_bytes)),
        idx_u8(&[2, 1], &[3, 127]),
    ] {
        let dataset = load(&one_pixel(&images, &labels)).unwrap();
        assert_eq!(contents(&dataset), (&[7, 8][..], &[3, 127][..]));
        assert_eq!((dataset.info.class_names.len(), dataset.notes), (128, vec![]));
    }
    let refuse = |labels: &[u8], words: &[&str]| {
        let words = [words, &["train-labels-idx1-ubyte: ", "; save pixels as"]].concat();
        refused(load(&one_pixel(&images, labels)), &words).unwrap();
    };
    let expected = "expected a whole number from 0 to 255, found";
    let labels = idx_of(0x0c, &[2], &[3_i32, -1].map(i32::to_be_bytes));
    refuse(&labels, &["byte 12 (label 1): ", expected, "found -1"]);
    let labels = idx_of(0x0b, &[2, 1], &[256_i16, 0].map(i16::to_be_bytes));
    refuse(&labels, &["byte 12 (label 0): ", expected, "found 256"]);
    let labels = idx_of(0x0e, &[2], &[0_f64, 0.5].map(f64::to_be_bytes));
    refuse(&labels, &["byte 16 (label 1): ", expected, "found 0.5"]);
}

/// Pixels of every type.
#[test]
fn pixels_of_other_types() {
    let labels = idx_u8(&[2], &[0, 1]);
    for images in [
        idx_of(0x09, &[2, 1, 1], &[3_i8, 127].map(i8::to_be_bytes)),
        idx_of(0x0b, &[2, 1, 1], &[3_i16, 127].map(i16::to_be_bytes)),
        idx_of(0x0c, &[2, 1, 1], &[3_i32, 127].map(i32::to_be_bytes)),
        idx_of(0x0d, &[2, 1, 1], &[3_f32, 127.0].map(f32::to_be_bytes)),
        idx_of(0x0e, &[2, 1, 1], &[3_f64, 127.0].map(f64::to_be_bytes)),
    ] {
        let dataset = load(&one_pixel(&images, &labels)).unwrap();
        assert_eq!(contents(&dataset), (&[3, 127][..], &[0, 1][..]));
        assert_eq!(dataset.notes, []);
    }
    let images = idx_of(0x0c, &[2, 1, 1], &[3_i32, 256].map(i32::to_be_bytes));
    let words =
        ["train-images-idx3-ubyte: byte 20 (pixel 1): expected a whole number from 0 to 255"];
    refused(load(&one_pixel(&images, &labels)), &words).unwrap();
    let images = idx_of(0x0d, &[2, 1, 1], &[0.5_f32, f32::NAN].map(f32::to_be_bytes));
    let words = ["byte 20 (pixel 1): expected whole numbers from 0 to 255, or only", "found NaN"];
    refused(load(&one_pixel(&images, &labels)), &words).unwrap();
}

/// Many numbers, which arrive in pieces.
#[test]
fn large_files_are_read_in_pieces() {
    let pixels: Vec<u8> = (0..100_000).map(|i: u32| (i * 7 % 251) as u8).collect();
    let images = idx_of(0x0d, &[1000, 10, 10], &pixels_as_f32(&pixels));
    let dataset = load(&one_pixel_of(&images, 1000, 10)).unwrap();
    assert_eq!(dataset.train.images.pixels, pixels);
    let cut = &images[..images.len() - 1];
    let words =
        ["byte 16 (elements): expected 400000 bytes, then the end, found the end after 399999"];
    refused(load(&one_pixel_of(cut, 1000, 10)), &words).unwrap();
    let longer = [&images[..], &[0]].concat();
    refused(load(&one_pixel_of(&longer, 1000, 10)), &["found more"]).unwrap();
}

fn pixels_as_f32(pixels: &[u8]) -> Vec<[u8; 4]> {
    pixels.iter().map(|&pixel| f32::from(pixel).to_be_bytes()).collect()
}

/// Labels of two classes.
fn two_classes(count: usize) -> Vec<u8> {
    (0..count).map(|index| (index % 2) as u8).collect()
}

/// A set whose training images are in the file, and whose test images have the same sides.
fn one_pixel_of(images: &[u8], count: usize, side: usize) -> tempfile::TempDir {
    directory(&[
        ("train-images-idx3-ubyte", images),
        ("train-labels-idx1-ubyte", &idx_u8(&[count], &two_classes(count))),
        ("t10k-images-idx3-ubyte", &idx_u8(&[1, side, side], &vec![0; side * side])),
        ("t10k-labels-idx1-ubyte", &idx_u8(&[1], &[0])),
    ])
}

/// Whether pixels go from 0 to 1 is decided over both files of images.
#[test]
fn fractions_become_pixels() {
    let floats = |pixels: &[f32]| {
        let bytes: Vec<_> = pixels.iter().map(|pixel| pixel.to_be_bytes()).collect();
        idx_of(0x0d, &[pixels.len(), 1, 1], &bytes)
    };
    let with = |train: &[f32], test: &[f32]| {
        let dir = one_pixel(&floats(train), &idx_u8(&[train.len()], &two_classes(train.len())));
        fs::write(dir.path().join("t10k-images-idx3-ubyte"), floats(test)).unwrap();
        load(&dir)
    };
    let dataset = with(&[0.0, 0.2, 1.0], &[0.5]).unwrap();
    assert_eq!(dataset.train.images.pixels, [0, 51, 255]);
    assert_eq!(dataset.test.images.pixels, [128]);
    assert_eq!(dataset.notes, [Note::UnitPixels]);
    assert!(dataset.notes[0].to_string().contains("multiplied by 255"));
    let dataset = with(&[0.0, 1.0], &[255.0]).unwrap();
    assert_eq!((dataset.train.images.pixels, dataset.notes), (vec![0, 1], vec![]));
    let words = [
        "t10k-images-idx3-ubyte has pixels from 0 to 1",
        "train-images-idx3-ubyte has pixels from 0 to 255",
    ];
    refused(with(&[2.0], &[0.5]), &words).unwrap();
}

/// A dimension for the channels, before or after the sides.
#[test]
fn images_of_four_dimensions() {
    let set = |dims: &[usize], pixels: &[u8], test: &[u8]| {
        directory(&[
            ("train-images-idx3-ubyte", &idx_u8(dims, pixels)),
            ("train-labels-idx1-ubyte", &idx_u8(&[2], &[0, 1])),
            ("t10k-images-idx3-ubyte", test),
            ("t10k-labels-idx1-ubyte", &idx_u8(&[1], &[0])),
        ])
    };
    let pixels: Vec<u8> = (0..12).collect();
    let test = idx_u8(&[1, 3, 2], &[9; 6]);
    for dims in [[2, 3, 2, 1], [2, 1, 3, 2]] {
        let images = load(&set(&dims, &pixels, &test)).unwrap().train.images;
        assert_eq!((images.height, images.width, images.channels), (3, 2, 1));
        assert_eq!(images.pixels, pixels);
    }

    let test = idx_u8(&[1, 2, 1, 3], &[255, 255, 255, 255, 0, 0]);
    let colour = set(&[2, 2, 1, 3], &pixels, &test);
    let grey = load(&colour).unwrap();
    assert_eq!((grey.test.images.channels, &*grey.test.images.pixels), (1, &[255, 54][..]));
    assert_eq!(grey.train.images.pixels.len(), 4);
    assert_eq!(grey.notes, [Note::MadeGrey]);
    let options = ReadOptions { colour: Colour::Rgb, ..ReadOptions::default() };
    let rgb = Dataset::load_idx(colour.path(), &options).unwrap();
    assert_eq!((rgb.train.images.channels, &rgb.train.images.pixels), (3, &pixels));
    assert_eq!(rgb.notes, []);
    // Images without colours are refused if they are to keep them.
    let mixed = set(&[2, 2, 1, 3], &pixels, &idx_u8(&[1, 2, 1], &[0, 1]));
    assert!(load(&mixed).is_ok());
    let words = ["expected images in colour (count x height x width x 3), found 1 x 2 x 1 of u8"];
    refused(Dataset::load_idx(mixed.path(), &options), &words).unwrap();

    for dims in [[2, 3, 1, 2], [2, 3, 2, 1].map(|dim| dim * 2)] {
        let pixels = vec![0; dims.iter().product()];
        let words = ["expected images (count x height x width", "; save images as"];
        refused(load(&set(&dims, &pixels, &test)), &words).unwrap();
    }
}

#[test]
fn images_are_transposed_if_asked() {
    let tiny = Tiny::new();
    let plain = tiny.load_idx().unwrap();
    let options = ReadOptions { transpose: true, ..ReadOptions::default() };
    let transposed = Dataset::load_idx(tiny.dir.path(), &options).unwrap();
    assert_eq!(transposed.train.images, plain.train.images.clone().transposed());
    assert_eq!((transposed.test.images.height, transposed.test.images.width), (2, 3));
    assert_ne!(transposed.info.sha256, plain.info.sha256);
}

/// EMNIST's files are recognised by their names. A note says that its images lie on their sides.
#[test]
fn emnist_is_to_be_transposed() {
    let raw = fixture::raw_files(0);
    let roles = ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"];
    let notes = |prefix: &str, transpose| {
        let names = roles.map(|role| format!("{prefix}{role}-ubyte"));
        let files: Vec<(&str, &[u8])> =
            names.iter().map(|it| &**it).zip(raw.iter().map(|it| &**it)).collect();
        let options = ReadOptions { transpose, ..ReadOptions::default() };
        Dataset::load_idx(directory(&files).path(), &options).unwrap().notes
    };
    for prefix in ["emnist-letters-", "EMNIST/raw/emnist-mnist-", "Emnist-digits-"] {
        assert_eq!(notes(prefix, false), [Note::OnTheirSides], "{prefix}");
        assert_eq!(notes(prefix, true), [], "{prefix}");
    }
    for prefix in ["", "my-", "EMNIST/raw/"] {
        assert_eq!(notes(prefix, false), [], "{prefix}");
    }
    assert!(Note::OnTheirSides.to_string().contains("--transpose turns them upright"));
}

/// A network would answer all images with the one class that it knows.
#[test]
fn training_labels_are_of_two_classes() {
    let images = idx_u8(&[2, 1, 1], &[7, 8]);
    let words = [
        "train-labels-idx1-ubyte: expected training images of 2 classes or more, found only the class \"3\"",
        "; add images of other classes, or correct the labels",
    ];
    refused(load(&one_pixel(&images, &idx_u8(&[2], &[3, 3]))), &words).unwrap();
    assert!(load(&one_pixel(&images, &idx_u8(&[2], &[3, 2]))).is_ok());
}

/// EMNIST's letters are numbered from 1.
#[test]
fn labels_that_begin_at_1() {
    let set = |train: [u8; 3], test: [u8; 2]| {
        directory(&[
            ("train-images-idx3-ubyte", &idx_u8(&[3, 1, 1], &[0; 3])),
            ("train-labels-idx1-ubyte", &idx_u8(&[3], &train)),
            ("t10k-images-idx3-ubyte", &idx_u8(&[2, 1, 1], &[0; 2])),
            ("t10k-labels-idx1-ubyte", &idx_u8(&[2], &test)),
        ])
    };
    let letters = set([1, 3, 2], [3, 1]);
    let dataset = load(&letters).unwrap();
    assert_eq!((dataset.train.labels, dataset.test.labels), (vec![0, 2, 1], vec![2, 0]));
    assert_eq!(dataset.info.class_names, ["1", "2", "3"]);
    assert_eq!(dataset.notes, [Note::LabelsFromOne]);
    fs::write(letters.path().join("classes.txt"), "A\nB\nC\n").unwrap();
    let dataset = load(&letters).unwrap();
    assert_eq!(dataset.train.labels, [0, 2, 1]);
    assert_eq!(dataset.info.class_names, ["A", "B", "C"]);
    // With four names, label 1 is the second.
    fs::write(letters.path().join("classes.txt"), "?\nA\nB\nC\n").unwrap();
    let dataset = load(&letters).unwrap();
    assert_eq!((dataset.train.labels, dataset.notes), (vec![1, 3, 2], vec![]));
    fs::write(letters.path().join("classes.txt"), "A\nB\n").unwrap();
    refused(load(&letters), &["train-labels", "byte 9 (label 1): expected 0 to 1"]).unwrap();
    // Both sets count.
    let dataset = load(&set([1, 3, 2], [0, 1])).unwrap();
    assert_eq!((dataset.train.labels, dataset.notes), (vec![1, 3, 2], vec![]));
    assert_eq!(load(&set([2, 3, 2], [2, 2])).unwrap().train.labels, [2, 3, 2]);
}

/// What is too large for this crate is not called damaged.
#[test]
fn limits_are_called_limits() {
    let file = idx_u8(&[60_000, 1024, 1024], &[]);
    let words = ["byte 12 (dimension): ", "at most 4294967296 bytes in all, found 1024", "a limit"];
    let error = load(&one_pixel(&file, &[])).unwrap_err().to_string();
    fixture::says(&error, &words).unwrap();
    assert!(!error.contains("damaged"), "{error}");
    let wide = load(&one_pixel(&idx_u8(&[1, 1, 1025], &[0; 1025]), &idx_u8(&[1], &[0])));
    let error = wide.unwrap_err().to_string();
    assert!(error.contains("a limit") && !error.contains("damaged"), "{error}");
}

/// The published set is found under other names too.
#[test]
fn the_published_set_has_other_names() {
    let Tiny { raw, manifest, .. } = Tiny::new();
    let [a, b, c, d] = raw.each_ref().map(Vec::as_slice);
    for dir in [
        directory(&[
            ("train-images.idx3-ubyte", a),
            ("train-labels.idx1-ubyte", b),
            ("t10k-images.idx3-ubyte", c),
            ("t10k-labels.idx1-ubyte", d),
        ]),
        directory(&[
            ("FashionMNIST/raw/train-images-idx3-ubyte", a),
            ("FashionMNIST/raw/train-labels-idx1-ubyte", b),
            ("FashionMNIST/raw/t10k-images-idx3-ubyte", c),
            ("FashionMNIST/raw/t10k-labels-idx1-ubyte", d),
        ]),
    ] {
        let dataset = load_published(dir.path(), &manifest).unwrap();
        assert_eq!(dataset.info.sha256, manifest.content_sha256);
    }
}
