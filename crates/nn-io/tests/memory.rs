//! Reading a file takes no more memory than twice the file and a little. This test has a binary of its own, because the
//! allocator counts for all tests of a binary.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// The file that most tests start from, and ways to change it.
#[allow(dead_code, reason = "the other test programs use the rest")]
#[path = "suite/fixture.rs"]
mod fixture;

/// Metadata that are deeply nested, or claim to be longer than any file.
#[path = "suite/bomb.rs"]
mod bomb;

/// So many values that a reader could take long to read them.
#[path = "cost/values.rs"]
mod values;

use std::fs;
use std::io::Read as _;

use nn_core::Model;
use nn_io::{Checkpoint, ModelInfo};
use nn_optim::{Adam, Schedule};
use nn_train::{Best, EpochRecord, Metrics, RunConfig, TrainingState};
use tally::{Failure, Tally, ensure, size};

use fixture::{loads, mentions, newer, refused, seal_header, with_metadata};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Runs a check, and checks that it took no more memory than this number of bytes and 16 MiB.
fn within(bytes: usize, check: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let profiler = dhat::Profiler::builder().testing().build();
    let result = check();
    let peak = dhat::HeapStats::get().max_bytes;
    drop(profiler);
    result?;
    let most = bytes + (16 << 20);
    ensure(peak <= most, || Failure::wrong(format!("{peak} bytes, more than {most}")))
}

/// The file is already in memory. Refusing it may take as much memory again.
fn refused_within(file: &[u8], expected: &[&str]) -> Result<(), Failure> {
    within(file.len(), || refused(file, expected))
}

/// A length in metadata, with its marker. `bytes` is the number of bytes of both.
struct Length {
    at: usize,
    bytes: usize,
    marker: Marker,
    n: u64,
}

#[derive(Clone, Copy)]
enum Marker {
    Map,
    Array,
    Str,
}

impl Length {
    /// The bytes of a different length, in its shortest form.
    fn with(&self, n: u64) -> Vec<u8> {
        let (short, most, long) = match self.marker {
            Marker::Map => (0x80, 15, 0xDF),
            Marker::Array => (0x90, 15, 0xDD),
            Marker::Str => (0xA0, 31, 0xDB),
        };
        match n {
            _ if n <= most => vec![short | n as u8],
            0..=255 if matches!(self.marker, Marker::Str) => vec![0xD9, n as u8],
            _ => [&[long], &(n as u32).to_be_bytes()[..]].concat(),
        }
    }
}

/// All lengths of the fixture's metadata, in order.
fn lengths(metadata: &[u8]) -> Vec<Length> {
    let mut lengths = Vec::new();
    let mut at = 0;
    while let Some(&byte) = metadata.get(at) {
        let length = match byte {
            0x80..=0x8F => Some((Marker::Map, u64::from(byte & 0x0F), 1)),
            0x90..=0x9F => Some((Marker::Array, u64::from(byte & 0x0F), 1)),
            0xA0..=0xBF => Some((Marker::Str, u64::from(byte & 0x1F), 1)),
            0xD9 => Some((Marker::Str, metadata[at + 1].into(), 2)),
            _ => None,
        };
        if let Some((marker, n, bytes)) = length {
            lengths.push(Length { at, bytes, marker, n });
        }
        at += match (byte, length) {
            (_, Some((Marker::Str, n, bytes))) => bytes + n as usize,
            (_, Some((_, _, bytes))) => bytes,
            (0..=0x7F, None) => 1,
            (0xCC, None) => 2,
            (0xCD, None) => 3,
            (0xCE, None) => 5,
            (0xCB | 0xCF, None) => 9,
            (other, None) => panic!("{other:#x} at {at}"),
        };
    }
    assert_eq!(at, metadata.len());
    lengths
}

/// Other lengths to replace a length `n` with.
fn others(n: u64) -> impl Iterator<Item = u64> {
    let far = [0, 1, 1 << 16, (1 << 31) - 1, 1 << 31, u32::MAX.into()];
    let near = [n.checked_sub(1), n.checked_add(1)];
    far.into_iter().chain(near.into_iter().flatten()).filter(move |&other| other != n)
}

fn lengths_of_the_header() {
    let mut tally = Tally::new("A5", "lengths: the header's three");
    let bytes = fixture::bytes();
    let with = |range: std::ops::Range<usize>, value: u64| {
        let mut bytes = bytes.clone();
        let len = range.len();
        bytes[range].copy_from_slice(&value.to_le_bytes()[..len]);
        seal_header(&mut bytes);
        bytes
    };
    let n_tensors = 6;
    for n in others(n_tensors) {
        let expected = ["header, number of tensors: expected 6", &format!("found {n}")];
        tally.case(|| refused_within(&with(19..23, n), &expected));
    }
    let metadata_len = fixture::metadata_len(&bytes) as u64;
    for len in others(metadata_len).chain([u64::MAX]) {
        // With a different length, the CRC covers other bytes.
        tally.case(|| refused_within(&with(23..31, len), &["metadata"]));
    }
    for len in others(bytes.len() as u64).chain([u64::MAX]) {
        let expected = ["(whole file)", &format!("expected {len} bytes")];
        tally.case(|| refused_within(&with(31..39, len), &expected));
    }
    tally.finish();
}

fn lengths_of_tensors() {
    let mut tally = Tally::new("A5", "lengths: the one before each tensor");
    let bytes = fixture::bytes();
    for tensor in fixture::tensors(&bytes) {
        let at = tensor.data.start - 4;
        for n in others(tensor.data.len() as u64) {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&(n as u32).to_be_bytes());
            let expected = [&format!("byte {} (tensor ", at - 1), "expected [c6, "];
            tally.case(|| refused_within(&bytes, &expected));
        }
    }
    tally.finish();
}

fn lengths_of_the_metadata() {
    let mut tally = Tally::new("A5", "lengths: of every map, list and string in the metadata");
    let metadata = fixture::encode(&fixture::metadata());
    let lengths = lengths(&metadata);
    assert!(lengths.len() > 120, "{}", lengths.len());
    for length in &lengths {
        for n in others(length.n) {
            let (before, after) = (&metadata[..length.at], &metadata[length.at + length.bytes..]);
            let file = with_metadata(&[before, &length.with(n), after].concat());
            tally.case(|| refused_within(&file, &["(metadata)"]));
            tally.case(|| refused_within(&newer(file), &["(metadata)"]));
        }
    }
    tally.finish();
}

fn hostile_files() {
    let mut tally = Tally::new("A5", "memory for bombs and for small values in large numbers");
    for (_, shape) in bomb::SHAPES {
        for bytes in bomb::SIZES {
            for file in bomb::bombs(shape, bytes).into_iter().step_by(size(5, 1)) {
                tally.case(|| refused_within(&file, &["metadata"]));
            }
        }
    }
    for (name, file, expected) in values::costly() {
        tally.case(|| refused_within(&file, &[expected]));
        let file = newer(file);
        match name {
            "tiny keys" => tally.case(|| within(file.len(), || loads(&file))),
            _ => tally.case(|| refused_within(&file, &[expected])),
        }
    }
    tally.finish();
}

/// Files on disk, whole and cut short.
fn files_on_disk() {
    let mut tally = Tally::new("A5", "memory for files on disk, cut anywhere or whole");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    let bytes = fixture::real().view().to_bytes().unwrap();
    let mut dice = tally::Dice::new(5);
    for len in (0..size(10, 200)).map(|_| dice.below(bytes.len())).chain([bytes.len()]) {
        fs::write(&path, &bytes[..len]).unwrap();
        tally.case(|| {
            within(2 * len, || {
                let loaded = Checkpoint::load(&path).is_ok();
                ensure(loaded == (len == bytes.len()), || Failure::torn(format!("{len} bytes")))
            })
        });
    }
    tally.finish();
}

/// A model of tens of megabytes, on its own or with Adam's moments and the other copies that a run keeps.
fn large(of_run: bool) -> Checkpoint {
    let (hidden, config) = match of_run {
        true => (1500, RunConfig { averaging: Some(0.9), keep_best: true, ..RunConfig::default() }),
        false => (3000, RunConfig::default()),
    };
    let model = Model::classifier(&[784, hidden, hidden, 10]).unwrap();
    let training = of_run.then(|| {
        let adam = Adam::default();
        let mut state = TrainingState::new(&model, adam, Schedule::book(), config).unwrap();
        let best = nn_core::Buffer::from_slice(0, model.params());
        state.best = Some(Best { params: best, statistics: nn_core::zeros(0) });
        state.progress.epoch = 1;
        let metrics = Metrics { loss: 1.0, accuracy: 0.5 };
        let record =
            EpochRecord { train: metrics, validation: None, penalty: 0.0, learning_rate: 0.1 };
        state.history.push(record);
        state
    });
    Checkpoint { model, info: ModelInfo::default(), training }
}

/// A large model takes no more memory while it is read than it has afterwards.
fn large_files() {
    let mut tally =
        Tally::new("A19", "memory for whole models of tens of megabytes, and for cut ones");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    for of_run in [false, true] {
        large(of_run).view().save(&path).unwrap();
        let len = fs::metadata(&path).unwrap().len() as usize;
        let open = || fs::File::open(&path).unwrap();
        // Each way with the memory that it takes, as a multiple of the file. The length of a reader is known only at
        // its end, and a file is in memory before it is saved.
        let ways: [(&str, usize, &dyn Fn() -> bool); 5] = [
            ("load", 1, &|| Checkpoint::load(&path).is_ok()),
            ("read", 2, &|| Checkpoint::read(open()).is_ok()),
            ("damage", 1, &|| Checkpoint::damage(&path).is_empty()),
            ("digests", 1, &|| {
                let loaded = Checkpoint::load(&path).unwrap();
                !loaded.view().weights_sha256().is_empty() && loaded.view().state_sha256().is_ok()
            }),
            ("a smaller file", 2, &|| {
                let smaller = Checkpoint::load(&path).and_then(Checkpoint::into_inference);
                smaller.is_ok_and(|it| it.view().to_bytes().is_ok())
            }),
        ];
        for (name, files, way) in ways {
            tally.case(|| within(files * len, || ensure(way(), || Failure::wrong(name))));
        }
        // A reader that ends earlier than its header says.
        for cut in [1 << 16, len / 10, len - 1] {
            tally.case(|| {
                within(2 * cut, || {
                    let error = Checkpoint::read(open().take(cut as u64)).unwrap_err();
                    mentions(&error, &["(whole file)", &format!("found {cut}")])
                })
            });
        }
    }
    tally.finish();
}

/// All cases run one after another, because memory is counted for the whole program.
#[test]
fn reading_takes_little_memory() {
    lengths_of_the_header();
    lengths_of_tensors();
    lengths_of_the_metadata();
    hostile_files();
    files_on_disk();
    large_files();
}
