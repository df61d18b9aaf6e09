use nn_core::{LayerSpec, Model};
use nn_io::{Checkpoint, Error, ErrorKind};
use nn_optim::{Adam, AdamConfig, Schedule};
use nn_train::TrainingState;
use rmpv::Value;

use crate::fixture::{self, refused, says, seal, with};

/// Checks that a checkpoint is not written, with all of this in the message.
#[track_caller]
fn unwritable(change: impl FnOnce(&mut Checkpoint), expected: &[&str]) {
    let mut checkpoint = fixture::checkpoint();
    change(&mut checkpoint);
    let error = checkpoint.view().to_bytes().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadModel);
    says(&error, expected);
}

fn training(checkpoint: &mut Checkpoint) -> &mut TrainingState {
    checkpoint.training.as_mut().unwrap()
}

/// The file with other bits in a float of a tensor, under true checksums.
fn with_float(tensor: usize, element: usize, value: f32) -> Vec<u8> {
    let mut bytes = fixture::bytes();
    let mut start = 64 + fixture::metadata_len(&bytes);
    let len = |bytes: &[u8], at| u32::from_be_bytes(bytes[at + 1..at + 5].try_into().unwrap());
    for _ in 0..tensor {
        start += 5 + len(&bytes, start) as usize;
    }
    let data = start + 5..start + 5 + len(&bytes, start) as usize;
    let before = crc32fast::hash(&bytes[data.clone()]).to_be_bytes();
    let at = data.start + 4 * element;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let after = crc32fast::hash(&bytes[data]).to_be_bytes();
    let crc = bytes.windows(4).position(|window| window == before).unwrap();
    bytes[crc..crc + 4].copy_from_slice(&after);
    seal(&mut bytes);
    bytes
}

#[test]
fn floats_that_no_model_has() {
    let signalling = f32::from_bits(0x7F80_0001);
    for value in [f32::NAN, signalling, f32::INFINITY, f32::NEG_INFINITY] {
        for (tensor, name) in
            ["dense0.weights", "dense0.biases", "dense1.weights"].iter().enumerate()
        {
            refused(
                &with_float(tensor, 1, value),
                &[name, "element 1", "a finite number", "diverged"],
            );
        }
        refused(
            &with_float(4, 22, value),
            &["tensor adam.m, element 22: expected a finite number"],
        );
        refused(&with_float(5, 0, value), &["tensor adam.v, element 0: expected a finite number"]);
        let change = |it: &mut Checkpoint| it.model.params_mut()[14] = value;
        unwritable(change, &["tensor dense0.biases, element 2", "a finite number"]);
    }
    refused(&with_float(5, 3, -1e-30), &["adam.v, element 3", "0 or above"]);
    assert!(Checkpoint::from_bytes(&with_float(4, 3, -1e-30)).is_ok());
    assert!(Checkpoint::from_bytes(&with_float(5, 3, -0.0)).is_ok());
}

/// An optimizer's moments are checked where they are made, but its steps may spoil them.
#[test]
fn moments_that_diverged() {
    let step = |it: &mut Checkpoint, gradient: f32| {
        let n = it.model.params().len();
        let params = &mut vec![0.0; n];
        training(it).optimizer.begin_step(1e-3).apply(params, &vec![gradient; n]);
    };
    unwritable(|it| step(it, f32::NAN), &["tensor adam.m, element 0", "NaN"]);
    unwritable(|it| step(it, 1e30), &["tensor adam.v, element 0", "inf"]);
}

#[test]
fn moments_of_another_network() {
    let change = |it: &mut Checkpoint| {
        training(it).optimizer = Adam::new(AdamConfig::default(), 22).unwrap();
    };
    unwritable(change, &["adam.m: expected 23 elements", "found 22"]);
}

#[test]
fn layers_that_make_no_network() {
    let error = Checkpoint::from_bytes(&with("layers.2.dense.inputs", 5)).unwrap_err();
    assert!(matches!(error, Error::Network(_)));
    says(&error, &["layer 2: expected 3 inputs", "found 5"]);
    refused(&with("layers.0.dense.outputs", 0), &["layer 0", "at least 1 input"]);
    refused(&with("layers", Value::Array(vec![])), &["layer 0: expected a dense layer"]);
    let relu = Value::Map(vec![("relu".into(), Value::Map(vec![]))]);
    refused(&with("layers.0", relu), &["layer 0: expected a dense layer", "found relu"]);
    // Other layers than the tensors are of.
    let layers = LayerSpec::mlp(&[4, 3, 2])[..3].to_vec();
    let mut checkpoint = fixture::checkpoint();
    let params = fixture::buffer(23, |i| i);
    checkpoint.model = Model::from_parts(&layers, params).unwrap();
    assert!(checkpoint.view().to_bytes().is_ok(), "no softmax is a network as well");
}

#[test]
fn inputs_that_do_not_fit() {
    for (width, height) in [(1u64, 2), (2, 1), (0, 4), (1 << 63, 2), (3, 2)] {
        let file = fixture::edited(|metadata| {
            *fixture::at(metadata, "input.width") = width.into();
            *fixture::at(metadata, "input.height") = height.into();
        });
        refused(&file, &["input: expected 4 pixels", &format!("found {width} x {height}")]);
    }
    unwritable(|it| it.info.input.width = 3, &["input: expected 4 pixels", "found 3 x 2"]);
    for mean in [f64::NAN, f64::INFINITY, 0.1, 1e300, 5e-324] {
        refused(&with("input.mean", mean), &["input.mean", "the precision of 32 bits"]);
    }
    unwritable(|it| it.info.input.mean = f32::NAN, &["input.mean"]);
    for std in [0.0, -1.0, f64::from(f32::from_bits(1))] {
        refused(&with("input.std", std), &["input.std", "a number above 0"]);
    }
    unwritable(|it| it.info.input.std = 0.0, &["input.std"]);
}

#[test]
fn names_that_do_not_fit() {
    unwritable(|it| drop(it.info.class_names.pop()), &["class_names: expected 2 names", "found 1"]);
    unwritable(|it| it.info.class_names.push("x".into()), &["expected 2 names", "found 3"]);
    unwritable(|it| it.info.class_names[1].clear(), &["class_names[1]: expected a name"]);
    refused(&with("class_names", Value::Array(vec!["x".into()])), &["expected 2 names"]);
    for hostile in ["\x1b[2J", "a\nb", "\0", "\u{9b}31m", "a\u{202e}b"] {
        let shown = format!("{hostile:?}");
        assert!(shown.contains('\\'), "shown as it is: {hostile}");
        for path in ["class_names.0", "producer", "instruction_set", "dataset.name"] {
            refused(&with(path, hostile), &["no control characters", &shown]);
        }
        unwritable(|it| it.info.producer = hostile.into(), &["producer", &shown]);
    }
    let digits = "0123456789abcdef".repeat(4);
    for sha256 in ["", &digits[1..], &format!("{digits}0"), &digits.to_uppercase()] {
        refused(&with("dataset.sha256", sha256), &["dataset.sha256", "64 lower-case"]);
        unwritable(|it| it.info.dataset.sha256 = sha256.into(), &["dataset.sha256"]);
    }
}

#[test]
fn settings_outside_their_range() {
    let (adam, rate) = ("training.optimizer.adam", "training.schedule.inverse_time");
    for beta in [f64::NAN, f64::INFINITY, 1.0, 2.0, -0.1] {
        refused(&with(&format!("{adam}.beta_1"), beta), &["training: beta_1"]);
        refused(&with(&format!("{adam}.beta_2"), beta), &["training: beta_2"]);
    }
    for epsilon in [f64::NAN, f64::INFINITY, 0.0, -1e-7] {
        refused(&with(&format!("{adam}.epsilon"), epsilon), &["training: epsilon"]);
    }
    for learning_rate in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        refused(&with(&format!("{rate}.learning_rate"), learning_rate), &["learning rate"]);
        let schedule = Schedule::InverseTime { learning_rate, decay: 0.0 };
        unwritable(|it| training(it).schedule = schedule, &["training: learning rate"]);
    }
    for decay in [f64::NAN, f64::INFINITY, -1.0] {
        refused(&with(&format!("{rate}.decay"), decay), &["training: decay"]);
    }
    let error = Checkpoint::from_bytes(&with(&format!("{rate}.decay"), -1.0)).unwrap_err();
    assert!(matches!(error, Error::Optimizer(_)));
    refused(&with("training.config.batch_size", 0), &["batch_size: expected 1 or more"]);
    unwritable(|it| training(it).config.batch_size = 0, &["batch_size: expected 1 or more"]);
}

#[test]
fn progress_that_no_run_makes() {
    for loss in [f64::NAN, f64::INFINITY] {
        refused(&with("training.progress.loss", loss), &["progress.loss", "finite"]);
        unwritable(|it| training(it).progress.sums.loss = loss, &["progress.loss", "finite"]);
    }
    refused(
        &with("training.progress.n_samples", 25),
        &["at most 24, in 3 batches of 8", "found 25"],
    );
    unwritable(|it| training(it).progress.batch = 0, &["n_samples: expected at most 0"]);
    refused(&with("training.progress.correct", 25), &["correct: expected at most 24", "found 25"]);
    refused(&with("training.progress.epoch", 3), &["expected 3 records", "found 2"]);
    unwritable(|it| training(it).progress.epoch = 1, &["expected 1 records", "found 2"]);
}

#[test]
fn history_that_no_run_makes() {
    for record in ["train", "validation"] {
        let path = format!("training.history.0.{record}");
        refused(&with(&format!("{path}.loss"), f64::NAN), &["history[0]", "a finite loss"]);
        for accuracy in [f64::NAN, -0.1, 1.1] {
            refused(&with(&format!("{path}.accuracy"), accuracy), &["an accuracy of 0 to 1"]);
        }
    }
    let path = "training.history.1.learning_rate";
    refused(&with(path, f64::INFINITY), &["history[1]", "a finite learning_rate"]);
    let change = |it: &mut Checkpoint| training(it).history[1].train.loss = f64::NAN;
    unwritable(change, &["history[1]", "a finite loss", "NaN"]);
}
