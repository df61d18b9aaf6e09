use nn_core::{Buffer, LayerSpec, LossSum, Model};
use nn_io::{Checkpoint, DatasetId, Error, InputSpec, ModelInfo};
use nn_optim::{Adam, AdamConfig, Schedule};
use nn_train::{EpochRecord, Metrics, Progress, RunConfig, TrainingState};
use rmpv::Value;

/// A buffer of numbers with some of all their bits in use.
pub(crate) fn buffer(n: usize, f: impl Fn(f32) -> f32) -> Buffer {
    let mut buffer = nn_core::zeros(n);
    buffer.iter_mut().enumerate().for_each(|(i, value)| *value = f(i as f32));
    buffer
}

/// A 4-3-2 network in the middle of its third epoch.
pub(crate) fn checkpoint() -> Checkpoint {
    let layers = LayerSpec::mlp(&[4, 3, 2]);
    let n = Model::parameter_count(&layers).unwrap();
    let m = buffer(n, |i| (i - 11.0) / 7000.0);
    let v = buffer(n, |i| i * i / 90_000.0);
    let validation = Some(Metrics { loss: 0.75, accuracy: 0.8125 });
    Checkpoint {
        model: Model::from_parts(&layers, buffer(n, |i| (i - 10.0) / 3.0)).unwrap(),
        info: ModelInfo {
            producer: "nn-io 0.1.0".into(),
            instruction_set: "portable".into(),
            input: InputSpec { width: 2, height: 2, mean: 127.5, std: 127.5 },
            class_names: vec!["T-shirt/top".into(), "Bag".into()],
            dataset: DatasetId { name: "pixels".into(), sha256: "0123456789abcdef".repeat(4) },
            n_validation: 16,
        },
        training: Some(TrainingState {
            optimizer: Adam::from_parts(AdamConfig::default(), 39, m, v).unwrap(),
            schedule: Schedule::default(),
            config: RunConfig { seed: 300, batch_size: 8 },
            progress: Progress {
                epoch: 2,
                batch: 3,
                sums: LossSum { loss: 17.25, correct: 15, n_samples: 24 },
            },
            history: vec![
                EpochRecord {
                    train: Metrics { loss: 1.1, accuracy: 0.5 },
                    validation,
                    learning_rate: 0.001,
                },
                EpochRecord {
                    train: Metrics { loss: 0.9, accuracy: 0.625 },
                    validation: None,
                    learning_rate: 0.00099,
                },
            ],
        }),
    }
}

pub(crate) fn bytes() -> Vec<u8> {
    checkpoint().view().to_bytes().unwrap()
}

pub(crate) fn metadata_len(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[23..31].try_into().unwrap()) as usize
}

/// Makes lengths and checksums of header and metadata true again.
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

/// The file with other metadata, everything else true to them.
pub(crate) fn with_metadata(metadata: &[u8]) -> Vec<u8> {
    let bytes = bytes();
    let tensors = &bytes[64 + metadata_len(&bytes)..];
    let mut changed = [&bytes[..64], metadata, tensors].concat();
    let file_len = changed.len() as u64;
    changed[23..31].copy_from_slice(&(metadata.len() as u64).to_le_bytes());
    changed[31..39].copy_from_slice(&file_len.to_le_bytes());
    seal(&mut changed);
    changed
}

pub(crate) fn metadata() -> Value {
    let bytes = bytes();
    rmpv::decode::read_value(&mut &bytes[64..64 + metadata_len(&bytes)]).unwrap()
}

pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

/// The file after a change to its metadata.
pub(crate) fn edited(edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut metadata = metadata();
    edit(&mut metadata);
    with_metadata(&encode(&metadata))
}

/// The value at a path of keys and indices, as `tensors.0.name`.
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
#[track_caller]
pub(crate) fn refused(bytes: &[u8], expected: &[&str]) {
    let error = match Checkpoint::from_bytes(bytes) {
        Ok(_) => panic!("loaded; expected {expected:?}"),
        Err(error) => error,
    };
    says(&error, expected);
}

#[track_caller]
pub(crate) fn says(error: &Error, expected: &[&str]) {
    let message = error.to_string();
    for part in expected {
        assert!(message.contains(part), "expected {part:?} in: {message}");
    }
}
