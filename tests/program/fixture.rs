use std::{
    io::{self, Write as _},
    path::PathBuf,
    sync::LazyLock,
};

use fmnist_data::{Dataset, Split, garments, locate};
use nn_io::Checkpoint;
use nn_train::TrainingState;
use serde_json::Value;

use crate::harness::Program;

/// The dataset that tests train on.
pub(crate) struct Data {
    /// What `--dataset` calls it.
    pub(crate) name: &'static str,
    /// Where the real images are.
    pub(crate) dir: Option<PathBuf>,
}

/// Fashion-MNIST if it has been fetched, else synthetic garments.
pub(crate) static DATA: LazyLock<Data> = LazyLock::new(|| {
    let dir = locate::find(None).unwrap();
    if dir.is_none() {
        notice("no Fashion-MNIST here: testing with synthetic garments");
    }
    Data { name: if dir.is_some() { "fashion-mnist" } else { "synthetic" }, dir }
});

/// Prints what a test had to leave out. It bypasses the test runner, which hides the output of tests that pass.
pub(crate) fn notice(text: &str) {
    writeln!(io::stderr().lock(), "notice: {text}").unwrap();
}

/// Images and labels of the test set of [`DATA`], the first ones at least.
pub(crate) static TEST_SET: LazyLock<Split> = LazyLock::new(|| match &DATA.dir {
    Some(dir) => Dataset::fashion_mnist(dir).unwrap().test,
    None => garments::synthetic(0, 0, 100).test,
});

/// A run of 4 epochs on [`DATA`] with the default settings, never stopped.
pub(crate) struct Trained {
    /// What it printed.
    pub(crate) events: Vec<Value>,
    /// Its file.
    pub(crate) bytes: Vec<u8>,
    /// Its digest.
    pub(crate) state_sha256: String,
}

pub(crate) static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let program = Program::with_data();
    let events = program.train("--epochs 4 --output m.model");
    let state_sha256 = digest(&program, "m.model");
    Trained { events, bytes: program.read("m.model"), state_sha256 }
});

/// A program with [`DATA`] and the file `m.model` of [`TRAINED`].
pub(crate) fn with_model() -> Program {
    let program = Program::with_data();
    program.write("m.model", &TRAINED.bytes);
    program
}

/// The digest of the complete state of a run.
#[track_caller]
pub(crate) fn digest(program: &Program, model: &str) -> String {
    program.inspect(model)["state_sha256"].as_str().unwrap().into()
}

/// [`TRAINED`] with a change, in a file whose checksums are all valid.
pub(crate) fn altered(change: impl FnOnce(&mut Checkpoint)) -> Vec<u8> {
    let mut checkpoint = Checkpoint::from_bytes(&TRAINED.bytes).unwrap();
    change(&mut checkpoint);
    checkpoint.view().to_bytes().unwrap()
}

/// The state of training in the file.
pub(crate) fn training(checkpoint: &mut Checkpoint) -> &mut TrainingState {
    checkpoint.training.as_mut().unwrap()
}

/// The names of a JSON object's members, in alphabetical order.
#[track_caller]
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort();
    keys
}
