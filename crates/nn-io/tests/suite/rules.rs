use nn_core::{Architecture, Init, Layer, Model};
use nn_io::{Checkpoint, Error, ErrorKind};
use nn_optim::{Adam, Optimizer};
use nn_train::TrainingState;
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, mentions, refused, stable, with, with_float};

/// Checks that a checkpoint is refused on writing, with all of this in the message.
fn unwritable(change: impl FnOnce(&mut Checkpoint), expected: &[&str]) -> Result<(), Failure> {
    let mut checkpoint = fixture::checkpoint();
    change(&mut checkpoint);
    match checkpoint.view().to_bytes() {
        Ok(_) => Err(Failure::torn(format!("written; expected {expected:?}"))),
        Err(error) => {
            ensure(error.kind() == ErrorKind::BadModel, || Failure::wrong(format!("{error:?}")))?;
            mentions(&error, expected)
        }
    }
}

fn training(checkpoint: &mut Checkpoint) -> &mut TrainingState {
    checkpoint.training.as_mut().unwrap()
}

/// Takes an optimizer step with a gradient whose elements are all the same.
fn step(checkpoint: &mut Checkpoint, gradient: f32) {
    let n = checkpoint.model.params().len();
    let params = &mut vec![0.0; n];
    training(checkpoint).optimizer.begin_step(1e-3).apply(params, &vec![gradient; n]);
}

#[test]
fn floats_that_no_model_has() {
    let mut tally = Tally::new("A11", "numbers: NaN and infinities in weights, biases and moments");
    let (quiet, signalling) = (f32::from_bits(0xFFC0_0001), f32::from_bits(0x7F80_0001));
    for value in [f32::NAN, quiet, signalling, f32::INFINITY, f32::NEG_INFINITY] {
        for (tensor, name) in
            ["dense0.weights", "dense0.biases", "dense1.weights", "dense1.biases", "adam.m"]
                .iter()
                .enumerate()
        {
            let expected = [name, "element 1", "expected a finite number", "diverged"];
            tally.case(|| refused(&with_float(tensor, 1, value), &expected));
        }
        let expected = ["tensor adam.v, element 0: expected a finite number"];
        tally.case(|| refused(&with_float(5, 0, value), &expected));
        let change = |it: &mut Checkpoint| it.model.params_mut()[14] = value;
        let expected = ["tensor dense0.biases, element 2", "a finite number"];
        tally.case(|| unwritable(change, &expected));
    }
    let negative = ["adam.v, element 3", "0 or above"];
    for value in [-1e-30, -f32::from_bits(1), -1.0, f32::MIN] {
        tally.case(|| refused(&with_float(5, 3, value), &negative));
    }
    for (tensor, value) in [(4, -1e-30), (5, -0.0), (5, f32::MAX), (0, f32::from_bits(1))] {
        let lost = || Failure::lost(format!("{value} in tensor {tensor}"));
        tally.case(|| ensure(stable(&with_float(tensor, 3, value))?, lost));
    }
    // An optimizer's moments are checked when it is created, but later steps may make them invalid.
    tally.case(|| unwritable(|it| step(it, f32::NAN), &["tensor adam.m, element 0", "NaN"]));
    tally.case(|| unwritable(|it| step(it, 1e30), &["tensor adam.v, element 0", "inf"]));
    tally.finish();
}

#[test]
fn settings_outside_their_range() {
    let mut tally =
        Tally::new("A11", "numbers: settings of optimizer and schedule outside their range");
    let (adam, rate) = ("training.optimizer.adam", "training.schedule.inverse_time");
    let mut check = |path: &str, value: f64, expected: &str| {
        tally.case(|| refused(&with(path, value), &[expected, "expected", "found"]));
    };
    for beta in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, 2.0, -0.1, -5e-324] {
        check(&format!("{adam}.beta_1"), beta, "training: beta_1");
        check(&format!("{adam}.beta_2"), beta, "training: beta_2");
    }
    // The last is 0 in 32 bits.
    for epsilon in [f64::NAN, f64::INFINITY, 0.0, -0.0, -1e-7, 1e-60] {
        check(&format!("{adam}.epsilon"), epsilon, "training: epsilon");
    }
    for learning_rate in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        check(&format!("{rate}.learning_rate"), learning_rate, "training: learning rate");
    }
    for decay in [f64::NAN, f64::INFINITY, -1.0] {
        check(&format!("{rate}.decay"), decay, "training: decay");
    }
    for learning_rate in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        let change = |it: &mut Checkpoint| training(it).schedule.learning_rate = learning_rate;
        tally.case(|| unwritable(change, &["training: learning rate"]));
    }
    let steps = with(&format!("{adam}.step"), 1u64 << 54);
    tally.case(|| refused(&steps, &["training: ", "at most 2^53, found 18014398509481984"]));
    let batch_size = ["batch_size: expected 1 or more"];
    tally.case(|| refused(&with("training.config.batch_size", 0), &batch_size));
    tally.case(|| unwritable(|it| training(it).config.batch_size = 0, &batch_size));
    tally.finish();
}

#[test]
fn moments_of_another_network() {
    let change = |it: &mut Checkpoint| {
        training(it).optimizer = Optimizer::new(Adam::default(), 22).unwrap();
    };
    unwritable(change, &["adam.m: expected 23 elements", "found 22"]).unwrap();
}

#[test]
fn layers_that_make_no_network() {
    let mut tally = Tally::new("A15", "without meaning: layers that do not fit each other");
    let error = Checkpoint::from_bytes(&with("layers.2.dense.inputs", 5)).unwrap_err();
    assert!(matches!(error, Error::Value { field, .. } if field == "layers[2].dense.inputs"));
    let error = Checkpoint::from_bytes(&with("layers.0.dense.outputs", 0)).unwrap_err();
    assert!(matches!(error, Error::Network(nn_core::Error::LayerSetting { layer: 0, .. })));
    let mut check = |path: &str, value: Value, expected: &[&str]| {
        tally.case(|| refused(&with(path, value), expected));
    };
    let kind = |kind: &str| Value::Map(vec![(kind.into(), Value::Map(vec![]))]);
    check("layers.2.dense.inputs", 5.into(), &["layers[2].dense.inputs: expected 3", "found 5"]);
    check("layers.0.dense.inputs", 0.into(), &["layers: expected samples of 1 feature or more"]);
    check("layers.0.dense.outputs", 0.into(), &["layer 0: outputs: expected 1 or more", "found 0"]);
    check("layers", Value::Array(vec![]), &["layers[0]: expected a dense layer", "found none"]);
    check("layers.0", kind("relu"), &["layers[0]: expected a dense layer", "found relu"]);
    check("layers.0", kind("softmax"), &["layers[0]: expected a dense layer", "found softmax"]);
    check("layers.2", kind("relu"), &["tensors: expected 4"]);
    tally.finish();
    // A network without a softmax at the end.
    let architecture = Architecture::new(4, &Layer::mlp(&[3, 2])[..3]).unwrap();
    let mut checkpoint = fixture::checkpoint();
    let params = fixture::buffer(23, |i| i);
    checkpoint.model = Model::from_parts(architecture, params, nn_core::zeros(0)).unwrap();
    assert!(checkpoint.view().to_bytes().is_ok(), "a network needs no softmax");
    // The first layer of a file must be dense, since it has the number of inputs.
    let architecture = Architecture::new(4, &[Layer::RELU, Layer::dense(2)]).unwrap();
    let change = |it: &mut Checkpoint| it.model = Model::new(architecture, Init::He, 0);
    unwritable(change, &["layers[0]: expected a dense layer", "found relu"]).unwrap();
}

#[test]
fn inputs_and_outputs_that_do_not_fit() {
    let mut tally = Tally::new("A15", "without meaning: scaling and class names");
    let change = |it: &mut Checkpoint| it.info.input.image.as_mut().unwrap().width = 3;
    tally.case(|| unwritable(change, &["input: expected 4 pixels", "found 3 x 2"]));
    for mean in [f64::NAN, f64::INFINITY, 0.1, 1e300, 5e-324] {
        let expected = ["input.mean", "the precision of 32 bits"];
        tally.case(|| refused(&with("input.mean", mean), &expected));
    }
    tally.case(|| unwritable(|it| fixture::scaling(it).mean = f32::NAN, &["input.mean"]));
    for std in [0.0, -1.0, f64::from(f32::from_bits(1))] {
        tally.case(|| refused(&with("input.std", std), &["input.std", "a number above 0"]));
    }
    tally.case(|| unwritable(|it| fixture::scaling(it).std = 0.0, &["input.std"]));
    let (one, three) = (["expected 2 names", "found 1"], ["expected 2 names", "found 3"]);
    let names = |n| Value::Array(vec!["x".into(); n]);
    tally.case(|| refused(&with("class_names", names(1)), &one));
    tally.case(|| refused(&with("class_names", names(3)), &three));
    tally.case(|| refused(&with("class_names.1", ""), &["class_names[1]: expected a name"]));
    tally.case(|| unwritable(|it| drop(it.info.class_names.pop()), &one));
    tally.case(|| unwritable(|it| it.info.class_names.push("x".into()), &three));
    tally.case(|| unwritable(|it| it.info.class_names[1].clear(), &["class_names[1]"]));
    tally.finish();
}

#[test]
fn impossible_progress() {
    let mut tally = Tally::new("A15", "without meaning: impossible progress");
    for loss in [f64::NAN, f64::INFINITY] {
        let expected = ["progress.loss", "finite"];
        tally.case(|| refused(&with("training.progress.loss", loss), &expected));
        tally.case(|| unwritable(|it| training(it).progress.sums.loss = loss, &expected));
    }
    let samples = ["at most 24, in 3 batches of 8", "found 25"];
    tally.case(|| refused(&with("training.progress.n_samples", 25), &samples));
    let none = ["n_samples: expected at most 0"];
    tally.case(|| unwritable(|it| training(it).progress.batch = 0, &none));
    let correct = ["correct: expected at most 24", "found 25"];
    tally.case(|| refused(&with("training.progress.correct", 25), &correct));
    let records = ["expected 3 records", "found 2"];
    tally.case(|| refused(&with("training.progress.epoch", 3), &records));
    let records = ["expected 1 records", "found 2"];
    tally.case(|| unwritable(|it| training(it).progress.epoch = 1, &records));
    tally.finish();
}

#[test]
fn impossible_history() {
    let mut tally = Tally::new("A15", "without meaning: an impossible history");
    for record in ["train", "validation"] {
        let path = format!("training.history.0.{record}");
        let loss = with(&format!("{path}.loss"), f64::NAN);
        tally.case(|| refused(&loss, &["history[0]", "a finite loss"]));
        for accuracy in [f64::NAN, -0.1, 1.1] {
            let file = with(&format!("{path}.accuracy"), accuracy);
            tally.case(|| refused(&file, &["history[0]", "an accuracy of 0 to 1"]));
        }
    }
    let file = with("training.history.1.learning_rate", f64::INFINITY);
    tally.case(|| refused(&file, &["history[1]", "a finite learning_rate"]));
    let change = |it: &mut Checkpoint| training(it).history[1].train.loss = f64::NAN;
    tally.case(|| unwritable(change, &["history[1]", "a finite loss", "NaN"]));
    tally.finish();
}
