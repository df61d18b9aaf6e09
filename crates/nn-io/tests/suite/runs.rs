use nn_core::{Activation, Architecture, Arithmetic, Buffer, Init, Layer, Loss, Penalty};
use nn_io::{Checkpoint, Error, ErrorKind};
use nn_train::{
    Augment, Best, Clip, EarlyStop, HeldOut, Monitor, RunConfig, Shuffle, TrainingState,
};
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, at, edited_in, newer, pairs, refused, stable, with_float_in};
use crate::fuller;

type Pairs = Vec<(Value, Value)>;

fn bytes() -> Vec<u8> {
    fuller::run().view().to_bytes().unwrap()
}

/// The file of a run with every setting, with one of them changed.
fn with(path: &str, value: impl Into<Value>) -> Vec<u8> {
    edited_in(&bytes(), |metadata| {
        *at(metadata, &format!("training.{path}")) = value.into();
    })
}

/// The file with its map of settings changed.
fn edited(file: &[u8], edit: impl FnOnce(&mut Pairs)) -> Vec<u8> {
    edited_in(file, |metadata| edit(pairs(at(metadata, "training.config"))))
}

fn training(checkpoint: &mut Checkpoint) -> &mut TrainingState {
    checkpoint.training.as_mut().unwrap()
}

fn unwritable(change: impl FnOnce(&mut Checkpoint), expected: &[&str]) -> Result<(), Failure> {
    let mut checkpoint = fuller::run();
    change(&mut checkpoint);
    match checkpoint.view().to_bytes() {
        Ok(_) => Err(Failure::torn(format!("written; expected {expected:?}"))),
        Err(error) => {
            ensure(error.kind() == ErrorKind::BadModel, || Failure::wrong(format!("{error:?}")))?;
            fixture::mentions(&error, expected)
        }
    }
}

/// Runs with one setting each, and the last layer that the loss needs.
fn single() -> Vec<(Layer, RunConfig)> {
    let plain = || RunConfig { seed: 300, batch_size: 8, ..RunConfig::default() };
    let full = fuller::config;
    let (softmax, sigmoid) = (Layer::SOFTMAX, Layer::Activation(Activation::Sigmoid));
    let linear = Layer::Activation(Activation::Linear);
    let losses = [
        (softmax, Loss::CrossEntropy { smoothing: 0.1 }),
        (softmax, Loss::Focal { gamma: 0.0 }),
        (sigmoid, Loss::BinaryCrossEntropy),
        (linear, Loss::MeanSquaredError),
        (softmax, Loss::MeanAbsoluteError),
        (Layer::RELU, Loss::Huber { delta: 0.5 }),
    ];
    let augment = |flip, shift, cutout| Augment { flip, shift, cutout, ..Augment::default() };
    let plain_augment = Augment::default();
    let settings = [
        RunConfig { accumulation: 3, ..plain() },
        RunConfig { shuffle: Shuffle::Once, ..plain() },
        RunConfig { class_weights: vec![1.0, 1.0], ..plain() },
        RunConfig { penalties: vec![Penalty::default(); 2], ..plain() },
        RunConfig { frozen: vec![false; 2], ..plain() },
        RunConfig { clip: Some(Clip::Value(0.5)), ..plain() },
        RunConfig { clip: full().clip, ..plain() },
        RunConfig { augment: augment(true, 0, 0), ..plain() },
        RunConfig { augment: augment(false, 1 << 24, 0), ..plain() },
        RunConfig { augment: augment(false, 0, 1), ..plain() },
        RunConfig { augment: Augment { rotate: 180.0, ..plain_augment }, ..plain() },
        RunConfig { augment: Augment { zoom: 0.9, ..plain_augment }, ..plain() },
        RunConfig { augment: Augment { tone: 1e-300, ..plain_augment }, ..plain() },
        RunConfig { augment: Augment { noise: 255.0, ..plain_augment }, ..plain() },
        RunConfig { averaging: Some(0.0), ..plain() },
        RunConfig { monitor: Monitor::Accuracy, ..plain() },
        RunConfig { keep_best: true, ..plain() },
        RunConfig { early_stop: Some(EarlyStop { patience: 1, min_delta: 0.0 }), ..plain() },
        RunConfig { init: Init::HeUniform, ..plain() },
        RunConfig { init: Init::Glorot, ..plain() },
        RunConfig { init: Init::GlorotNormal, ..plain() },
        RunConfig { init: Init::Orthogonal, ..plain() },
        RunConfig { init: Init::Book, ..plain() },
        RunConfig { validates_on_test: true, ..plain() },
        RunConfig { arithmetic: Arithmetic::Plain, ..plain() },
        RunConfig { held_out: HeldOut::Stratified, ..plain() },
    ];
    let of_loss = losses.map(|(last, loss)| (last, RunConfig { loss, ..plain() }));
    let settings = settings.map(|config| (softmax, config));
    of_loss.into_iter().chain(settings).collect()
}

/// The fixture's run with other settings, and with the copies that they keep.
fn of(last: Layer, config: RunConfig) -> Checkpoint {
    let mut layers = Layer::mlp(&[3, 2]);
    *layers.last_mut().unwrap() = last;
    let mut checkpoint = fuller::of(Architecture::new(4, &layers).unwrap());
    let n = checkpoint.model.params().len();
    let training = training(&mut checkpoint);
    let sums = &mut training.progress.sums;
    sums.n_predictions = sums.n_samples * config.loss.predictions(2) as u64;
    training.average = config.averaging.map(|_| fixture::buffer(n, |i| i / 3.0));
    let params = fixture::buffer(n, |i| i / 7.0);
    training.best = config.keep_best.then(|| Best { params, statistics: Buffer::new(0) });
    training.config = config;
    checkpoint
}

/// Loading gives what was saved, and saving that gives the same bytes.
#[test]
fn round_trips() {
    for (last, config) in single() {
        let checkpoint = of(last, config);
        let bytes = checkpoint.view().to_bytes().unwrap();
        let loaded = Checkpoint::from_bytes(&bytes).unwrap();
        assert_eq!(loaded, checkpoint);
        assert_eq!(loaded.view().to_bytes().unwrap(), bytes);
        assert_eq!(bytes[15] & 16, 16);
    }
    // There is no best epoch before the first one is complete.
    let mut checkpoint = fuller::run();
    let state = training(&mut checkpoint);
    state.best = None;
    state.history.clear();
    state.progress.epoch = 0;
    let bytes = checkpoint.view().to_bytes().unwrap();
    assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
}

/// Each key is missing, there twice, of another type, or written although it has its default.
#[test]
fn keys() {
    let mut tally =
        Tally::new("A7", "keys: those of a run's settings missing, twice, with their default");
    let keys = fixture::pairs(at(&mut fixture::metadata_of(&bytes()), "training.config")).clone();
    assert_eq!(keys.len(), 18);
    for (i, (key, _)) in keys.iter().enumerate() {
        let twice = edited(&bytes(), |map| map.push(map[i].clone()));
        tally.case(|| refused(&twice, &["(metadata)", "duplicate field"]));
        for value in [Value::Nil, Value::Binary(vec![1]), (-1).into()] {
            let other = edited(&bytes(), |map| map[i].1 = value);
            tally.case(|| refused(&other, &["(metadata)"]));
        }
        if i > 0 {
            let swapped = edited(&bytes(), |map| map.swap(i, i - 1));
            tally.case(|| refused(&swapped, &["(metadata)", "not in the form"]));
        }
        let renamed =
            edited(&bytes(), |map| map[i].0 = format!("{}s", key.as_str().unwrap()).into());
        tally.case(|| refused(&renamed, &["(metadata)"]));
        let missing = edited(&bytes(), |map| drop(map.remove(i)));
        match key.as_str().unwrap() {
            "seed" | "batch_size" => tally.case(|| refused(&missing, &["missing field"])),
            "averaging" => tally.case(|| refused(&missing, &["tensors: expected 12 tensors"])),
            "keep_best" => tally.case(|| refused(&missing, &["tensors: expected 11 tensors"])),
            "penalties" => tally.case(|| refused(&missing, &["history[0]: expected no penalty"])),
            "arithmetic" | "augmentation" | "held_out" => {
                tally.case(|| refused(&missing, &["(header): required features"]))
            }
            _ => tally.case(|| ensure(stable(&missing)?, || Failure::lost(key))),
        }
    }
    let map = |pairs: &[(&str, Value)]| {
        Value::Map(pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect())
    };
    let defaults = [
        ("accumulation", 1.into()),
        ("loss", map(&[("cross_entropy", map(&[("smoothing", 0.0.into())]))])),
        ("class_weights", Value::Array(vec![])),
        ("penalties", Value::Array(vec![])),
        ("frozen", Value::Array(vec![])),
        ("augmentation", map(&[("flip", false.into()), ("shift", 0.into()), ("cutout", 0.into())])),
        ("keep_best", false.into()),
        ("validates_on_test", false.into()),
    ];
    for (key, value) in defaults {
        let file = edited(&fixture::bytes(), |map| map.push((key.into(), value)));
        tally.case(|| refused(&file, &["(metadata)", "not in the form"]));
        tally.case(|| fixture::loads(&newer(file)));
    }
    for name in ["rotate", "zoom", "tone", "noise"] {
        let file = with(&format!("config.augmentation.{name}"), 0.0);
        tally.case(|| refused(&file, &["(metadata)", "not in the form"]));
    }
    for (key, value) in [
        ("shuffle", "each_epoch"),
        ("monitor", "loss"),
        ("monitor", "Accuracy"),
        ("init", "he"),
        ("init", "zeros"),
        ("arithmetic", "fused"),
        ("held_out", "last"),
    ] {
        let file = edited(&fixture::bytes(), |map| map.push((key.into(), value.into())));
        tally.case(|| refused(&file, &["(metadata)", value]));
    }
    tally.finish();
}

#[test]
fn settings_outside_their_range() {
    let mut tally = Tally::new("A11", "numbers: settings of a run outside their range");
    let not_negative = [f64::NAN, f64::INFINITY, -1.0, -5e-324, 1e39];
    let above_0 = [f64::NAN, f64::INFINITY, 0.0, -1.0, 1e-60, 1e39];
    let mut check = |path: &str, values: &[f64], expected: &str| {
        for &value in values {
            let file = with(path, value);
            tally.case(|| refused(&file, &["training.config", expected, "expected", "found"]));
        }
    };
    check("config.class_weights.1", &[f64::NAN, f64::INFINITY, 1e39, 0.1], "class_weights[1]");
    check("config.class_weights.0", &[-1.0, -0.5], "class weight");
    for name in ["weights_l1", "weights_l2", "biases_l1", "biases_l2"] {
        check(&format!("config.penalties.1.{name}"), &not_negative, name);
    }
    check("config.clip.norm", &above_0, "norm of the gradient");
    check("config.averaging", &[f64::NAN, -0.1, 1.0, 1.0 - 1e-12], "decay of the average");
    check("config.early_stop.min_delta", &not_negative[..4], "minimum improvement");
    for (name, most) in [("rotate", 180.0), ("zoom", 0.9), ("tone", 0.9), ("noise", 255.0)] {
        let invalid = [f64::NAN, f64::INFINITY, -5e-324, most * (1.0 + f64::EPSILON)];
        check(&format!("config.augmentation.{name}"), &invalid, name);
    }
    check("config.loss.focal.gamma", &not_negative[..4], "gamma of the focal loss");
    let mut check = |path: &str, value: u64, expected: &str| {
        let file = with(path, value);
        tally.case(|| refused(&file, &["training.config", expected, "expected", "found"]));
    };
    check("config.batch_size", 0, "batch_size");
    check("config.accumulation", 0, "accumulation");
    check("config.early_stop.patience", 0, "patience");
    check("config.augmentation.shift", (1 << 24) + 1, "shift: expected at most 16777216 pixels");
    check("config.augmentation.cutout", u64::MAX, "cutout: expected at most 16777216 pixels");
    for (last, loss, expected) in [
        (Layer::SOFTMAX, Loss::CrossEntropy { smoothing: 1.0 }, "label smoothing"),
        (Layer::SOFTMAX, Loss::Huber { delta: 0.0 }, "delta of the Huber loss"),
        (Layer::RELU, Loss::Focal { gamma: 2.0 }, "expected softmax for the loss focal"),
        (Layer::SOFTMAX, Loss::BinaryCrossEntropy, "expected sigmoid"),
    ] {
        let checkpoint = of(last, RunConfig { loss, ..RunConfig::default() });
        tally.case(|| match checkpoint.view().to_bytes() {
            Err(error @ Error::Run(_)) => {
                fixture::mentions(&error, &["training.config: ", expected])
            }
            other => Err(Failure::torn(format!("{other:?}"))),
        });
    }
    // If a file does not name its loss, the network is not checked against the default loss.
    let checkpoint = of(Layer::RELU, RunConfig { seed: 1, ..RunConfig::default() });
    tally.case(|| checkpoint.view().to_bytes().map(drop).map_err(Failure::lost));
    let change = |it: &mut Checkpoint| training(it).config.accumulation = 0;
    tally.case(|| unwritable(change, &["training.config: accumulation"]));
    let change = |it: &mut Checkpoint| training(it).config.class_weights[0] = f32::NAN;
    tally.case(|| unwritable(change, &["class_weights[0]"]));
    tally.finish();
}

#[test]
fn lists_of_another_network() {
    let mut tally =
        Tally::new("A15", "without meaning: settings for other numbers of classes or layers");
    for (key, of) in
        [("class_weights", "class"), ("penalties", "dense layer"), ("frozen", "dense layer")]
    {
        let expected = format!("training.config.{key}: expected 2 elements, one per {of}");
        for n in [1, 3] {
            let file = edited_in(&bytes(), |metadata| {
                let path = format!("training.config.{key}");
                let Value::Array(list) = at(metadata, &path) else { panic!("no list") };
                let element = list[0].clone();
                list.resize(n, element);
            });
            tally.case(|| refused(&file, &[&expected, &format!("found {n}")]));
        }
    }
    let change = |it: &mut Checkpoint| training(it).config.frozen.push(true);
    tally.case(|| unwritable(change, &["training.config.frozen: expected 2", "found 3"]));
    let file = with("config.class_weights", Value::Array(vec![1.0.into(); 1001]));
    tally.case(|| refused(&file, &["(metadata)", "at most 1000"]));
    let file = with("config.frozen", Value::Array(vec![true.into(); 257]));
    tally.case(|| refused(&file, &["(metadata)", "at most 256"]));
    tally.finish();
}

#[test]
fn progress_and_penalties() {
    let mut tally = Tally::new("A15", "without meaning: progress of steps and outputs, penalties");
    // 3 steps of 2 batches of 8, with one prediction per sample.
    let samples = ["at most 48, in 3 batches of 16", "found 49"];
    tally.case(|| refused(&with("progress.n_samples", 49), &samples));
    tally.case(|| ensure(stable(&with("progress.n_samples", 48))?, || Failure::lost("48")));
    let correct = ["correct: expected at most 24, 1 per sample", "found 25"];
    tally.case(|| refused(&with("progress.correct", 25), &correct));
    // Two outputs, each of which is correct or not.
    let mut checkpoint = of(
        Layer::RELU,
        RunConfig {
            seed: 300,
            batch_size: 8,
            loss: Loss::MeanSquaredError,
            ..RunConfig::default()
        },
    );
    training(&mut checkpoint).progress.sums.correct = 48;
    tally.case(|| {
        let bytes = checkpoint.view().to_bytes().map_err(Failure::lost)?;
        let loaded = Checkpoint::from_bytes(&bytes).map_err(Failure::lost)?;
        ensure(loaded == checkpoint, || Failure::torn("loaded differently"))
    });
    training(&mut checkpoint).progress.sums.correct = 49;
    let error = checkpoint.view().to_bytes().unwrap_err();
    let expected = ["correct: expected at most 48, 2 per sample", "found 49"];
    tally.case(|| fixture::mentions(&error, &expected));
    let change = |it: &mut Checkpoint| training(it).progress.sums.n_predictions = 25;
    tally.case(|| unwritable(change, &["predictions of the progress: expected 24", "found 25"]));
    for penalty in [f64::NAN, f64::INFINITY, -1.0] {
        let file = with("history.0.penalty", penalty);
        tally.case(|| refused(&file, &["history[0]: expected a finite penalty, 0 or above"]));
        let change = |it: &mut Checkpoint| training(it).history[1].penalty = penalty;
        tally.case(|| unwritable(change, &["history[1]: expected a finite penalty"]));
    }
    let file = with("history.0.penalty", 0.0);
    tally.case(|| refused(&file, &["(metadata)", "not in the form"]));
    let change = |it: &mut Checkpoint| training(it).config.penalties.clear();
    tally.case(|| unwritable(change, &["history[0]: expected no penalty", "found 0.25"]));
    tally.finish();
}

/// The average and the best epoch are there exactly if the settings ask for them.
#[test]
fn copies() {
    let mut tally = Tally::new("A15", "without meaning: copies of the parameters");
    let average = ["average.parameters: expected 29 elements", "found 0"];
    tally.case(|| unwritable(|it| training(it).average = None, &average));
    let average = ["average.parameters: expected none"];
    tally.case(|| unwritable(|it| training(it).config.averaging = None, &average));
    let best = ["best.parameters: expected 29 elements", "found 0"];
    tally.case(|| unwritable(|it| training(it).best = None, &best));
    let best = ["best.parameters: expected none"];
    tally.case(|| unwritable(|it| training(it).config.keep_best = false, &best));
    let change = |it: &mut Checkpoint| {
        training(it).progress.epoch = 0;
        training(it).history.clear();
    };
    tally.case(|| unwritable(change, &best));
    let change = |it: &mut Checkpoint| {
        training(it).best.as_mut().unwrap().statistics.pop();
    };
    tally.case(|| unwritable(change, &["best.statistics: expected 6 elements", "found 5"]));
    let mut plain = of(Layer::SOFTMAX, RunConfig { keep_best: true, ..RunConfig::default() });
    training(&mut plain).best.as_mut().unwrap().statistics.push(1.0);
    let error = plain.view().to_bytes().unwrap_err();
    tally.case(|| fixture::mentions(&error, &["best.statistics: expected 0 elements", "found 1"]));
    tally.finish();
}

#[test]
fn floats_that_no_model_has() {
    let mut tally = Tally::new("A11", "numbers: NaN and infinities in averages and the best epoch");
    let place = |name: &str| format!("tensor {name}, element 1: expected a finite number");
    for (tensor, name) in
        [(10, "average.parameters"), (11, "best.parameters"), (12, "best.statistics")]
    {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let file = with_float_in(bytes(), tensor, 1, value);
            tally.case(|| refused(&file, &[&place(name)]));
        }
        let file = with_float_in(bytes(), tensor, 1, -1.0);
        tally.case(|| ensure(stable(&file)?, || Failure::lost(name)));
    }
    // Three means, then three variances.
    for element in 0..6 {
        let file = with_float_in(bytes(), 12, element, -1.0);
        let expected = format!("tensor best.statistics, element {element}: expected");
        match element {
            0..3 => tally.case(|| ensure(stable(&file)?, || Failure::lost(element))),
            _ => tally.case(|| refused(&file, &[&expected, "0 or above"])),
        }
    }
    tally.finish();
}

/// Predictions use the best epoch's parameters and statistics, else averaged parameters, else the model's own.
#[test]
fn inference_model() {
    let mut checkpoint = fuller::run();
    let own = checkpoint.model.clone();
    let best = training(&mut checkpoint).best.clone().unwrap();
    let average = training(&mut checkpoint).average.clone().unwrap();
    let params = |model: &nn_core::Model| (model.params().to_vec(), model.statistics().to_vec());
    let of_best = (best.params.to_vec(), best.statistics.to_vec());
    assert_eq!(params(&checkpoint.inference_model().unwrap()), of_best);
    training(&mut checkpoint).best = None;
    let averaged = (average.to_vec(), own.statistics().to_vec());
    assert_eq!(params(&checkpoint.inference_model().unwrap()), averaged);
    training(&mut checkpoint).average = None;
    assert_eq!(checkpoint.inference_model().unwrap(), own);
    training(&mut checkpoint).average = Some(Buffer::new(0));
    assert!(matches!(checkpoint.inference_model(), Err(Error::Run(_))));
    checkpoint.training = None;
    assert_eq!(checkpoint.inference_model().unwrap(), own);
}
