use nn_core::{Architecture, Init, Layer, Model, Scaling, Shape};
use nn_io::{Checkpoint, ModelInfo, Preparation};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, edited, newer, pairs, refused, seal_header, stable};
use crate::fuller;

/// The feature bit of a file that lacks something that every image classifier has.
const PARTIAL: u8 = 32;

/// The file without these keys, each given by the path of its map and its name. The header has the feature bit.
fn without(keys: &[(&str, &str)]) -> Vec<u8> {
    let mut file = edited(|metadata| {
        for &(path, key) in keys {
            let map = if path.is_empty() { &mut *metadata } else { at(metadata, path) };
            pairs(map).retain(|(found, _)| found.as_str() != Some(key));
        }
    });
    file[15] = PARTIAL;
    seal_header(&mut file);
    file
}

const SIZE: [(&str, &str); 2] = [("input", "width"), ("input", "height")];
const SCALING: [(&str, &str); 2] = [("input", "mean"), ("input", "std")];
const CLASSES: [(&str, &str); 1] = [("", "class_names")];
const DATASET: [(&str, &str); 1] = [("", "dataset")];

/// Any of these keys may be absent, in any combination. The header then has the feature bit.
#[test]
fn any_may_be_absent() {
    for bits in 0..16 {
        let mut checkpoint = fixture::checkpoint();
        let info = &mut checkpoint.info;
        let mut keys = Vec::new();
        if bits & 1 != 0 {
            info.input.image = None;
            keys.extend(SIZE);
        }
        if bits & 2 != 0 {
            info.input.scaling = None;
            keys.extend(SCALING);
        }
        if bits & 4 != 0 {
            info.class_names.clear();
            keys.extend(CLASSES);
        }
        if bits & 8 != 0 {
            info.dataset = None;
            keys.extend(DATASET);
        }
        let file = checkpoint.view().to_bytes().unwrap();
        assert_eq!(file[15..19], [if bits == 0 { 0 } else { PARTIAL }, 0, 0, 0]);
        assert_eq!(Checkpoint::from_bytes(&file).unwrap(), checkpoint);
        if bits != 0 {
            assert_eq!(file, without(&keys));
        }
    }
}

/// Keys that must be present together, and those of images without an image.
#[test]
fn halves() {
    let mut tally = Tally::new(
        "A15",
        "without meaning: half of a size or of a scaling, mirrored or prepared tables",
    );
    for keys in [SIZE, SCALING] {
        let [(_, first), (_, second)] = keys;
        for (missing, there) in [(first, second), (second, first)] {
            let other = if keys == SIZE { SCALING } else { SIZE };
            let file = without(&[&[("input", missing)][..], &other[..]].concat());
            let both = format!("expected both {first} and {second}, or neither");
            let found = format!("found {there} without {missing}");
            tally.case(|| refused(&file, &["input: ", &both, &found]));
            tally.case(|| refused(&newer(file), &[&both, &found]));
        }
    }
    let mut checkpoint = fuller::table();
    checkpoint.info.input.mirror = true;
    checkpoint.training.as_mut().unwrap().config.tta_flip = true;
    let mut prepared = fuller::table();
    prepared.info.input.preparation = Some(Preparation::Plain);
    for (checkpoint, key) in [(checkpoint, "mirror"), (prepared, "preparation")] {
        let words = format!("input.{key}: expected none, as the input is not an image");
        tally.case(|| match checkpoint.view().to_bytes() {
            Ok(_) => Err(Failure::torn("written")),
            Err(error) => fixture::mentions(&error, &[&words]),
        });
    }
    tally.finish();
}

/// An absent value must be left out, and not written as `nil` or as an empty list.
#[test]
fn absent_values_are_not_written() {
    let mut tally = Tally::new("A12", "another type: nil and empty lists for absent values");
    for (keys, value) in [
        (&SIZE[..], Value::Nil),
        (&SCALING, Value::Nil),
        (&CLASSES, Value::Array(Vec::new())),
        (&DATASET, Value::Nil),
    ] {
        let mut file = edited(|metadata| {
            for &(path, key) in keys {
                let map = if path.is_empty() { &mut *metadata } else { at(metadata, path) };
                *at(map, key) = value.clone();
            }
        });
        file[15] = PARTIAL;
        seal_header(&mut file);
        tally.case(|| refused(&file, &["(metadata)", "not in the form"]));
        // A newer minor version need not follow the form.
        tally.case(|| ensure(stable(&newer(file))?, || Failure::lost("refused")));
    }
    tally.finish();
}

/// The rules hold for the keys that are present, even if others are absent.
#[test]
fn the_rules_of_present_keys() {
    let unwritable = |change: &dyn Fn(&mut ModelInfo), expected: &str| {
        let mut checkpoint = fuller::table();
        change(&mut checkpoint.info);
        fixture::says(&checkpoint.view().to_bytes().unwrap_err(), &[expected]);
    };
    let image = Some(Shape::image(2, 3));
    unwritable(&|it| it.input.image = image, "input: expected 4 pixels");
    let scaling = Some(Scaling { mean: 0.0, std: 0.0 });
    unwritable(&|it| it.input.scaling = scaling, "input.std: expected a number above 0");
    unwritable(&|it| it.class_names.push("rent".into()), "class_names: expected 2 names");
    let mut checkpoint = fuller::table();
    checkpoint.info.class_names = vec!["rent".into(), "area".into()];
    let file = checkpoint.view().to_bytes().unwrap();
    assert_eq!(
        Checkpoint::from_bytes(&file).unwrap(),
        checkpoint,
        "outputs of a regressor may have names"
    );
}

/// Without class names, there may be more outputs than the limit on class names.
#[test]
fn many_outputs() {
    let architecture = Architecture::new(2, &[Layer::dense(3000)]).unwrap();
    let model = Model::new(architecture, Init::He, 0);
    let checkpoint = Checkpoint { model, info: ModelInfo::default(), training: None };
    let file = checkpoint.view().to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&file).unwrap(), checkpoint);
}
