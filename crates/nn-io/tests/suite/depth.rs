use std::process::Command;
use std::{env, thread};

use rmpv::Value;
use tally::{Failure, Tally, ensure};

use crate::bomb::{SHAPES, SIZES, bombs};
use crate::fixture::{edited, loads, newer, pairs, refused};

/// The limit on the depth is 16: the map, and fifteen lists in it.
#[test]
fn limit() {
    let nested = |n| {
        let value = (0..n).fold(Value::Nil, |value, _| Value::Array(vec![value]));
        newer(edited(|metadata| pairs(metadata).push(("new".into(), value))))
    };
    loads(&nested(15)).unwrap();
    refused(&nested(16), &["depth limit exceeded"]).unwrap();
}

/// The variable with the shape and size that a child process of this test reads.
const CHILD: &str = "NN_IO_BOMB";

/// A stack overflow ends a program at once. So each shape and size runs in a process of its own, on a thread with a
/// small stack.
#[test]
fn nests() {
    if let Ok(bomb) = env::var(CHILD) {
        let (shape, size) = bomb.split_once(' ').unwrap();
        return explode(shape.parse().unwrap(), size.parse().unwrap());
    }
    let mut tally = Tally::new("A4", "depth bombs of 8 shapes, 64 bytes to 10 MB, 12 files each");
    for (shape, (name, _)) in SHAPES.iter().enumerate() {
        for size in SIZES {
            tally.case(|| {
                let child = Command::new(env::current_exe().unwrap())
                    .args(["--exact", "depth::nests", "--nocapture"])
                    .env(CHILD, format!("{shape} {size}"))
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&child.stderr);
                // A process that a signal ended has no exit code.
                assert!(child.status.code().is_some(), "{name} of {size} bytes: {said}");
                let ran = String::from_utf8_lossy(&child.stdout).contains("1 passed");
                ensure(ran, || Failure::wrong(format!("{name} of {size} bytes: {said}")))
            });
        }
    }
    tally.finish();
}

fn explode(shape: usize, size: usize) {
    let check = move || {
        for file in bombs(SHAPES[shape].1, size) {
            refused(&file, &["metadata"]).unwrap();
        }
    };
    thread::Builder::new().stack_size(256 << 10).spawn(check).unwrap().join().unwrap();
}
