//! A classifier of two pixels, whose answers are known by hand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fmnist::{Checkpoint, Classifier, Error, Preparation};
use image::GrayImage;
use nn_core::{Architecture, Init, Layer, Model, Scaling, Shape};
use nn_io::{DatasetId, InputSpec, ModelInfo};

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
        let dataset = DatasetId { name: dataset.into(), sha256: "0".repeat(64) };
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
