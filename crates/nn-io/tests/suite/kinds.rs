use std::fs;

use nn_io::{Checkpoint, Error};
use tally::{Failure, Tally, ensure};

use crate::fixture::{self, mentions, refused};

/// Files of other kinds, each with a file extension and the words that the message must have.
fn others() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let bytes = fixture::bytes();
    let lf: Vec<u8> = bytes.iter().copied().filter(|&b| b != b'\r').collect();
    let crlf = bytes.split(|&b| b == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let safetensors = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let len = (safetensors.len() as u64).to_le_bytes();
    vec![
        ("empty", vec![], "an empty file"),
        ("zeros", vec![0; 4096], "zeros (the file was never written to its end)"),
        ("gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".into(), "a gzip stream"),
        ("zip", b"PK\x03\x04\x14\0\0\0\x08\0".into(), "a zip archive"),
        ("pth", b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl".into(), "PyTorch"),
        ("keras", b"PK\x03\x04\x14\0\0\0\0\0metadata.json".into(), "Keras"),
        ("npz", b"PK\x03\x04\x14\0\0\0\0\0x.npy".into(), "NumPy"),
        ("h5", b"\x89HDF\r\n\x1a\n\0\0".into(), "an HDF5 file (a Keras .h5 file is one)"),
        ("safetensors", [&len[..], safetensors, &[0; 4]].concat(), "a safetensors file"),
        ("gguf", b"GGUF\x03\0\0\0".into(), "a GGUF model"),
        ("npy", b"\x93NUMPY\x01\0v\0{'descr'".into(), "a NumPy array"),
        ("pkl", b"\x80\x04\x95\x10\0\0\0\0\0\0\0".into(), "a Python pickle"),
        ("html", b"<!DOCTYPE html>\n<title>403</title>".into(), "an HTML page"),
        ("json", b"{\"message\": \"Not Found\"}".into(), "a JSON document"),
        ("lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n".into(), "git-lfs"),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".into(), "a PNG image"),
        ("jpg", b"\xff\xd8\xff\xe0\0\x10JFIF".into(), "a JPEG image"),
        ("pdf", b"%PDF-1.7\n".into(), "a PDF document"),
        ("elf", b"\x7fELF\x02\x01\x01\0".into(), "an ELF program"),
        ("txt", b"the model is on the other disk\n".into(), "a text file"),
        ("bin", vec![1, 2, 3, 0, 255], "unknown data that starts with 01 02 03 00 ff"),
        // A model file after transfers in text mode.
        ("crlf.model", crlf, "transferred as text"),
        ("lf.model", lf, "transferred as text"),
        ("utf8.model", text.into(), "transferred as text"),
    ]
}

#[test]
fn named() {
    let mut tally = Tally::new("A10", "a file of another kind, which the message names");
    for (_, content, name) in others() {
        tally.case(|| refused(&content, &["expected a model file, found", name, "check the path"]));
    }
    tally.finish();
}

/// There is one loader and no fallback: whatever its name, a file of another kind is refused, and a model is loaded.
#[test]
fn the_content_decides() {
    let mut tally = Tally::new("A18", "one loader: every kind of file under every kind's name");
    let directory = tempfile::tempdir().unwrap();
    let others = others();
    let names = others.iter().map(|&(name, ..)| name).chain(["model", "bak", ""]);
    for name in names {
        let path = directory.path().join(format!("file.{name}"));
        for (_, content, expected) in &others {
            fs::write(&path, content).unwrap();
            let shown = path.to_str().unwrap();
            tally.case(|| match Checkpoint::load(&path) {
                Err(error @ Error::File { .. }) => mentions(&error, &[shown, expected]),
                other => Err(Failure::torn(format!("{expected} as {name}: {other:?}"))),
            });
        }
        fs::write(&path, fixture::bytes()).unwrap();
        tally.case(|| {
            let loaded = Checkpoint::load(&path).map_err(Failure::lost)?;
            ensure(loaded == fixture::checkpoint(), || Failure::torn(name))
        });
    }
    tally.finish();
}

/// Another file in the same directory is never read instead.
#[test]
fn no_other_file() {
    let mut tally =
        Tally::new("A18", "one loader: a damaged file next to intact ones of similar names");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.model");
    let names =
        ["m", "m.model.bak", "m.model.old", "m.model.tmp", ".m.model.0.tmp", "m.h5", "m.pt"];
    for name in names {
        fs::write(directory.path().join(name), fixture::bytes()).unwrap();
    }
    let bytes = fixture::bytes();
    for content in [None, Some(&bytes[..0]), Some(&bytes[..70]), Some(&bytes[1..])] {
        content.into_iter().for_each(|content| fs::write(&path, content).unwrap());
        tally.case(|| match Checkpoint::load(&path) {
            Err(error) => mentions(&error, &["m.model"]),
            Ok(_) => Err(Failure::torn("loaded another file")),
        });
    }
    tally.finish();
}
