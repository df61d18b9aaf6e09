//! A dataset of a few hundred bytes for tests, with a manifest of its own.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::digest::{Digest, Digesting};
use crate::idx;
use crate::manifest::{self, FileSpec, Manifest};

/// A gzip stream of one member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file of `u8`.
pub(crate) fn idx_u8(dims: &[usize], elements: &[u8]) -> Vec<u8> {
    [idx::header_u8(dims).as_slice(), elements].concat()
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    let mut reader = Digesting::new(bytes);
    std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    reader.finish()
}

/// The four IDX files of a set of 20 + 10 images of 3 x 2; `salt` makes sets differ.
pub(crate) fn raw_files(salt: u8) -> [Vec<u8>; 4] {
    let pixels = |n: usize, first: u8| -> Vec<u8> {
        (0..n * 6).map(|i| (i as u8).wrapping_mul(37) ^ first ^ salt).collect()
    };
    let labels = |n: usize| -> Vec<u8> { (0..n).map(|i| (i as u8 + salt) % 10).collect() };
    [
        idx_u8(&[20, 3, 2], &pixels(20, 0)),
        idx_u8(&[20], &labels(20)),
        idx_u8(&[10, 3, 2], &pixels(10, 99)),
        idx_u8(&[10], &labels(10)),
    ]
}

/// A manifest that pins these four files, and refuses another set as "MNIST".
pub(crate) fn manifest(raw: &[Vec<u8>; 4], mnist: &[Vec<u8>; 4]) -> Manifest {
    let published = manifest::fashion_mnist().files;
    let spec = |i: usize| FileSpec {
        name: published[i].name,
        gzip: digest(&gzip(&raw[i])),
        raw: digest(&raw[i]),
    };
    Manifest {
        content_sha256: digest(&raw.concat()).sha256,
        files: std::array::from_fn(spec),
        mnist: mnist.each_ref().map(|raw| digest(&gzip(raw))),
    }
}

/// Writes the four files as gzip under their published names.
pub(crate) fn write(dir: &Path, raw: &[Vec<u8>; 4]) {
    for (spec, raw) in manifest::fashion_mnist().files.iter().zip(raw) {
        fs::write(dir.join(spec.name), gzip(raw)).unwrap();
    }
}
