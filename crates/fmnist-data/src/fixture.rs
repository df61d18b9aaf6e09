//! Shared by the tests: a dataset of a few hundred bytes with its own manifest, ways to damage a file, and checks of
//! refusals.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageBuffer, ImageEncoder as _, PixelWithColorType};
use tally::{Dice, Failure, ensure};

use crate::digest::{Digest, Digesting};
use crate::manifest::{self, FileSpec, Manifest};
use crate::{Error, idx, locate};

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

/// An IDX file of another type, whose code is given.
pub(crate) fn idx_of<const N: usize>(code: u8, dims: &[usize], elements: &[[u8; N]]) -> Vec<u8> {
    let mut file = idx_u8(dims, &elements.concat());
    file[2] = code;
    file
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

/// Overwrites the file in place, which tests do many times a second. Truncating it first, as [`fs::write`] does, makes
/// some file systems wait for the disk each time.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    let mut file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

/// Where Fashion-MNIST is on this machine. It is never part of the repository, so tests must work without it; the notice
/// then says so.
pub(crate) fn published_dir() -> Option<PathBuf> {
    let dir = locate::find(None).ok().flatten();
    if dir.is_none() {
        notice("no Fashion-MNIST on this machine, only a tiny set is tested");
    }
    dir
}

/// The published labels of the test set, zipped.
pub(crate) fn published_labels() -> Option<Vec<u8>> {
    fs::read(published_dir()?.join(manifest::fashion_mnist().files[3].name)).ok()
}

/// Prints what a test had to skip. It bypasses the test runner, which hides the output of tests that pass.
pub(crate) fn notice(text: &str) {
    writeln!(io::stderr().lock(), "notice: {text}").unwrap();
}

/// Fails unless the result is an error that contains all of these words.
pub(crate) fn refused<T>(result: Result<T, Error>, words: &[&str]) -> Result<(), Failure> {
    let Err(error) = result else { return Err(Failure::torn(format!("accepted, not {words:?}"))) };
    says(&error.to_string(), words)
}

/// Fails unless the message contains all of these words.
pub(crate) fn says(message: &str, words: &[&str]) -> Result<(), Failure> {
    match words.iter().find(|word| !message.contains(**word)) {
        None => Ok(()),
        Some(word) => Err(Failure::wrong(format!("no {word:?} in: {message}"))),
    }
}

/// Fails with a wrong answer unless `holds`.
pub(crate) fn right(holds: bool, what: impl std::fmt::Debug) -> Result<(), Failure> {
    ensure(holds, || Failure::wrong(format!("{what:?}")))
}

/// The bytes with one bit flipped.
pub(crate) fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

/// All numbers of a range, or `most` random ones if there are more.
pub(crate) fn sample(range: Range<usize>, most: usize) -> Vec<usize> {
    if range.len() <= most {
        return range.collect();
    }
    let mut dice = Dice::new(range.end as u64);
    (0..most).map(|_| range.start + dice.below(range.len())).collect()
}

/// An uncompressed PNG with the EXIF orientation "turn a quarter to the right".
pub(crate) fn turned_png<P>(picture: &ImageBuffer<P, Vec<u8>>) -> Vec<u8>
where
    P: PixelWithColorType<Subpixel = u8>,
{
    // Big-endian; one entry, the orientation, a single number of 16 bits, 6.
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut bytes = Vec::new();
    let none = CompressionType::Uncompressed;
    let mut encoder = PngEncoder::new_with_quality(&mut bytes, none, FilterType::NoFilter);
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    picture.write_with_encoder(encoder).unwrap();
    bytes
}

/// A gzip stream that inflates to `start`, followed by this many zeros.
pub(crate) fn bomb(start: &[u8], zeros: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(start).unwrap();
    io::copy(&mut io::repeat(0).take(zeros), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// Adds a name of this many bytes to the header of a gzip stream that has none.
pub(crate) fn named(stream: &[u8], bytes: usize) -> Vec<u8> {
    let (head, rest) = stream.split_at(10);
    let mut named = head.to_vec();
    named[3] |= 8;
    named.resize(10 + bytes, b'a');
    [&named, &[0][..], rest].concat()
}

/// How a zip archive is written.
#[derive(Clone, Copy, Default)]
pub(crate) struct ZipForm {
    pub(crate) deflated: bool,
    pub(crate) zip64: bool,
}

/// A zip archive of these members.
pub(crate) fn zip(members: &[(&str, Vec<u8>)], form: ZipForm) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let data = if form.deflated { deflated(content) } else { content.clone() };
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let (sizes, extra) = match form.zip64 {
            false => ([data.len() as u32, content.len() as u32], vec![]),
            true => {
                let lens = [content.len() as u64, data.len() as u64].map(u64::to_le_bytes).concat();
                ([u32::MAX; 2], [&[1, 0, 16, 0], &*lens].concat())
            }
        };
        let mut fields = [[if form.zip64 { 45 } else { 20 }, 0], [0, 0]].concat();
        fields.extend(if form.deflated { [8, 0] } else { [0, 0] });
        fields.extend([0; 4]);
        fields.extend(crc.sum().to_le_bytes());
        fields.extend(sizes.map(u32::to_le_bytes).concat());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend((extra.len() as u16).to_le_bytes());
        let offset = (archive.len() as u32).to_le_bytes();
        let tail = [name.as_bytes(), &extra].concat();
        directory.extend([b"PK\x01\x02\x2d\0", &fields[..], &[0; 10], &offset, &tail].concat());
        archive.extend([b"PK\x03\x04", &fields[..], &tail, &data].concat());
    }
    let start = (archive.len() as u32).to_le_bytes();
    let [len, count] = [directory.len() as u32, members.len() as u32].map(u32::to_le_bytes);
    let count = [count[0], count[1], count[0], count[1]];
    [archive, directory, [b"PK\x05\x06\0\0\0\0", &count[..], &len, &start, &[0; 2]].concat()]
        .concat()
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A NumPy array in C order.
pub(crate) fn npy(descr: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    npy_of(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), numbers)
}

/// A NumPy array with this header.
pub(crate) fn npy_of(header: &str, numbers: &[u8]) -> Vec<u8> {
    let len = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &len[..], header.as_bytes(), numbers].concat()
}
