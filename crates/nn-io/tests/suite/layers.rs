use nn_core::{Activation, Architecture, Buffer, Layer, Model};
use nn_io::{Checkpoint, Error};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, edited_in, newer, pairs, refused, stable, with_float_in};
use crate::fuller::{self, every_layer};

/// The file of a network with a dense layer, this layer, and a softmax.
fn one(kind: Layer) -> Vec<u8> {
    fuller::of(network(kind)).view().to_bytes().unwrap()
}

fn network(kind: Layer) -> Architecture {
    Architecture::new(4, &[Layer::dense(2), kind, Layer::SOFTMAX]).unwrap()
}

/// Each kind of layer except dense layers, ReLU and softmax.
fn others() -> impl Iterator<Item = Layer> {
    let known = ["dense", "relu", "softmax"];
    every_layer().into_iter().filter(move |layer| !known.contains(&layer.name()))
}

/// The file of [`one`] layer, with the map of its settings changed.
fn edited(kind: Layer, edit: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
    let path = format!("layers.1.{}", kind.name());
    edited_in(&one(kind), |metadata| edit(pairs(at(metadata, &path))))
}

fn settings(kind: Layer) -> Vec<String> {
    let mut keys = Vec::new();
    edited(kind, |map| keys = map.iter().map(|(key, _)| key.as_str().unwrap().into()).collect());
    keys
}

fn with_setting(kind: Layer, setting: &str, value: f64) -> Vec<u8> {
    edited(kind, |map| {
        map.iter_mut().find(|(key, _)| key.as_str() == Some(setting)).unwrap().1 = value.into();
    })
}

/// Loading gives what was saved, and saving that gives the same bytes.
#[test]
fn round_trips() {
    for kind in others() {
        let checkpoint = fuller::of(network(kind));
        let bytes = one(kind);
        let loaded = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(loaded, checkpoint);
        assert_eq!(loaded.view().to_bytes().unwrap(), bytes);
        assert_eq!(bytes[15..19], [4, 0, 0, 0], "{}", kind.name());
    }
    assert_eq!(others().count(), 11, "every other kind of layer, and batch normalisation twice");
    assert_eq!(one(Layer::RELU)[15], 0);
}

/// The tensors are in the order of FORMAT.md, section 4.
#[test]
fn tensors() {
    let bytes = fuller::layers().view().to_bytes().unwrap();
    let mut metadata = fixture::metadata_of(&bytes);
    let Value::Array(list) = at(&mut metadata, "tensors") else { panic!("no list") };
    let name = |tensor: &mut Value| at(tensor, "name").as_str().unwrap().to_owned();
    let names: Vec<String> = list.iter_mut().map(name).collect();
    let of = |layer: &str, parts: [&str; 2]| parts.map(|part| format!("{layer}.{part}"));
    let dense = |n: usize| of(&format!("dense{n}"), ["weights", "biases"]);
    let norm = |layer: &str| of(layer, ["scales", "shifts"]);
    let statistics = |layer: &str| of(layer, ["means", "variances"]);
    let expected = [
        dense(0),
        norm("layer_norm0"),
        dense(1),
        norm("batch_norm0"),
        dense(2),
        norm("batch_norm1"),
        dense(3),
        dense(4),
        dense(5),
        dense(6),
        dense(7),
        statistics("batch_norm0"),
        statistics("batch_norm1"),
        ["adam.m".into(), "adam.v".into()],
    ];
    assert_eq!(names, expected.concat());
    assert_eq!(*at(&mut list[4], "shape"), Value::Array(vec![4.into(), 5.into()]));
    assert_eq!(*at(&mut list[6], "shape"), Value::Array(vec![5.into()]));
}

#[test]
fn settings_outside_their_range() {
    let mut tally = Tally::new("A11", "numbers: settings of each layer outside their range");
    let slopes = [f64::NAN, f64::INFINITY, 1e6, -1e6 - 1e-9];
    let rates = [f64::NAN, -5e-324, 1.0, 1.0 - 1e-9, 2.0];
    // The last two are 0 and infinite in 32 bits.
    let epsilons = [f64::NAN, f64::INFINITY, 0.0, -1e-5, 1e-60, 1e39];
    let momenta = [f64::NAN, 0.0, -0.1, 1.0 + f64::EPSILON, 1e-60];
    for kind in others() {
        for setting in settings(kind) {
            let values: &[f64] = match setting.as_str() {
                "slope" | "alpha" => &slopes,
                "rate" => &rates,
                "epsilon" => &epsilons,
                "momentum" => &momenta,
                other => panic!("{other} of {}", kind.name()),
            };
            for &value in values {
                let expected = format!("layers: layer 1: {setting}: expected");
                let file = with_setting(kind, &setting, value);
                tally.case(|| {
                    refused(&file, &[&expected, "found"])?;
                    let error = Checkpoint::from_bytes(&file).unwrap_err();
                    let network = matches!(error, Error::Network(_));
                    ensure(network, || Failure::wrong(format!("{error:?}")))
                });
            }
        }
    }
    for (setting, kind, value) in [
        ("rate", Layer::dropout(0.5), 0.0),
        ("momentum", Layer::BATCH_NORM, 1.0),
        ("alpha", Layer::Activation(Activation::Elu { alpha: 1.0 }), -0.0),
    ] {
        let file = with_setting(kind, setting, value);
        tally.case(|| ensure(stable(&file)?, || Failure::lost(setting)));
    }
    tally.finish();
}

#[test]
fn maps_of_another_kind() {
    let mut tally =
        Tally::new("A7", "keys: those of each layer missing, twice, or of another kind");
    for kind in others() {
        for (i, _) in settings(kind).iter().enumerate() {
            let mut check = |file: Vec<u8>, expected: &str| {
                tally.case(|| refused(&file, &["(metadata)", expected]));
            };
            check(edited(kind, |map| drop(map.remove(i))), "missing field");
            check(edited(kind, |map| map.push(map[i].clone())), "duplicate field");
            check(edited(kind, |map| map[i].1 = Value::Nil), "before here");
            check(edited(kind, |map| map[i].1 = 1.into()), "not in the form");
        }
        let file = edited(kind, |map| map.push(("new".into(), 0.into())));
        tally.case(|| refused(&file, &["(metadata)", "an unknown key"]));
        tally.case(|| {
            let loaded = Checkpoint::from_bytes(&newer(file)).map_err(Failure::lost)?;
            ensure(loaded == fuller::of(network(kind)), || Failure::torn("loaded as another"))
        });
        for other in ["LeakyRelu", "layernorm", "swish"] {
            let file = edited_in(&one(kind), |metadata| {
                pairs(at(metadata, "layers.1"))[0].0 = other.into();
            });
            tally.case(|| refused(&file, &["(metadata)", other]));
            tally.case(|| refused(&newer(file), &["(metadata)", other]));
        }
    }
    tally.finish();
}

/// The first layer must be dense, and the tensors must match the layers.
#[test]
fn layers_that_make_no_network() {
    let mut tally = Tally::new("A15", "without meaning: layers with nothing before them");
    for kind in others() {
        let file = edited_in(&one(kind), |metadata| {
            let Value::Array(list) = at(metadata, "layers") else { panic!("no list") };
            list.swap(0, 1);
        });
        let expected = ["layers[0]: expected a dense layer", &format!("found {}", kind.name())];
        tally.case(|| refused(&file, &expected));
    }
    // If one kind replaces another, the tensors do not match.
    for (kind, other, expected) in [
        (Layer::BATCH_NORM, Layer::LAYER_NORM, "tensors: expected 6 tensors"),
        (Layer::LAYER_NORM, Layer::BATCH_NORM, "tensors: expected 8 tensors"),
        (Layer::RELU, Layer::BATCH_NORM, "required features: expected 0x00000004"),
    ] {
        let theirs = at(&mut fixture::metadata_of(&one(other)), "layers.1").clone();
        let file = edited_in(&one(kind), |metadata| *at(metadata, "layers.1") = theirs);
        tally.case(|| refused(&file, &[expected]));
    }
    tally.finish();
}

#[test]
fn floats_that_no_model_has() {
    let mut tally =
        Tally::new("A11", "numbers: NaN, infinities and negative ones in normalisations");
    let bytes = fuller::layers().view().to_bytes().unwrap();
    let names = [
        (2, "layer_norm0.scales", false),
        (7, "batch_norm0.shifts", false),
        (22, "batch_norm0.means", false),
        (23, "batch_norm0.variances", true),
        (25, "batch_norm1.variances", true),
    ];
    for (tensor, name, of_squares) in names {
        let with = |value| with_float_in(bytes.clone(), tensor, 1, value);
        let place = format!("tensor {name}, element 1: expected a finite number");
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            tally.case(|| refused(&with(value), &[&place]));
        }
        for value in [-1.0, -f32::from_bits(1)] {
            match of_squares {
                true => tally.case(|| refused(&with(value), &[&place, "0 or above"])),
                false => tally.case(|| ensure(stable(&with(value))?, || Failure::lost(name))),
            }
        }
        tally.case(|| ensure(stable(&with(-0.0))?, || Failure::lost(name)));
    }
    // A model in memory may have such values, but a file may not.
    let with = |place: usize, value: f32| {
        let mut checkpoint = fuller::layers();
        let architecture = checkpoint.model.architecture().clone();
        let mut statistics = Buffer::new(0);
        statistics.extend_from_slice(checkpoint.model.statistics());
        statistics[place] = value;
        let mut params = Buffer::new(0);
        params.extend_from_slice(checkpoint.model.params());
        checkpoint.model = Model::from_parts(architecture, params, statistics).unwrap();
        checkpoint.view().to_bytes().map(drop)
    };
    for (place, value, name) in [
        (0, f32::NAN, "tensor batch_norm0.means, element 0"),
        (7, -1.0, "tensor batch_norm0.variances, element 2"),
        (14, f32::INFINITY, "tensor batch_norm1.variances, element 0"),
    ] {
        tally.case(|| match with(place, value) {
            Ok(()) => Err(Failure::torn("written")),
            Err(error) => fixture::mentions(&error, &[name]),
        });
    }
    tally.finish();
}

/// Predictions averaged with mirror images, with and without a run.
#[test]
fn mirror() {
    let mut checkpoint = fixture::checkpoint();
    checkpoint.info.input.mirror = true;
    let error = checkpoint.view().to_bytes().unwrap_err();
    let expected =
        ["tta_flip of the run's settings: expected true, as input.mirror is, found false"];
    fixture::says(&error, &expected);
    checkpoint.training.as_mut().unwrap().config.tta_flip = true;
    let bytes = checkpoint.view().to_bytes().unwrap();
    assert_eq!(bytes[15..19], [8, 0, 0, 0]);
    let loaded = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(loaded, checkpoint);
    assert!(loaded.training.unwrap().config.tta_flip);
    checkpoint.info.input.mirror = false;
    let error = checkpoint.view().to_bytes().unwrap_err();
    fixture::says(&error, &["expected false, as input.mirror is, found true"]);
    checkpoint.info.input.mirror = true;
    checkpoint.training = None;
    let bytes = checkpoint.view().to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
    // The key is left out if it is false.
    let written = |file: &[u8], value: Value| {
        edited_in(file, |metadata| {
            let map = pairs(at(metadata, "input"));
            map.retain(|(key, _)| key.as_str() != Some("mirror"));
            map.push(("mirror".into(), value));
        })
    };
    let plain = fixture::bytes();
    refused(&written(&plain, false.into()), &["(metadata)", "not in the form"]).unwrap();
    assert_eq!(
        Checkpoint::from_bytes(&newer(written(&plain, false.into()))).unwrap(),
        fixture::checkpoint()
    );
    for value in [Value::Nil, 1.into(), "true".into()] {
        refused(&written(&bytes, value), &["(metadata)"]).unwrap();
    }
}
