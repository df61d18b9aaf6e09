//! NumPy archives: any bytes give a dataset whose images and labels fit each other, or an error.
//!
//! The bytes are tried as they are. No fuzzer makes an archive with valid checksums, so they are then also tried as arrays: those
//! before the last array's magic number as images, the rest as labels, in an archive of stored members.
#![no_main]

use fmnist_data::{Colour, Dataset, ReadOptions, Split};
use libfuzzer_sys::fuzz_target;

const MAGIC: &[u8] = b"\x93NUMPY";

fuzz_target!(|bytes: &[u8]| {
    for colour in [Colour::Grey, Colour::Rgb] {
        let options = ReadOptions { colour, transpose: colour == Colour::Rgb, size: None };
        check(bytes, &options);
        let cut = bytes.windows(MAGIC.len()).rposition(|window| window == MAGIC);
        let (images, labels) = bytes.split_at(cut.unwrap_or(0));
        check(&archive(images, labels), &options);
    }
});

fn check(bytes: &[u8], options: &ReadOptions) {
    let Ok(dataset) = Dataset::parse_npz(bytes, options) else { return };
    let n_classes = dataset.info.class_names.len();
    for Split { images, labels, .. } in [&dataset.train, &dataset.test] {
        assert_eq!(images.count, labels.len());
        assert_eq!(images.pixels.len(), images.count * images.image_len());
        assert!(
            labels.iter().all(|&label| usize::from(label) < n_classes),
            "a label without class"
        );
    }
    let sides = [&dataset.train, &dataset.test]
        .map(|split| (split.images.height, split.images.width, split.images.channels));
    assert_eq!(sides[0], sides[1]);
}

/// A zip archive of stored members, the same arrays for training and test.
fn archive(images: &[u8], labels: &[u8]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let members = [
        ("x_train.npy", images),
        ("y_train.npy", labels),
        ("x_test.npy", images),
        ("y_test.npy", labels),
    ];
    for (name, content) in members {
        let len = (content.len() as u32).to_le_bytes();
        let crc = crc32fast::hash(content).to_le_bytes();
        let name_len = (name.len() as u16).to_le_bytes();
        let fields =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0], &crc[..], &len, &len, &name_len, &[0; 2]].concat();
        let offset = (archive.len() as u32).to_le_bytes();
        directory.extend(
            [b"PK\x01\x02\x14\0", &fields[..], &[0; 10], &offset, name.as_bytes()].concat(),
        );
        archive.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), content].concat());
    }
    let start = (archive.len() as u32).to_le_bytes();
    let len = (directory.len() as u32).to_le_bytes();
    archive.extend(directory);
    archive.extend([b"PK\x05\x06\0\0\0\0\x04\0\x04\0", &len[..], &start, &[0; 2]].concat());
    archive
}
