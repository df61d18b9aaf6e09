//! A classifier of two pixels, whose answers are known by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fmnist::{
    Checkpoint, Classifier, Doubt, Error, Finding, Object, Preparation, Seen, Split, Threads,
    Trainer, calibrate, garments,
};
use image::GrayImage;
use nn_core::{Architecture, Init, Layer, Model, Scaling, Shape};
use nn_io::{CheckpointRef, DatasetId, InputSpec, ModelInfo};

/// The classes "left" and "right". The brighter pixel wins: with a difference of 51, the odds are `e^2` to 1.
fn checkpoint() -> Checkpoint {
    let layers = [Layer::dense(2), Layer::SOFTMAX];
    let mut model = Model::new(Architecture::new(2, &layers).unwrap(), Init::He, 0);
    model.params_mut().copy_from_slice(&[10.0, 0.0, 0.0, 10.0, 0.0, 0.0]);
    let input = InputSpec {
        image: Some(Shape::image(1, 2)),
        scaling: Some(Scaling { mean: 0.0, std: 255.0 }),
        ..InputSpec::default()
    };
    let class_names = vec!["left".into(), "right".into()];
    let info = ModelInfo { input, class_names, ..ModelInfo::default() };
    Checkpoint { model, info, training: None }
}

/// Makes a classifier of a changed file.
fn altered(change: impl FnOnce(&mut Checkpoint)) -> Result<Classifier, Error> {
    let mut checkpoint = checkpoint();
    change(&mut checkpoint);
    Classifier::new(checkpoint)
}

/// A picture of two pixels.
fn png(left: u8, right: u8) -> Vec<u8> {
    let mut png = Vec::new();
    let picture = GrayImage::from_raw(2, 1, vec![left, right]).unwrap();
    picture.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).unwrap();
    png
}

/// The probability at odds of `e^2` to 1.
const LIKELY: f32 = 0.880_797;

#[test]
fn the_most_probable_class_comes_first() {
    let classifier = Classifier::new(checkpoint()).unwrap();
    let found = classifier.classify_pixels(&[100, 151]).unwrap();
    let named: Vec<(usize, &str)> = found.iter().map(|it| (it.class, it.name.as_str())).collect();
    assert_eq!(named, [(1, "right"), (0, "left")]);
    assert!((found[0].probability - LIKELY).abs() < 1e-5, "{found:?}");
    assert!((found[1].probability - (1.0 - LIKELY)).abs() < 1e-5, "{found:?}");
    assert_eq!(found[0].to_string(), "right 88.1%");
    assert_eq!(classifier.class_names(), ["left", "right"]);
    assert_eq!(classifier.image(), Shape::image(1, 2));
}

/// Averaged with the mirror image, both sides are equally likely.
#[test]
fn a_mirror_image_counts_as_much() {
    let classifier = altered(|checkpoint| checkpoint.info.input.mirror = true).unwrap();
    let found = classifier.classify_pixels(&[100, 151]).unwrap();
    assert!(found.iter().all(|it| (it.probability - 0.5).abs() < 1e-6), "{found:?}");
}

/// A file, its bytes and its model in memory give the same classifier.
#[test]
fn files_and_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (model, picture) = (dir.path().join("sides.model"), dir.path().join("right.png"));
    checkpoint().view().save(&model).unwrap();
    GrayImage::from_raw(2, 1, vec![100, 151]).unwrap().save(&picture).unwrap();
    let expected = Classifier::new(checkpoint()).unwrap().classify_pixels(&[100, 151]).unwrap();

    let classifier = Classifier::load(&model).unwrap();
    assert_eq!(classifier.classify_file(&picture).unwrap(), expected);
    let classifier = Classifier::from_bytes(&std::fs::read(&model).unwrap()).unwrap();
    assert_eq!(classifier.classify_bytes(&std::fs::read(&picture).unwrap()).unwrap(), expected);

    let found = classifier.classify_file(&model).unwrap_err();
    assert!(
        matches!(found, Error::Data(_)) && found.to_string().contains("sides.model"),
        "{found}"
    );
    let found = Classifier::load(&picture).unwrap_err();
    assert!(matches!(found, Error::Model(_)) && found.to_string().contains("right.png"), "{found}");
}

/// Photos show garments dark on light, and the dataset bright on black. In other images, tones may matter.
#[test]
fn garments_are_made_to_look_like_the_dataset() {
    let first = |dataset: &str| {
        let (name, sha256) = (dataset.into(), "0".repeat(64));
        let dataset = DatasetId { name, sha256, directory: None, transposed: false };
        let classifier = altered(|checkpoint| checkpoint.info.dataset = Some(dataset)).unwrap();
        classifier.classify_bytes(&png(200, 251)).unwrap().remove(0).name
    };
    assert_eq!(first("folder"), "right");
    assert_eq!(first("fashion-mnist"), "left");
}

/// The file decides how pictures are prepared, and the caller may decide otherwise.
#[test]
fn a_file_says_how_pictures_are_prepared() {
    let of_file =
        altered(|checkpoint| checkpoint.info.input.preparation = Some(Preparation::Garment))
            .unwrap();
    assert_eq!(of_file.preparation(), Preparation::Garment);
    let seen =
        |classifier: &Classifier| classifier.see(&png(200, 251)[..], "sides").unwrap().pixels;
    assert_eq!(seen(&of_file), [55, 4]);
    assert_eq!(seen(&of_file.with_preparation(Preparation::Plain)), [200, 251]);
}

#[test]
fn classes_without_names_have_their_numbers() {
    let classifier = altered(|checkpoint| checkpoint.info.class_names.clear()).unwrap();
    assert_eq!(classifier.class_names(), ["0", "1"]);
}

#[test]
fn models_that_do_not_classify_images() {
    let check = |expected: &str, change: &dyn Fn(&mut Checkpoint)| {
        let found = altered(change).unwrap_err().to_string();
        assert!(found.contains(expected), "expected {expected:?}, found {found:?}");
    };
    check("expected softmax as the last layer", &|checkpoint| {
        let architecture = Architecture::new(2, &[Layer::dense(2)]).unwrap();
        checkpoint.model = Model::new(architecture, Init::He, 0);
    });
    check("no image size", &|checkpoint| checkpoint.info.input.image = None);
    check("no scaling", &|checkpoint| checkpoint.info.input.scaling = None);
    check("the model takes 2 pixels, the image has 4", &|checkpoint| {
        checkpoint.info.input.image = Some(Shape::image(2, 2));
    });
}

#[test]
fn images_that_do_not_fit() {
    let classifier = Classifier::new(checkpoint()).unwrap();
    let found = classifier.classify_pixels(&[1, 2, 3]).unwrap_err().to_string();
    assert_eq!(found, "the model takes 2 pixels, the image has 3");
    let huge = altered(|checkpoint| checkpoint.model.params_mut().fill(f32::MAX)).unwrap();
    let found = huge.classify_pixels(&[255, 255]).unwrap_err();
    assert!(matches!(found, Error::NotFinite), "{found}");
}

/// A small classifier of synthetic garments that says when it is sure, and garments that it never saw.
fn calibrated() -> (Classifier, Split) {
    let data = garments::synthetic(0, 3_000, 500);
    let (train, held_out) = data.train.clone().hold_out(500);
    let model = Model::classifier(&[784, 48, 10]).unwrap();
    let mut trainer = Trainer::builder(model).batch_size(50).build().unwrap();
    trainer.fit(&train, Some(&held_out), 6).unwrap();
    let CheckpointRef { model, info, training } = trainer.checkpoint();
    let mut checkpoint =
        Checkpoint { model: model.clone(), info: info.clone(), training: training.cloned() };
    let found = calibrate(&mut checkpoint, data.train.clone()).unwrap();
    assert!(found.error <= found.error_before + 0.005, "{found:?}");
    assert!((0.03..=0.055).contains(&found.rejected), "{found:?}");

    // A file may say anything.
    let refused = |change: &dyn Fn(&mut Checkpoint)| {
        let mut changed = checkpoint.clone();
        change(&mut changed);
        calibrate(&mut changed, data.train.clone()).unwrap_err().to_string()
    };
    let inference = refused(&|it| *it = it.clone().into_inference().unwrap());
    assert!(inference.contains("for inference only"), "{inference}");
    for (n, words) in [(40, "expected 100 or more held-out images, found 40"), (3_000, "3000")] {
        let message = refused(&|it| it.info.n_validation = n);
        assert!(message.contains(words), "{message}");
    }
    let huge = refused(&|it| it.model.params_mut().fill(f32::MAX));
    assert!(huge.contains("not finite"), "{huge}");
    let other = garments::synthetic(1, 300, 10).train;
    let words = calibrate(&mut checkpoint.clone(), other).unwrap_err().to_string();
    assert!(words.contains("not the one of the saved run"), "{words}");

    // More training makes the measurement void.
    let CheckpointRef { model, info, training } = checkpoint.view();
    let (model, state) = (model.clone(), training.unwrap().clone());
    let mut resumed =
        Trainer::from_parts(model, state, info.clone(), Threads::all().unwrap()).unwrap();
    resumed.fit(&train, Some(&held_out), 6).unwrap();
    assert!(resumed.info().decision.is_some());
    resumed.fit(&train, Some(&held_out), 7).unwrap();
    assert_eq!(resumed.info().decision, None);
    (Classifier::new(checkpoint).unwrap(), data.test)
}

#[test]
fn strange_images_are_not_sure() {
    let (classifier, test) = calibrated();
    let answer =
        |pixels: Vec<u8>| classifier.answer(&Seen { pixels, finding: Finding::Whole }).unwrap();
    let is_sure = |pixels: &[u8]| answer(pixels.to_vec()).doubt.is_none();
    let sure = test.images.iter().filter(|pixels| is_sure(pixels)).count();
    assert!(sure >= 460, "sure of {sure} of 500 garments");

    let is_unlike = |name: &str, is_white: fn(usize, usize) -> bool| {
        let pixels = (0..784).map(|i| if is_white(i % 28, i / 28) { 255 } else { 0 }).collect();
        let found = answer(pixels);
        assert_eq!(found.doubt, Some(Doubt::Unlike), "{name}: {found:?}");
        assert_eq!(found.doubt.unwrap().to_string(), "unlike the training images");
    };
    is_unlike("stripes", |x, _| x / 2 % 2 == 0);
    is_unlike("a chessboard", |x, y| (x / 4 + y / 4) % 2 == 0);
    is_unlike("noise", |x, y| (x * 7919 + y * 104_729) % 13 < 6);
    is_unlike("a cross", |x, y| x.abs_diff(y) < 2 || (x + y).abs_diff(27) < 2);
    for tone in [0, 255] {
        assert_eq!(answer(vec![tone; 784]).doubt, Some(Doubt::NothingFound));
    }
    // What was found in the picture counts as well.
    let garment = test.images.iter().find(|pixels| is_sure(pixels)).unwrap().to_vec();
    let object = Object {
        x: 3,
        y: 4,
        width: 9,
        height: 8,
        is_negated: true,
        fills_picture: false,
        ground: None,
    };
    let doubt = |pixels: &[u8], finding| {
        classifier.answer(&Seen { pixels: pixels.to_vec(), finding }).unwrap().doubt
    };
    assert_eq!(doubt(&garment, Finding::Nothing), Some(Doubt::NothingFound));
    assert_eq!(doubt(&garment, Finding::Object(object)), Some(Doubt::TooSmall));
    let whole = Object { width: 90, fills_picture: true, ..object };
    assert_eq!(doubt(&garment, Finding::Object(whole)), None);
    let stripes: Vec<u8> = (0..784).map(|i| if i % 4 < 2 { 255 } else { 0 }).collect();
    assert_eq!(doubt(&stripes, Finding::Object(whole)), Some(Doubt::FillsPicture));

    // The caller may ask for more or less.
    let score = answer(garment.clone()).score.unwrap();
    let seen = Seen { pixels: garment, finding: Finding::Whole };
    for (threshold, doubt) in [(score - 0.1, None), (score + 0.1, Some(Doubt::Unlike))] {
        let classifier = classifier.clone().with_threshold(threshold);
        assert_eq!(classifier.answer(&seen).unwrap().doubt, doubt);
    }
}
