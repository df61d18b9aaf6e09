//! One table, with or without labels.

use super::*;
use crate::fixture::{gzip, refused};

type Read = Result<(Images, Option<Vec<String>>), Error>;

fn read(text: &str, size: Option<(usize, usize)>) -> Read {
    let size = size.and_then(|(width, height)| ImageSize::new(width, height));
    Images::parse_csv(text.as_bytes(), &ReadOptions { size, ..ReadOptions::default() })
}

#[track_caller]
fn check(found: Read, pixels: &[u8], labels: Option<&[&str]>) {
    let (images, found) = found.unwrap();
    assert_eq!(images.pixels, pixels);
    assert_eq!(
        found.as_deref().map(|it| it.iter().map(String::as_str).collect()),
        labels.map(<[_]>::to_vec)
    );
    assert_eq!(images.pixels.len(), images.count * images.image_len());
}

#[test]
fn labels_are_optional() {
    check(read("a,b,c,d\n1,2,3,4\n", None), &[1, 2, 3, 4], None);
    check(read(",a,b,c,d\n7,1,2,3,4\n", None), &[1, 2, 3, 4], None);
    check(
        read("a,b,c,d,class\n1,2,3,4,9.0\n4,3,2,1,x\n", None),
        &[1, 2, 3, 4, 4, 3, 2, 1],
        Some(&["9.0", "x"]),
    );
    // Without a header, the size decides, or which of the two numbers is a square.
    check(read("1,2,3,4\n", None), &[1, 2, 3, 4], None);
    check(read("5,1,2,3,4\n", None), &[1, 2, 3, 4], Some(&["5"]));
    check(read("1,2,3\n4,5,6\n", Some((3, 1))), &[1, 2, 3, 4, 5, 6], None);
    check(read("cat,2,3\n\n4,5,6\n", Some((1, 2))), &[2, 3, 5, 6], Some(&["cat", "4"]));
    check(read("0.5,1,0\n", Some((3, 1))), &[128, 255, 0], None);
    let words =
        ["<memory>: line 1, column 1: expected 4 columns of pixels, for images of 2x2, found 2"];
    refused(read("1,2,3\n", Some((2, 2))), &words).unwrap();
    refused(read("a,b,c,d\n", None), &["line 2, column 1", "pixels under the header"]).unwrap();
    refused(read("digit,a,b,c,d\n1,2,3,4,5\n", None), &["a square number", "found 5"]).unwrap();
}

#[test]
fn a_file_is_read_as_from_memory() {
    let dir = directory(&[("a.csv", b"5;1;2;3;4"), ("b", &gzip(b"5\t1\t2\t3\t4"))]);
    let options = ReadOptions { transpose: true, ..ReadOptions::default() };
    for name in ["a.csv", "b"] {
        check(Images::from_csv(&dir.path().join(name), &options), &[1, 3, 2, 4], Some(&["5"]));
    }
    let missing = Images::from_csv(&dir.path().join("c"), &options);
    refused(missing, &["c: cannot open"]).unwrap();
}
