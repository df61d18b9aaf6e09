use nn_core::{Architecture, Init, Layer, Model, Scaling, Shape};
use nn_io::{Checkpoint, ModelInfo, Preparation};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, edited, edited_in, newer, pairs, refused, seal_header, stable};
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

/// The file with these required features, of the first two bytes.
fn with_features(mut file: Vec<u8>, features: [u8; 2]) -> Vec<u8> {
    file[15..17].copy_from_slice(&features);
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
        "without meaning: half of a size or of a scaling, mirrored, prepared or coloured tables",
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
    let coloured = edited_in(&fuller::coloured().view().to_bytes().unwrap(), |metadata| {
        pairs(at(metadata, "input")).drain(..2);
    });
    let words = "input.channels: expected none, as the input is not an image, found some";
    for file in [with_features(coloured.clone(), [96, 0]), newer(with_features(coloured, [96, 0]))]
    {
        tally.case(|| refused(&file, &[words]));
    }
    tally.finish();
}

/// A pixel has one channel or three, and a size in channels that the first layer takes.
#[test]
fn channels() {
    let mut tally = Tally::new("A15", "without meaning: channels of a pixel, and their number");
    let file = fuller::coloured().view().to_bytes().unwrap();
    let with =
        |value: Value| edited_in(&file, |metadata| *at(metadata, "input.channels") = value.clone());
    for n in [0, 2, 4, 256, u64::MAX] {
        let words = ["input.channels: expected none (1, grey) or 3", &format!("found {n}")];
        tally.case(|| refused(&with(n.into()), &words));
    }
    for other in [Value::Nil, 3.0.into(), "3".into(), Value::Array(vec![3.into()])] {
        tally.case(|| refused(&with(other), &["(metadata)"]));
    }
    // The default is left out.
    let grey =
        edited(|metadata| pairs(at(metadata, "input")).insert(2, ("channels".into(), 1.into())));
    tally.case(|| refused(&grey, &["(metadata)", "not in the form"]));
    tally.case(|| fixture::loads(&newer(grey)));
    let grey = with_features(with(1.into()), [0, 0]);
    let words = ["input: expected 12 pixels, as the first layer takes, found 2 x 2"];
    tally.case(|| refused(&newer(grey), &words));
    for (width, height) in [(2, 3), (4, 3), (1 << 62, 4), (u64::MAX, u64::MAX)] {
        let file = edited_in(&file, |metadata| {
            *at(metadata, "input.width") = width.into();
            *at(metadata, "input.height") = height.into();
        });
        let found = format!("found {width} x {height} x 3");
        tally.case(|| refused(&file, &["input: expected 12 values", &found]));
    }
    for channels in [0, 2, 4, 12] {
        let mut checkpoint = fuller::coloured();
        checkpoint.info.input.image =
            Some(Shape { height: 1, width: 12 / channels.max(1), channels });
        tally.case(|| match checkpoint.view().to_bytes() {
            Ok(_) => Err(Failure::torn("written")),
            Err(error) => fixture::mentions(&error, &["input.channels"]),
        });
    }
    // A decision compares pixels, whatever their channels are.
    let mut decided = fuller::coloured();
    decided.info.decision = fixture::decided().info.decision;
    for checkpoint in [fuller::coloured(), decided] {
        tally.case(|| {
            let file = checkpoint.view().to_bytes().map_err(Failure::lost)?;
            let loaded = Checkpoint::from_bytes(&file).map_err(Failure::lost)?;
            ensure(loaded == checkpoint, || Failure::torn("another checkpoint"))
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
