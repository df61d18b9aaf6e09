use nn_core::{Architecture, Init, Layer, Model};
use nn_io::{Checkpoint, ModelInfo};
use nn_train::decision::{Decision, Distance};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, decided, edited_in, pairs, refused, seal_header, tensors};

/// A changed checkpoint must be refused when it is written, with these words.
#[track_caller]
fn cannot_write(change: impl FnOnce(&mut Checkpoint), words: &str) {
    let mut checkpoint = decided();
    change(&mut checkpoint);
    let error = checkpoint.view().to_bytes().expect_err("written");
    fixture::mentions(&error, &[words]).unwrap();
}

fn decision(checkpoint: &mut Checkpoint) -> &mut Decision {
    checkpoint.info.decision.as_mut().unwrap()
}

fn features(checkpoint: &mut Checkpoint) -> &mut Distance {
    decision(checkpoint).features.as_mut().unwrap()
}

/// A file for inference keeps it, and so does a model without a hidden layer, which has no features.
#[test]
fn with_and_without_training_and_hidden_layers() {
    let mut checkpoint = decided();
    checkpoint.training = None;
    let bytes = checkpoint.view().to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
    checkpoint.info.decision = None;
    let without = checkpoint.view().to_bytes().unwrap();
    assert_eq!((tensors(&bytes).len(), tensors(&without).len()), (8, 4));

    let architecture = Architecture::new(4, &[Layer::dense(2), Layer::SOFTMAX]).unwrap();
    let mut flat = decided();
    decision(&mut flat).features = None;
    let model = Model::new(architecture, Init::He, 0);
    let flat = Checkpoint { model, info: flat.info, training: None };
    let bytes = flat.view().to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), flat);
}

#[test]
fn what_cannot_be_written() {
    for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        cannot_write(|it| decision(it).temperature = temperature, "decision.temperature");
    }
    for threshold in [f64::NAN, f64::NEG_INFINITY] {
        cannot_write(|it| decision(it).threshold = threshold, "decision.threshold");
    }
    cannot_write(|it| decision(it).energy.low = 5.5, "decision.scales[0]");
    cannot_write(|it| decision(it).image.scale.median = f64::INFINITY, "decision.scales[1]");
    cannot_write(|it| features(it).scale.low = f64::NAN, "decision.scales[2]");
    cannot_write(|it| decision(it).image.centres[3] = f32::NAN, "decision.image_centres");
    cannot_write(|it| features(it).whitening[0] = f32::INFINITY, "decision.feature_whitening");
    cannot_write(|it| features(it).whitening.truncate(5), "decision.feature_whitening");
    cannot_write(|it| decision(it).features = None, "decision.feature_centres");
    cannot_write(|it| it.info.input.image = None, "as the model does not classify images");
    cannot_write(
        |it| {
            let architecture = Architecture::new(4, &[Layer::dense(2)]).unwrap();
            let info = ModelInfo { class_names: Vec::new(), ..it.info.clone() };
            *it = Checkpoint { model: Model::new(architecture, Init::He, 0), info, training: None };
        },
        "as the model does not classify images",
    );
}

fn scales(decision: &mut Value) -> &mut Vec<Value> {
    match pairs(decision).iter_mut().find(|(key, _)| key.as_str() == Some("scales")) {
        Some((_, Value::Array(scales))) => scales,
        _ => panic!("no scales"),
    }
}

/// Numbers that are missing, too many or of another type; tensors of another shape; the feature without the key.
#[test]
fn what_is_refused() {
    let mut tally =
        Tally::new("A8", "decisions: keys, scales, tensors and the feature that do not agree");
    let file = decided().view().to_bytes().unwrap();
    let mut changed = |words: &str, change: &dyn Fn(&mut Value)| {
        let file = edited_in(&file, |metadata| change(at(metadata, "decision")));
        tally.case(|| refused(&file, &[words]));
    };
    for key in ["temperature", "threshold", "scales"] {
        changed("missing field", &|map| {
            pairs(map).retain(|(found, _)| found.as_str() != Some(key));
        });
    }
    changed("expected 3 scales", &|map| drop(scales(map).pop()));
    changed("expected a list of at most 3", &|map| {
        let more = scales(map)[0].clone();
        scales(map).push(more);
    });
    changed("not in the form", &|map| pairs(map).push(("new".into(), 1.into())));
    for mut file in [file.clone(), fixture::bytes()] {
        file[15] ^= 128;
        seal_header(&mut file);
        tally.case(|| refused(&file, &["required features"]));
    }
    let wrong = edited_in(&file, |metadata| {
        let Value::Array(tensors) = at(metadata, "tensors") else { panic!("no tensors") };
        pairs(tensors.last_mut().unwrap())[1].1 = Value::Array(vec![2.into(), 3.into()]);
    });
    tally.case(|| refused(&wrong, &["\"decision.feature_whitening\" of shape [6]"]));
    tally.case(|| {
        let loaded = Checkpoint::from_bytes(&file).map_err(Failure::lost)?;
        ensure(loaded == decided(), || Failure::torn("another decision"))
    });
    tally.finish();
}
