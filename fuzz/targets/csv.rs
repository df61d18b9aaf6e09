//! CSV tables, raw and gzip: any bytes give images of the size that is asked for, each with a label or none, or an error.
//!
//! The bytes are tried as they are, and then in a gzip stream of two members, which must give the same.
#![no_main]

use fmnist_data::{Colour, Images, ReadOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for colour in [Colour::Grey, Colour::Rgb] {
        for size in [None, "2x3".parse().ok()] {
            check(bytes, &ReadOptions { size, colour, transpose: size.is_some() });
        }
    }
});

fn check(bytes: &[u8], options: &ReadOptions) {
    let found = Images::parse_csv(bytes, options).ok();
    if let Some((images, labels)) = &found {
        assert!(images.count > 0);
        assert_eq!(images.pixels.len(), images.count * images.image_len());
        assert_eq!(images.channels, options.colour.channels());
        if let Some(size) = options.size {
            assert_eq!((images.width, images.height), (size.width(), size.height()));
        }
        if let Some(labels) = labels {
            assert_eq!(labels.len(), images.count);
        }
    }
    // Gzip within gzip is not inflated twice.
    if !bytes.starts_with(b"\x1F\x8B") {
        let (start, end) = bytes.split_at(bytes.len() / 2);
        let inflated = Images::parse_csv(&[gzip(start), gzip(end)].concat(), options).ok();
        assert!(inflated == found, "another table as gzip");
    }
}

/// A gzip stream of stored blocks, which are fast to make.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut stream = b"\x1F\x8B\x08\0\0\0\0\0\0\xFF".to_vec();
    for block in bytes.chunks(usize::from(u16::MAX)) {
        let len = block.len() as u16;
        stream.push(0);
        stream.extend(len.to_le_bytes());
        stream.extend((!len).to_le_bytes());
        stream.extend(block);
    }
    stream.extend([1, 0, 0, 0xFF, 0xFF]);
    stream.extend(crc32fast::hash(bytes).to_le_bytes());
    stream.extend((bytes.len() as u32).to_le_bytes());
    stream
}
