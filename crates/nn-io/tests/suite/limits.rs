use nn_core::{Architecture, Layer, Loss, Model, Penalty, Shape};
use nn_io::{Checkpoint, Error, ErrorKind, check_size, limits};
use nn_optim::{Adam, AdamW, Decay, OptimizerConfig, Schedule};
use nn_train::{Best, RunConfig, TrainingState};
use rmpv::Value;

use crate::fixture::{self, edited, refused, says, seal_header, with, with_metadata};
use crate::fuller;

#[track_caller]
fn too_large(error: Error, expected: &[&str]) {
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    says(&error, expected);
}

#[track_caller]
fn unwritable(change: impl FnOnce(&mut Checkpoint), expected: &[&str]) {
    let mut checkpoint = fixture::checkpoint();
    change(&mut checkpoint);
    too_large(checkpoint.view().to_bytes().unwrap_err(), expected);
}

/// A chain of dense layers of one unit.
fn deep(layers: usize) -> Architecture {
    Architecture::new(1, &vec![Layer::dense(1); layers]).unwrap()
}

/// A checkpoint of a network with this many pixels and class names.
fn wide(architecture: Architecture, inputs: usize, outputs: usize) -> Checkpoint {
    let params = nn_core::zeros(architecture.n_params());
    let mut checkpoint = fixture::checkpoint();
    checkpoint.model = Model::from_parts(architecture, params, nn_core::zeros(0)).unwrap();
    checkpoint.info.input.image = Some(Shape::image(1, inputs));
    checkpoint.info.class_names = (0..outputs).map(|i| format!("class {i}")).collect();
    checkpoint.training = None;
    checkpoint
}

#[track_caller]
fn round_trips(checkpoint: &Checkpoint) {
    let bytes = checkpoint.view().to_bytes().unwrap();
    assert!(Checkpoint::from_bytes(&bytes).unwrap() == *checkpoint);
}

#[test]
fn layers() {
    round_trips(&wide(deep(256), 1, 1));
    let error = wide(deep(257), 1, 1).view().to_bytes().unwrap_err();
    too_large(error, &["layers: expected at most 256, found 257"]);
    too_large(check_size(&deep(257), None).unwrap_err(), &["layers", "found 257"]);
    let relu = Value::Map(vec![("relu".into(), Value::Map(vec![]))]);
    refused(&with("layers", Value::Array(vec![relu; 257])), &["at most 256"]).unwrap();
}

#[test]
fn width() {
    let network = |n: usize| Architecture::new(n, &[Layer::dense(1)]).unwrap();
    round_trips(&wide(network(1 << 24), 1 << 24, 1));
    let error = wide(network((1 << 24) + 1), (1 << 24) + 1, 1).view().to_bytes().unwrap_err();
    too_large(error, &["inputs of layer 0: expected at most 16777216, found 16777217"]);
    for n in [(1 << 24) + 1, 1 << 32, u64::MAX] {
        for field in ["inputs", "outputs"] {
            let found = format!("{field} of layer 0: expected at most 16777216, found {n}");
            refused(&with(&format!("layers.0.dense.{field}"), n), &[&found]).unwrap();
        }
    }
}

#[test]
fn classes() {
    let network = |n| Architecture::new(4, &[Layer::dense(n)]).unwrap();
    round_trips(&wide(network(1000), 4, 1000));
    let error = wide(network(1001), 4, 1001).view().to_bytes().unwrap_err();
    too_large(error, &["classes: expected at most 1000, found 1001"]);
    // Outputs without names do not count as classes.
    let mut checkpoint = wide(network(1001), 4, 0);
    check_size(&network(1001), None).unwrap();
    round_trips(&checkpoint);
    let weights = RunConfig { class_weights: vec![1.0; 1001], ..RunConfig::default() };
    let run = Some((&OptimizerConfig::default(), &weights));
    let expected = ["class weights: expected at most 1000, found 1001"];
    too_large(check_size(&network(1001), run).unwrap_err(), &expected);
    let (model, adam) = (&checkpoint.model, OptimizerConfig::default());
    let plain = RunConfig { loss: Loss::MeanSquaredError, ..RunConfig::default() };
    let mut state = TrainingState::new(model, adam, Schedule::book(), plain).unwrap();
    state.config = weights;
    checkpoint.training = Some(state);
    too_large(checkpoint.view().to_bytes().unwrap_err(), &expected);
    let names = Value::Array(vec!["x".into(); 1001]);
    refused(&with("class_names", names), &["at most 1000"]).unwrap();
}

#[test]
fn strings() {
    let longest = "x".repeat(255);
    let longer = "x".repeat(256);
    let paths = ["producer", "instruction_set", "class_names.0", "dataset.name"];
    for path in paths {
        assert!(Checkpoint::from_bytes(&with(path, longest.as_str())).is_ok());
        refused(&with(path, longer.as_str()), &["bytes of ", "at most 255, found 256"]).unwrap();
    }
    unwritable(|it| it.info.producer = longer.clone(), &["bytes of producer"]);
    unwritable(|it| it.info.instruction_set = longer.clone(), &["bytes of instruction_set"]);
    unwritable(|it| it.info.class_names[0] = longer.clone(), &["bytes of class_names[0]"]);
    unwritable(|it| fixture::dataset(it).name = longer.clone(), &["bytes of dataset.name"]);
}

fn with_history(checkpoint: &mut Checkpoint, n: usize) {
    let training = checkpoint.training.as_mut().unwrap();
    training.history = vec![training.history[0]; n];
    training.progress.epoch = n as u64;
}

#[test]
fn history() {
    let mut checkpoint = fixture::checkpoint();
    with_history(&mut checkpoint, 10_000);
    round_trips(&checkpoint);
    unwritable(|it| with_history(it, 10_001), &["completed epochs", "at most 10000, found 10001"]);
    let record = fixture::at(&mut fixture::metadata(), "training.history.0").clone();
    let file = with("training.history", Value::Array(vec![record; 10_001]));
    refused(&file, &["at most 10000"]).unwrap();
}

/// Metadata within the other limits never exceed their own limit. So a run that `check_size` accepts can always be
/// saved.
#[test]
fn metadata() {
    let checkpoints = [largest(deep(256)), largest(normalised(256))];
    let lens = checkpoints.map(|checkpoint| {
        let bytes = checkpoint.view().to_bytes().unwrap();
        assert!(Checkpoint::from_bytes(&bytes).unwrap() == checkpoint);
        fixture::metadata_len(&bytes)
    });
    // A larger network has numbers that take up to 8 more bytes each, and more class names and class weights.
    let longer_numbers = 8 * (2 * 256 + 3 * 1034 + 20);
    let longest_names = 1000 * (3 + 255 + 9);
    for len in lens {
        let most = len + longer_numbers + longest_names;
        assert!(most < limits::METADATA as usize, "{most}");
    }
    // No network has both the penalties of 256 dense layers and the tensors of 256 normalisations. Even for one that
    // had both, the metadata would fit. Its records would be there only once.
    let records = 10_000 * fixture::encode(&longest_record()).len();
    let most = lens[0] + lens[1] - records + longer_numbers + longest_names;
    assert!(most < limits::METADATA as usize, "{most}");

    refused(&with_metadata(&vec![0xC0; (2 << 20) + 1]), &["bytes of the metadata", "2097152"])
        .unwrap();
    refused(&with_metadata(&vec![0xC0; 2 << 20]), &["(metadata)"]).unwrap();
}

/// A record of a run with validation and penalties.
fn longest_record() -> Value {
    let bytes = fuller::run().view().to_bytes().unwrap();
    fixture::at(&mut fixture::metadata_of(&bytes), "training.history.0").clone()
}

/// A dense layer of one unit, with many batch normalisations after it.
fn normalised(layers: usize) -> Architecture {
    let mut specs = vec![Layer::BATCH_NORM; layers];
    specs[0] = Layer::dense(1);
    Architecture::new(1, &specs).unwrap()
}

/// The checkpoint of this architecture with the largest metadata.
fn largest(architecture: Architecture) -> Checkpoint {
    let mut checkpoint = fuller::of(architecture);
    checkpoint.info.input.image = Some(Shape::image(1, 1));
    checkpoint.info.class_names = vec!["x".into()];
    let model = &checkpoint.model;
    let (n, n_statistics) = (model.params().len(), model.statistics().len());
    let n_dense = model.architecture().weighted_layers().count();
    let training = checkpoint.training.as_mut().unwrap();
    // The optimizer with the most settings.
    let adamw = OptimizerConfig::AdamW(AdamW {
        adam: Adam { amsgrad: true, ..Adam::default() },
        ..AdamW::default()
    });
    training.optimizer = nn_optim::Optimizer::new(adamw, n).unwrap();
    training.schedule.warmup = 1 << 40;
    training.schedule.decay = Decay::Plateau { factor: 0.5, patience: 1 << 40, min_delta: 1e-4 };
    training.config = RunConfig {
        loss: Loss::MeanAbsoluteError,
        class_weights: vec![0.5],
        penalties: vec![Penalty::default(); n_dense],
        frozen: vec![true; n_dense],
        ..fuller::config()
    };
    training.average = Some(nn_core::zeros(n));
    let (params, statistics) = (nn_core::zeros(n), nn_core::zeros(n_statistics));
    training.best = Some(Best { params, statistics });
    training.history[0].penalty = 0.5;
    with_history(&mut checkpoint, 10_000);
    let longest = "x".repeat(255);
    checkpoint.info.producer = longest.clone();
    checkpoint.info.instruction_set = longest.clone();
    fixture::dataset(&mut checkpoint).name = longest.clone();
    fixture::dataset(&mut checkpoint).directory = Some(longest);
    checkpoint
}

#[test]
fn file() {
    // 2^31 parameters take eight gibibytes, here in two layers. With Adam's moments, a third of them does.
    let network = |n| Architecture::mlp(&[1 << 14, n, 1 << 14, 10]).unwrap();
    check_size(&network(65_000), None).unwrap();
    let error = check_size(&network(65_536), None).unwrap_err();
    too_large(error, &["bytes of a file of 2147729418 parameters: expected at most 8589934592"]);
    let plain = RunConfig::default();
    let (adam, sgd) = (OptimizerConfig::default(), OptimizerConfig::Sgd(Default::default()));
    check_size(&network(30_000), Some((&sgd, &plain))).unwrap();
    check_size(&network(20_000), Some((&adam, &plain))).unwrap();
    let error = check_size(&network(22_000), Some((&adam, &plain))).unwrap_err();
    too_large(
        error,
        &["721098234 parameters and their optimizer's state", "make the model smaller"],
    );
    // The average and the best epoch are two more such buffers.
    check_size(&network(14_000), Some((&adam, &plain))).unwrap();
    let averaging = RunConfig { averaging: Some(0.9), ..RunConfig::default() };
    check_size(&network(14_000), Some((&adam, &averaging))).unwrap();
    let both = RunConfig { keep_best: true, ..averaging };
    let error = check_size(&network(14_000), Some((&adam, &both))).unwrap_err();
    too_large(error, &["their optimizer's state and their average and those of the best epoch"]);
    // The largest run that must fit.
    let run = network(12_220);
    assert!(run.n_params() > 400_000_000);
    check_size(&run, Some((&adam, &both))).unwrap();
    let vast = Architecture::mlp(&[784, 1 << 24, 1 << 24, 10]).unwrap();
    check_size(&vast, None).unwrap_err();

    // The header is refused before anything of that length is read.
    let mut bytes = fixture::bytes();
    bytes[31..39].copy_from_slice(&((8u64 << 30) + 1).to_le_bytes());
    seal_header(&mut bytes);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.model");
    std::fs::write(&path, bytes).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len((8 << 30) + 1).unwrap();
    let error = Checkpoint::load(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadModel);
    says(&error, &["bytes of the file", "8589934593"]);
}

/// The length of a tensor has 32 bits: it has at most 2^30 - 1 floats.
#[test]
fn tensors() {
    let network = |outputs: usize| Architecture::new(1023, &[Layer::dense(outputs)]).unwrap();
    // 2^30 - 1 is 1023 times 1049601.
    check_size(&network(1_049_601), None).unwrap();
    let error = check_size(&network(1_049_602), None).unwrap_err();
    let words = "bytes of the tensor dense0.weights: expected at most 4294967292, found 4294971384";
    too_large(error, &[words]);
    // A file that claims such layers is refused before anything is allocated.
    let file = edited(|metadata| {
        *fixture::at(metadata, "layers.0.dense.outputs") = (1 << 24).into();
        *fixture::at(metadata, "layers.2.dense.inputs") = (1 << 24).into();
        *fixture::at(metadata, "layers.0.dense.inputs") = 64.into();
        *fixture::at(metadata, "input.width") = 32.into();
    });
    refused(&file, &["bytes of the tensor dense0.weights: expected at most 4294967292"]).unwrap();
}

#[test]
fn networks_that_do_not_fit_into_a_file() {
    let network = |inputs: usize, layers: &[Layer]| Architecture::new(inputs, layers);
    let error_of =
        |inputs, layers: &[Layer]| check_size(&network(inputs, layers).unwrap(), None).unwrap_err();
    assert_eq!(network(4, &[Layer::RELU]), Err(nn_core::Error::NoParameters));
    let error = error_of(4, &[Layer::RELU, Layer::dense(2)]);
    assert!(matches!(error, Error::Value { .. }));
    says(&error, &["layers[0]: expected a dense layer", "found relu"]);
    let vast = 10_000_000_000;
    assert_eq!(network(vast, &[Layer::dense(vast)]), Err(nn_core::Error::TooLarge));
    too_large(error_of(vast, &[Layer::dense(1)]), &["inputs of layer 0", "10000000000"]);
    too_large(error_of(1, &[Layer::dense(vast)]), &["outputs of layer 0", "10000000000"]);
}
