use nn_core::Arithmetic;
use nn_io::{Checkpoint, Error, ErrorKind, Preparation};
use nn_optim::Decay;
use nn_train::HeldOut;
use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, loads, newer, refused, seal_header, stable};
use crate::fuller;

/// The file with other bytes in its header, and a correct checksum.
fn with_header(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = fixture::bytes();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    seal_header(&mut file);
    file
}

#[test]
fn versions() {
    let mut tally =
        Tally::new("A9", "versions: other major ones, newer minor ones with and without new keys");
    for major in [0u16, 2, 256, u16::MAX] {
        let file = with_header(11, &major.to_le_bytes());
        let found = format!("found {major}.0");
        let expected = ["byte 11", "expected 1.2", &found, "use a program that reads"];
        tally.case(|| {
            refused(&file, &expected)?;
            let error = Checkpoint::from_bytes(&file).unwrap_err();
            let kind =
                matches!(error, Error::Version { .. }) && error.kind() == ErrorKind::BadModel;
            ensure(kind, || Failure::wrong(format!("{error:?}")))
        });
    }
    for minor in [3u16, 256, u16::MAX] {
        tally.case(|| loads(&with_header(13, &minor.to_le_bytes())));
        let mut file = fixture::edited(|metadata| {
            fixture::pairs(metadata).push(("new".into(), Value::Array(vec![1.into(), Value::Nil])));
        });
        tally.case(|| refused(&file, &["(metadata)", "an unknown key"]));
        file[13..15].copy_from_slice(&minor.to_le_bytes());
        seal_header(&mut file);
        tally.case(|| loads(&file));
    }
    // A file has the lowest version that has all its keys.
    let prepared = fixture::prepared(Some(Preparation::Ink)).view().to_bytes().unwrap();
    let directory = fixture::read_from("digits").view().to_bytes().unwrap();
    let mut both = fixture::read_from("digits");
    both.info.input.preparation = Some(Preparation::Ink);
    let both = both.view().to_bytes().unwrap();
    let plain = fixture::bytes();
    for (mut file, needed, other) in [
        (prepared.clone(), 1, 0),
        (prepared, 1, 2),
        (directory.clone(), 2, 0),
        (directory, 2, 1),
        (both, 2, 1),
        (plain.clone(), 0, 1),
        (plain, 0, 2),
    ] {
        assert_eq!(file[13..15], [needed, 0]);
        tally.case(|| ensure(stable(&file)?, || Failure::lost(needed)));
        file[13] = other;
        seal_header(&mut file);
        let words = [&format!("expected 1.{needed}"), &format!("found 1.{other}")[..]];
        tally.case(|| refused(&file, &["header, version", words[0], words[1]]));
    }
    tally.finish();
}

#[test]
fn required_features() {
    let mut tally = Tally::new("A9", "versions: each unknown required feature");
    for bit in (6..32).filter(|bit| ![6, 7, 9, 10, 12, 14].contains(bit)) {
        for known in 0..64 {
            let features = 1u32 << bit | known;
            let file = with_header(15, &features.to_le_bytes());
            let found = format!("found {features:#010x}");
            tally.case(|| refused(&file, &["byte 15", "required features", &found, "newer"]));
        }
    }
    tally.finish();
}

/// The header has the bit of each known required feature exactly when the metadata need it.
#[test]
fn required_features_that_are_known() {
    let mut tally = Tally::new("A9", "versions: each known feature, needed or not, present or not");
    let mut inference = fixture::checkpoint();
    inference.training = None;
    let mut files = vec![(0, inference.view().to_bytes().unwrap())];
    for (i, optimizer) in fixture::optimizers().into_iter().enumerate() {
        let other = u32::from(i > 0);
        files.push((other, fixture::bytes_with(optimizer)));
        for (j, schedule) in fixture::schedules().into_iter().enumerate() {
            let mut checkpoint = fixture::checkpoint_with(optimizer);
            checkpoint.training.as_mut().unwrap().schedule = schedule;
            let has_every = matches!(schedule.decay, Decay::Exponential { every: 2.., .. });
            let features = other | if j > 0 { 2 } else { 0 } | u32::from(has_every) << 12;
            files.push((features, checkpoint.view().to_bytes().unwrap()));
        }
    }
    // Plain arithmetic, augmentation and held-out samples are settings, so their features come with that of settings.
    let (plain, augmented) = (1 << 10 | 1 << 4, 1 << 14 | 1 << 4);
    let held_out = 1 << 9 | 1 << 4;
    let bits = (0..64).flat_map(|bits| [bits, bits | plain, bits | augmented, bits | held_out]);
    // There is no fixture of every layer for colour images.
    let coloured = (0..64).filter(|bits| bits & 4 == 0).map(|bits| bits | 64);
    for bits in bits.chain(coloured) {
        let mut checkpoint = match bits & (64 | 4) {
            0 => fixture::checkpoint(),
            4 => fuller::layers(),
            _ => fuller::coloured(),
        };
        checkpoint.info.input.mirror = bits & 8 != 0;
        let n = checkpoint.model.params().len();
        let training = checkpoint.training.as_mut().unwrap();
        training.config.tta_flip = bits & 8 != 0;
        if bits & 1 != 0 {
            training.optimizer = fixture::optimizer(fixture::optimizers()[1], n);
        }
        if bits & 2 != 0 {
            training.schedule.warmup = 1;
        }
        if bits & 16 != 0 {
            training.config.accumulation = 2;
        }
        if bits & plain == plain {
            training.config.arithmetic = Arithmetic::Plain;
        }
        if bits & augmented == augmented {
            training.config.augment.noise = 1.0;
        }
        if bits & held_out == held_out {
            training.config.held_out = HeldOut::Stratified;
        }
        if bits & 32 != 0 {
            checkpoint.info.dataset = None;
        }
        files.push((bits, checkpoint.view().to_bytes().unwrap()));
    }
    for (features, mut file) in files {
        assert_eq!(file[15..19], features.to_le_bytes());
        tally.case(|| ensure(stable(&file)?, || Failure::lost(features)));
        let others = (0..64).map(|low| features & !63 | low).filter(|&it| it != features);
        for untrue in others.chain([6, 7, 9, 10, 12, 14].map(|bit| features ^ 1 << bit)) {
            file[15..19].copy_from_slice(&u32::to_le_bytes(untrue));
            seal_header(&mut file);
            let (expected, found) =
                (format!("expected {features:#010x}"), format!("found {untrue:#010x}"));
            let words =
                ["byte 15 (header)", "required features", &expected, &found, "did not follow"];
            tally.case(|| refused(&file, &words));
            tally.case(|| refused(&newer(file.clone()), &words));
        }
    }
    tally.finish();
}

#[test]
fn reserved_bytes() {
    for at in 43..60 {
        refused(&with_header(at, &[1]), &["byte 43 (header)", "zeros"]).unwrap();
    }
}
