use nn_io::{Checkpoint, Error, ErrorKind};

use crate::fixture::{self, refused, seal_header};

/// The file with other bytes in its header, under a true checksum.
fn with_header(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = fixture::bytes();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    seal_header(&mut file);
    file
}

#[test]
fn major_versions() {
    for major in [0u16, 2, 256, u16::MAX] {
        let file = with_header(11, &major.to_le_bytes());
        let found = format!("found {major}.0");
        refused(&file, &["byte 11", "expected 1.0", &found, "use a program that reads"]);
        let error = Checkpoint::from_bytes(&file).unwrap_err();
        assert!(matches!(error, Error::Version { .. }));
        assert_eq!(error.kind(), ErrorKind::BadModel);
    }
}

#[test]
fn newer_minor_versions() {
    for minor in [1u16, 256, u16::MAX] {
        let loaded = Checkpoint::from_bytes(&with_header(13, &minor.to_le_bytes())).unwrap();
        assert_eq!(loaded, fixture::checkpoint());
    }
}

#[test]
fn required_features() {
    for bit in 0..32 {
        let features = 1u32 << bit;
        let file = with_header(15, &features.to_le_bytes());
        refused(&file, &["byte 15", "required features", &format!("{features:#010x}"), "newer"]);
    }
}

#[test]
fn lengths() {
    let bytes = fixture::bytes();
    let metadata_len = fixture::metadata_len(&bytes) as u64;
    let others = |n: u64| [0, 1, n - 1, n + 1, 1 << 16, (1 << 31) - 1, 1 << 31, u32::MAX.into()];
    for n_tensors in others(6) {
        refused(&with_header(19, &(n_tensors as u32).to_le_bytes()), &["number of tensors", "6"]);
    }
    for len in others(metadata_len).into_iter().chain([u64::MAX]) {
        // With a shorter length, the CRC is that of other bytes.
        assert!(Checkpoint::from_bytes(&with_header(23, &len.to_le_bytes())).is_err(), "{len}");
    }
    for len in others(bytes.len() as u64).into_iter().chain([u64::MAX]) {
        refused(&with_header(31, &len.to_le_bytes()), &["whole file", &len.to_string()]);
    }
}

#[test]
fn reserved_bytes() {
    for at in 43..60 {
        refused(&with_header(at, &[1]), &["byte 43 (header)", "zeros"]);
    }
}

/// The five bytes before a tensor, which no checksum covers.
#[test]
fn tensor_prefixes() {
    let bytes = fixture::bytes();
    let start = 64 + fixture::metadata_len(&bytes);
    for (at, value) in [(0, 0xC5), (0, 0xDB), (1, 0x80), (4, 47), (4, 49)] {
        let mut changed = bytes.clone();
        changed[start + at] = value;
        refused(
            &changed,
            &[&format!("byte {start} (tensor dense0.weights)"), "[c6, 00, 00, 00, 30]"],
        );
    }
}
