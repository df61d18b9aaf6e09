//! Which files are read, and which are refused with which message. Damage and bombs are tested in submodules.

mod bomb;
mod damage;

use std::io::Read;

use super::*;
use crate::fixture::{gzip, idx_u8};

const DIMS: [usize; 3] = [3, 2, 2];

fn tiny() -> Vec<u8> {
    idx_u8(&DIMS, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
}

#[track_caller]
fn refuse(bytes: &[u8], expected: &str) {
    let message = parse(bytes).expect_err("accepted").to_string();
    assert!(message.contains(expected), "{message}");
}

#[track_caller]
fn accept(bytes: &[u8], elements: Elements) {
    assert_eq!(parse(bytes).unwrap(), Idx { dims: vec![2], elements });
}

#[test]
fn reads_every_element_type_raw_and_gzip() {
    let file = |code: u8, elements: &[u8]| [&[0, 0, code, 1, 0, 0, 0, 2], elements].concat();
    accept(&file(0x08, &[1, 255]), Elements::U8(vec![1, 255]));
    accept(&file(0x09, &[1, 255]), Elements::I8(vec![1, -1]));
    accept(&file(0x0b, &[1, 2, 255, 254]), Elements::I16(vec![258, -2]));
    accept(&file(0x0c, &[0, 1, 0, 0, 255, 255, 255, 255]), Elements::I32(vec![65536, -1]));
    let floats = [1.5_f32.to_be_bytes(), (-2.0_f32).to_be_bytes()].concat();
    accept(&file(0x0d, &floats), Elements::F32(vec![1.5, -2.0]));
    let doubles = [1.5_f64.to_be_bytes(), (-2.0_f64).to_be_bytes()].concat();
    accept(&file(0x0e, &doubles), Elements::F64(vec![1.5, -2.0]));
    accept(&gzip(&file(0x0e, &doubles)), Elements::F64(vec![1.5, -2.0]));
}

#[test]
fn a_header_that_lies_is_refused_by_field() {
    let header = |head: &[u8]| [head, tiny().get(4..).unwrap()].concat();
    refuse(&header(&[0, 1, 8, 3]), "byte 0 (magic number): expected 00 00, found 00 01");
    refuse(&header(&[0, 0, 0x0a, 3]), "byte 2 (element type)");
    refuse(&header(&[0, 0, 8, 0]), "byte 3 (rank): expected 1 to 8, found 0");
    refuse(&header(&[0, 0, 8, 255]), "byte 3 (rank)");
    refuse(&[0, 0, 8], "byte 0 (magic number): expected 4 bytes, found the end after 3");
    refuse(&[0, 0, 8, 2, 0, 0, 0, 1, 0], "byte 8 (dimension): expected 4 bytes");
    refuse(&idx_u8(&[3, 0, 2], &[]), "byte 8 (dimension): expected at least 1");
    refuse(
        &idx_u8(&[1 << 31], &[]),
        "byte 4 (dimension): expected at least 1, and at most 10737418",
    );
    let huge = u32::MAX as usize;
    refuse(&idx_u8(&[huge, huge, huge], &[]), "found 4294967295");
    // Each dimension is modest, the product of all is 2^68.
    refuse(&idx_u8(&[1 << 17; 4], &[]), "byte 8 (dimension)");
    refuse(
        &[0, 0, 8, 1, 3, 0, 0, 0, 1, 2, 3],
        "expected 50331648 bytes, then the end, found the end",
    );
}

#[test]
fn data_are_exactly_as_long_as_the_header_says() {
    let too_short = tiny()[..27].to_vec();
    refuse(
        &too_short,
        "byte 16 (elements): expected 12 bytes, then the end, found the end after 11",
    );
    refuse(&gzip(&too_short), "byte 16 (elements)");
    let too_long = [tiny(), vec![0]].concat();
    refuse(&too_long, "expected 12 bytes, then the end, found more");
    refuse(&gzip(&too_long), "found more");
}

#[test]
fn other_kinds_of_files_are_named() {
    refuse(b"", "expected an IDX file, raw or gzip, found an empty file");
    refuse(b"<!DOCTYPE html><html>", "found an HTML page");
    refuse(b"version https://git-lfs.github.com/spec/v1\n", "found a git-lfs pointer");
    refuse(b"PK\x03\x04", "found a zip archive");
    refuse(&[0x08, 0, 0, 0x03], "found unknown data that starts with 08 00 00 03");
    refuse(&gzip(b"<html>"), "byte 0 (magic number)");
    refuse(&gzip(b""), "byte 0 (magic number): expected 4 bytes, found the end after 0");
    refuse(&[0x1f], "gzip stream");
}

/// A reader that never ends, and counts what is read from it.
struct Endless<'a> {
    start: &'a [u8],
    read: &'a mut u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = match self.start.read(buffer)? {
            0 => {
                buffer.fill(0);
                buffer.len()
            }
            n => n,
        };
        *self.read += n as u64;
        Ok(n)
    }
}

#[test]
fn reading_an_endless_stream_stops_at_the_first_excess_byte() {
    let mut taken = 0;
    let reader = Endless { start: &tiny(), read: &mut taken };
    let error = read(reader, Path::new("endless")).expect_err("accepted");
    assert!(error.to_string().contains("endless: byte 16 (elements)"), "{error}");
    assert!(taken <= 1 << 17, "read {taken} bytes");
}

#[test]
fn a_reader_of_single_bytes_works() {
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = buffer.len().min(1);
            self.0.read(&mut buffer[..n])
        }
    }
    for file in [tiny(), gzip(&tiny())] {
        assert_eq!(read(Slow(&file), Path::new("slow")).unwrap(), parse(&tiny()).unwrap());
    }
}
