use std::ops::Range;

use nn_core::{Architecture, Buffer, Init, LossSum, Model, Scaling, Shape};
use nn_io::{Checkpoint, DatasetId, Error, InputSpec, ModelInfo, Preparation};
use nn_optim::{Adagrad, Adam, AdamW, Decay, Optimizer, OptimizerConfig, RmsProp, Schedule, Sgd};
use nn_train::decision::{Decision, Distance, Scale};
use nn_train::{EpochRecord, Metrics, Progress, RunConfig, TrainingState};
use rmpv::Value;
use tally::{Failure, ensure};

/// A buffer of the numbers `f(0)`, `f(1)` and so on.
pub(crate) fn buffer(n: usize, f: impl Fn(f32) -> f32) -> Buffer {
    let mut buffer = nn_core::zeros(n);
    buffer.iter_mut().enumerate().for_each(|(i, value)| *value = f(i as f32));
    buffer
}

/// The input of images of this size.
pub(crate) fn images(width: usize, height: usize, scaling: Scaling) -> InputSpec {
    InputSpec {
        image: Some(Shape::image(height, width)),
        scaling: Some(scaling),
        ..InputSpec::default()
    }
}

/// The dataset of a checkpoint that has one.
pub(crate) fn dataset(checkpoint: &mut Checkpoint) -> &mut DatasetId {
    checkpoint.info.dataset.as_mut().unwrap()
}

/// The scaling of a checkpoint that has one.
pub(crate) fn scaling(checkpoint: &mut Checkpoint) -> &mut Scaling {
    checkpoint.info.input.scaling.as_mut().unwrap()
}

/// Every optimizer that a file can have, with all its variants, Adam first.
pub(crate) fn optimizers() -> [OptimizerConfig; 9] {
    let sgd = |momentum, nesterov| OptimizerConfig::Sgd(Sgd { momentum, nesterov });
    let amsgrad = Adam { amsgrad: true, ..Adam::default() };
    [
        OptimizerConfig::default(),
        OptimizerConfig::AdamW(AdamW::default()),
        OptimizerConfig::RmsProp(RmsProp::default()),
        OptimizerConfig::Adagrad(Adagrad::default()),
        sgd(0.0, false),
        sgd(0.9, false),
        sgd(0.75, true),
        OptimizerConfig::Adam(amsgrad),
        OptimizerConfig::AdamW(AdamW { adam: amsgrad, ..AdamW::default() }),
    ]
}

/// Every schedule that a file can have, inverse time first. All except one cycle are there with and without a warm-up.
pub(crate) fn schedules() -> Vec<Schedule> {
    let decays = [
        Decay::InverseTime { decay: 1e-3 },
        Decay::Constant,
        Decay::Step { every: 430, factor: 0.5 },
        Decay::Exponential { every: 1, factor: 0.999 },
        Decay::Exponential { every: 430, factor: 0.9 },
        Decay::Cosine { steps: 4300, minimum: 1e-6 },
        Decay::OneCycle { steps: 4300 },
        Decay::Plateau { factor: 0.5, patience: 2, min_delta: 1e-4 },
    ];
    let with = |warmup| move |decay| Schedule { warmup, decay, ..Schedule::book() };
    let warmed = decays.into_iter().filter(|decay| !matches!(decay, Decay::OneCycle { .. }));
    decays.into_iter().map(with(0)).chain(warmed.map(with(860))).collect()
}

/// An optimizer of `n` parameters after 39 steps.
pub(crate) fn optimizer(config: OptimizerConfig, n: usize) -> Optimizer {
    let moments = config.moments().iter().map(|moment| match moment.of_squares {
        true if moment.name == "adam.v_max" => buffer(n, |i| 2.0 * (i * i / 90_000.0)),
        true => buffer(n, |i| i * i / 90_000.0),
        false => buffer(n, |i| (i - 11.0) / 7000.0),
    });
    Optimizer::from_parts(config, 39, moments.collect()).unwrap()
}

/// A 4-3-2 network in the middle of its third epoch, trained by Adam.
pub(crate) fn checkpoint() -> Checkpoint {
    checkpoint_with(OptimizerConfig::default())
}

/// The same checkpoint with another optimizer.
pub(crate) fn checkpoint_with(config: OptimizerConfig) -> Checkpoint {
    let architecture = Architecture::mlp(&[4, 3, 2]).unwrap();
    let n = architecture.n_params();
    let validation = Some(Metrics { loss: 0.75, accuracy: 0.8125 });
    Checkpoint {
        model: Model::from_parts(architecture, buffer(n, |i| (i - 10.0) / 3.0), nn_core::zeros(0))
            .unwrap(),
        info: ModelInfo {
            producer: "nn-io 0.1.0".into(),
            instruction_set: "portable".into(),
            input: images(2, 2, Scaling { mean: 127.5, std: 127.5 }),
            class_names: vec!["T-shirt/top".into(), "Bag".into()],
            dataset: Some(DatasetId {
                name: "pixels".into(),
                sha256: "0123456789abcdef".repeat(4),
                directory: None,
                transposed: false,
            }),
            n_validation: 16,
            decision: None,
        },
        training: Some(TrainingState {
            optimizer: optimizer(config, n),
            schedule: Schedule::book(),
            config: RunConfig { seed: 300, batch_size: 8, ..RunConfig::default() },
            progress: Progress {
                epoch: 2,
                batch: 3,
                sums: LossSum { loss: 17.25, correct: 15, n_samples: 24, n_predictions: 24 },
            },
            history: vec![
                EpochRecord {
                    train: Metrics { loss: 1.1, accuracy: 0.5 },
                    validation,
                    penalty: 0.0,
                    learning_rate: 0.001,
                },
                EpochRecord {
                    train: Metrics { loss: 0.9, accuracy: 0.625 },
                    validation: None,
                    penalty: 0.0,
                    learning_rate: 0.00099,
                },
            ],
            average: None,
            best: None,
        }),
    }
}

pub(crate) fn bytes() -> Vec<u8> {
    checkpoint().view().to_bytes().unwrap()
}

/// The same file with another schedule.
pub(crate) fn bytes_under(schedule: Schedule) -> Vec<u8> {
    let mut checkpoint = checkpoint();
    checkpoint.training.as_mut().unwrap().schedule = schedule;
    checkpoint.view().to_bytes().unwrap()
}

pub(crate) fn bytes_with(config: OptimizerConfig) -> Vec<u8> {
    checkpoint_with(config).view().to_bytes().unwrap()
}

/// The program's default network with its training state: a file of 1.4 MB.
pub(crate) fn real() -> Checkpoint {
    let model = Model::new(Architecture::mlp(&[784, 128, 128, 10]).unwrap(), Init::He, 7);
    let n = model.params().len();
    let (m, v) = (buffer(n, |i| (i - 9.0) * 1e-9), buffer(n, |i| i * 1e-12));
    let mut checkpoint = checkpoint();
    checkpoint.model = model;
    checkpoint.info.input = images(28, 28, Scaling { mean: 72.9375, std: 90.0 });
    checkpoint.info.class_names = (0..10).map(|i| format!("class {i}")).collect();
    let training = checkpoint.training.as_mut().unwrap();
    training.optimizer = Optimizer::from_parts(Default::default(), 39, vec![m, v]).unwrap();
    checkpoint
}

pub(crate) fn metadata_len(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[23..31].try_into().unwrap()) as usize
}

/// Corrects the checksums of the metadata and the header after a change.
pub(crate) fn seal(bytes: &mut [u8]) {
    let end = 64 + metadata_len(bytes);
    if let Some(metadata) = bytes.get(64..end) {
        let crc = crc32fast::hash(metadata);
        bytes[39..43].copy_from_slice(&crc.to_le_bytes());
    }
    seal_header(bytes);
}

pub(crate) fn seal_header(bytes: &mut [u8]) {
    let crc = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&crc.to_le_bytes());
}

/// The checkpoint with a decision: of 4 pixels, 3 features and 2 classes.
pub(crate) fn decided() -> Checkpoint {
    let mut checkpoint = checkpoint();
    let distance = |n: usize, median: f64| Distance {
        scale: Scale { median, low: median - 2.5 },
        centres: buffer(2 * n, |i| i - 2.0),
        whitening: buffer(n * (n + 1) / 2, |i| (i + 1.0) / 4.0),
    };
    checkpoint.info.decision = Some(Decision {
        temperature: 1.25,
        threshold: -1.5,
        energy: Scale { median: 5.5, low: 2.25 },
        image: distance(4, -90.0),
        features: Some(distance(3, -0.5)),
    });
    checkpoint
}

/// The checkpoint with this preparation of pictures.
pub(crate) fn prepared(preparation: Option<Preparation>) -> Checkpoint {
    let mut checkpoint = checkpoint();
    checkpoint.info.input.preparation = preparation;
    checkpoint
}

/// The checkpoint of a dataset that was read from this directory.
pub(crate) fn read_from(directory: &str) -> Checkpoint {
    let mut checkpoint = checkpoint();
    dataset(&mut checkpoint).directory = Some(directory.into());
    checkpoint
}

/// The file marked as a newer minor version, which need not have the form of this version.
pub(crate) fn newer(mut file: Vec<u8>) -> Vec<u8> {
    file[13] = 3;
    seal_header(&mut file);
    file
}

/// The place of a tensor in a file.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    /// Where its data are.
    pub(crate) data: Range<usize>,
    /// Where the metadata have its checksum.
    pub(crate) crc: usize,
}

impl Tensor {
    /// Corrects the checksum of the data after a change; [`seal`] corrects the others.
    pub(crate) fn seal(&self, bytes: &mut [u8]) {
        let crc = crc32fast::hash(&bytes[self.data.clone()]);
        bytes[self.crc..self.crc + 4].copy_from_slice(&crc.to_be_bytes());
    }
}

/// The tensors of an intact file. No two of them may have the same data.
pub(crate) fn tensors(bytes: &[u8]) -> Vec<Tensor> {
    let metadata_end = 64 + metadata_len(bytes);
    let mut start = metadata_end;
    let mut tensors = Vec::new();
    while start < bytes.len() {
        let len = u32::from_be_bytes(bytes[start + 1..start + 5].try_into().unwrap()) as usize;
        let data = start + 5..start + 5 + len;
        let crc = [&[0xCE], &crc32fast::hash(&bytes[data.clone()]).to_be_bytes()[..]].concat();
        let at = bytes[..metadata_end].windows(5).position(|window| window == crc);
        start = data.end;
        tensors.push(Tensor { data, crc: at.unwrap() + 1 });
    }
    tensors
}

/// The file with another float in a tensor.
pub(crate) fn with_float(tensor: usize, element: usize, value: f32) -> Vec<u8> {
    with_float_in(bytes(), tensor, element, value)
}

pub(crate) fn with_float_in(
    mut bytes: Vec<u8>,
    tensor: usize,
    element: usize,
    value: f32,
) -> Vec<u8> {
    let tensor = &tensors(&bytes)[tensor];
    let at = tensor.data.start + 4 * element;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    tensor.seal(&mut bytes);
    seal(&mut bytes);
    bytes
}

/// The file with other metadata, and a header that agrees with them.
pub(crate) fn with_metadata(metadata: &[u8]) -> Vec<u8> {
    with_metadata_in(&bytes(), metadata)
}

fn with_metadata_in(bytes: &[u8], metadata: &[u8]) -> Vec<u8> {
    let tensors = &bytes[64 + metadata_len(bytes)..];
    let mut changed = [&bytes[..64], metadata, tensors].concat();
    let file_len = changed.len() as u64;
    changed[23..31].copy_from_slice(&(metadata.len() as u64).to_le_bytes());
    changed[31..39].copy_from_slice(&file_len.to_le_bytes());
    seal(&mut changed);
    changed
}

pub(crate) fn metadata() -> Value {
    metadata_of(&bytes())
}

pub(crate) fn metadata_of(bytes: &[u8]) -> Value {
    rmpv::decode::read_value(&mut &bytes[64..64 + metadata_len(bytes)]).unwrap()
}

pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

/// The file after a change to its metadata.
pub(crate) fn edited(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    edited_in(&bytes(), edit)
}

pub(crate) fn edited_in(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut metadata = metadata_of(bytes);
    edit(&mut metadata);
    with_metadata_in(bytes, &encode(&metadata))
}

/// The pairs of a map.
pub(crate) fn pairs(value: &mut Value) -> &mut Vec<(Value, Value)> {
    match value {
        Value::Map(pairs) => pairs,
        other => panic!("no map: {other}"),
    }
}

/// The value at a path of keys and indices, such as `tensors.0.name`.
pub(crate) fn at<'a>(value: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(value, |value, step| match value {
        Value::Map(pairs) => {
            let found = pairs.iter_mut().find(|(key, _)| key.as_str() == Some(step));
            &mut found.unwrap_or_else(|| panic!("no {step} in {path}")).1
        }
        Value::Array(elements) => &mut elements[step.parse::<usize>().unwrap()],
        scalar => panic!("{scalar} in {path}"),
    })
}

/// The file with another value in its metadata.
pub(crate) fn with(path: &str, value: impl Into<Value>) -> Vec<u8> {
    edited(|metadata| *at(metadata, path) = value.into())
}

/// Checks that the file is refused, with all of this in the message.
pub(crate) fn refused(bytes: &[u8], expected: &[&str]) -> Result<(), Failure> {
    match Checkpoint::from_bytes(bytes) {
        Ok(_) => Err(Failure::torn(format!("loaded; expected {expected:?}"))),
        Err(error) => mentions(&error, expected),
    }
}

/// Checks that the message has all of this, and is a few lines of plain text: it must be safe to show in a terminal,
/// whatever the file contains.
pub(crate) fn mentions(error: &Error, expected: &[&str]) -> Result<(), Failure> {
    let message = error.to_string();
    let short: String = message.chars().take(400).collect();
    let missing = expected.iter().find(|part| !message.contains(*part));
    ensure(missing.is_none(), || Failure::wrong(format!("expected {missing:?} in: {short}")))?;
    let commands = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    let plain = message.len() <= 1000 && !message.chars().any(commands);
    ensure(plain, || Failure::wrong(format!("{} bytes of {short:?}", message.len())))
}

#[track_caller]
pub(crate) fn says(error: &Error, expected: &[&str]) {
    mentions(error, expected).unwrap();
}

/// Checks that the file loads as the fixture, and saves to the fixture's bytes.
pub(crate) fn loads(bytes: &[u8]) -> Result<(), Failure> {
    let loaded = Checkpoint::from_bytes(bytes).map_err(Failure::lost)?;
    let again = loaded.view().to_bytes().map_err(Failure::lost)?;
    ensure(loaded == checkpoint() && again == self::bytes(), || {
        Failure::torn("loaded as another checkpoint")
    })
}

/// Checks that a file, if it loads, is valid: the checkpoint saves to the same bytes, and these load as the same
/// checkpoint. Returns whether the file loads.
pub(crate) fn stable(bytes: &[u8]) -> Result<bool, Failure> {
    let Ok(loaded) = Checkpoint::from_bytes(bytes) else { return Ok(false) };
    let again = loaded.view().to_bytes().map_err(Failure::torn)?;
    // A file of a newer minor version is saved in this version.
    let ours = bytes[13] <= 2 && bytes[14] == 0;
    ensure(!ours || again == bytes, || Failure::torn("saved differently"))?;
    let same = Checkpoint::from_bytes(&again).is_ok_and(|again| again == loaded);
    ensure(same, || Failure::torn("loaded differently"))?;
    Ok(true)
}
