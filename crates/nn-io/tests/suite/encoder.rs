use nn_io::{Checkpoint, Encoder};
use nn_train::TrainingState;
use tally::{Failure, Tally, ensure};

use crate::fixture;

/// The fixture after this many epochs, whose records are all different.
fn after(epochs: usize) -> Checkpoint {
    let mut checkpoint = fixture::checkpoint();
    let training = training(&mut checkpoint);
    let mut record = training.history[0];
    training.history = (0..epochs)
        .map(|epoch| {
            record.train.loss = 1.0 / (epoch + 1) as f64;
            record
        })
        .collect();
    training.progress.epoch = epochs as u64;
    checkpoint
}

fn training(checkpoint: &mut Checkpoint) -> &mut TrainingState {
    checkpoint.training.as_mut().unwrap()
}

/// A change of a checkpoint.
type Change = fn(&mut TrainingState);

/// Whatever an encoder has encoded before, its bytes are those of a new encoder, and load as the checkpoint.
#[test]
fn what_was_encoded_before_does_not_show() {
    let mut tally = Tally::new("A20", "one encoder for all: epochs, other runs, other records");
    let mut encoder = Encoder::default();
    let mut check = |checkpoint: &Checkpoint, what: &str| {
        tally.case(|| {
            let found = encoder.encode(&checkpoint.view()).map_err(Failure::wrong)?;
            let fresh = checkpoint.view().to_bytes().map_err(Failure::wrong)?;
            ensure(found.bytes() == fresh, || Failure::torn(format!("{what}: other bytes")))?;
            // This also encodes the whole checkpoint again.
            let read = Checkpoint::from_bytes(found.bytes()).map_err(Failure::wrong)?;
            ensure(read == *checkpoint, || Failure::torn(format!("{what}: another checkpoint")))
        });
    };
    // From 16 elements on, the length of a list has another form.
    for epochs in (0..40).chain([39, 17, 16, 15, 1, 0, 300, 9_999, 10_000, 2]) {
        check(&after(epochs), &format!("{epochs} epochs"));
    }
    let changes: [(&str, Change); 7] = [
        ("a sign of zero", |it| it.history[3].train.loss = 0.0),
        ("the other", |it| it.history[3].train.loss = -0.0),
        ("an accuracy", |it| it.history[0].train.accuracy = 0.25),
        ("nothing held out", |it| it.history[19].validation = None),
        ("a held-out loss", |it| it.history[7].validation.as_mut().unwrap().loss = 9.0),
        ("a rate", |it| it.history[18].learning_rate *= 2.0),
        ("another order", |it| it.history.swap(4, 5)),
    ];
    for (what, change) in changes {
        let mut changed = after(20);
        change(training(&mut changed));
        check(&after(20), "before");
        check(&changed, what);
        changed.training = None;
        check(&changed, "no training");
    }
    tally.finish();
}

/// Invalid records are refused, even if the encoder knows those before them. After the error, the encoder works as
/// before.
#[test]
fn invalid_records_are_refused() {
    let mut tally = Tally::new("A20", "one encoder for all: invalid records");
    let mut encoder = Encoder::default();
    let changes: [Change; 5] = [
        |it| it.history[19].train.loss = f64::NAN,
        |it| it.history[2].learning_rate = f64::INFINITY,
        |it| it.history[10].validation.as_mut().unwrap().accuracy = 1.5,
        |it| it.history[10].penalty = 0.5,
        |it| it.history.truncate(19),
    ];
    for change in changes {
        let (good, mut bad) = (after(20), after(20));
        change(training(&mut bad));
        tally.case(|| {
            encoder.encode(&good.view()).map_err(Failure::wrong)?;
            let (found, expected) = (encoder.encode(&bad.view()), bad.view().to_bytes());
            let [found, expected] = [found.err(), expected.err()].map(|it| it.unwrap().to_string());
            ensure(found == expected, || Failure::wrong(format!("{found}, not {expected}")))?;
            let again = encoder.encode(&good.view()).map_err(Failure::wrong)?;
            let fresh = good.view().to_bytes().map_err(Failure::wrong)?;
            ensure(again.bytes() == fresh, || Failure::torn("other bytes after an error"))
        });
    }
    tally.finish();
}
