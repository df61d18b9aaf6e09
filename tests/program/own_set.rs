use std::{fs, path::Path, sync::LazyLock};

use fmnist_data::{CLASS_NAMES, Split, garments};
use image::{
    GrayImage,
    imageops::{self, FilterType},
};

use serde_json::Value;

use crate::harness::Program;

/// The kinds of custom datasets.
pub(crate) const KINDS: [&str; 4] = ["idx", "folder", "csv", "npz"];

/// The options of a run on the set of [`with_small_set`]: 6 steps an epoch.
pub(crate) const SMALL: &str = "--dataset idx --data-dir small --batch-size 100 --validation 60";

/// A program with a set that is read and learnt in milliseconds.
pub(crate) fn with_small_set() -> Program {
    static SET: LazyLock<OwnSet> = LazyLock::new(|| OwnSet::garments(660, 100));
    let program = Program::new();
    SET.write_as(&program, "idx", "small");
    program
}

/// Starts or resumes a run on the small set. Returns its events.
#[track_caller]
pub(crate) fn train_small(program: &Program, arguments: &str) -> Vec<Value> {
    program.json(&format!("train {SMALL} {arguments}"))
}

/// A picture and its label.
pub(crate) type Labelled = (GrayImage, u8);

/// A small set of synthetic garments, to be written as any kind.
pub(crate) struct OwnSet {
    pub(crate) train: Vec<Labelled>,
    pub(crate) test: Vec<Labelled>,
    /// A word for each label.
    pub(crate) names: Vec<&'static str>,
}

impl OwnSet {
    /// Garments of all ten classes, as they are drawn.
    pub(crate) fn garments(n_train: usize, n_test: usize) -> Self {
        let dataset = garments::synthetic(0, n_train, n_test);
        let [train, test] = [&dataset.train, &dataset.test].map(pictures);
        // A folder's name cannot have a slash.
        let names = CLASS_NAMES.map(|name| name.split('/').next().unwrap());
        Self { train, test, names: names.to_vec() }
    }

    /// Trousers, sneakers and bags, dark on white and of 5 x 7 pixels.
    pub(crate) fn five_by_seven() -> Self {
        let Self { train, test, .. } = Self::garments(1000, 300);
        let names = vec!["Bag of the shop", "Shoe", "Trouser"];
        let small = |labelled: Vec<Labelled>| {
            let some = labelled.into_iter().filter_map(|(picture, label)| {
                // In the order of the names, as in folders.
                let label = [8, 7, 1].iter().position(|&it| it == label)?;
                let mut small = imageops::resize(&picture, 5, 7, FilterType::Triangle);
                imageops::invert(&mut small);
                Some((small, label as u8))
            });
            some.collect()
        };
        Self { train: small(train), test: small(test), names }
    }

    pub(crate) fn width(&self) -> u32 {
        self.train[0].0.width()
    }

    pub(crate) fn height(&self) -> u32 {
        self.train[0].0.height()
    }

    /// The same set with another test set.
    pub(crate) fn with_test(&self, test: &[Labelled]) -> Self {
        Self { train: self.train.clone(), test: test.to_vec(), names: self.names.clone() }
    }

    /// Writes the set as a directory of this kind with the same name, including the names of its classes.
    pub(crate) fn write(&self, program: &Program, kind: &str) {
        self.write_as(program, kind, kind);
    }

    /// Writes the set as a directory of this kind.
    pub(crate) fn write_as(&self, program: &Program, kind: &str, name: &str) {
        let dir = program.path(name);
        fs::create_dir(&dir).unwrap();
        let parts = [(&self.train, "train"), (&self.test, "test")];
        match kind {
            "idx" => parts.iter().for_each(|(part, name)| self.write_idx(&dir, name, part)),
            "csv" => parts.iter().for_each(|(part, name)| write_csv(&dir, name, part)),
            "npz" => self.write_npz(&dir),
            _ => {
                parts.iter().for_each(|(part, name)| self.write_folder(&dir.join(name), part));
                return;
            }
        }
        fs::write(dir.join("classes.txt"), self.names.join("\n")).unwrap();
    }

    /// Writes the training pictures alone, in a folder for each class.
    pub(crate) fn write_unparted(&self, program: &Program, name: &str) {
        self.write_folder(&program.path(name), &self.train);
    }

    fn write_folder(&self, dir: &Path, part: &[Labelled]) {
        for (i, (picture, label)) in part.iter().enumerate() {
            let class = dir.join(self.names[usize::from(*label)]);
            fs::create_dir_all(&class).unwrap();
            picture.save(class.join(format!("{i:05}.png"))).unwrap();
        }
    }

    fn write_npz(&self, dir: &Path) {
        let (height, width) = (self.height(), self.width());
        let images = |part: &[Labelled]| {
            let pixels = part.iter().flat_map(|(picture, _)| picture.as_raw()).copied().collect();
            npy(&format!("{}, {height}, {width}", part.len()), pixels)
        };
        let labels = |part: &[Labelled]| {
            npy(&format!("{},", part.len()), part.iter().map(|(_, label)| *label).collect())
        };
        let archive = zip([
            ("x_train.npy", images(&self.train)),
            ("y_train.npy", labels(&self.train)),
            ("x_test.npy", images(&self.test)),
            ("y_test.npy", labels(&self.test)),
        ]);
        fs::write(dir.join("data.npz"), archive).unwrap();
    }

    fn write_idx(&self, dir: &Path, name: &str, part: &[Labelled]) {
        let name = if name == "test" { "t10k" } else { name };
        let header = |dims: &[u32]| {
            let dims: Vec<[u8; 4]> = dims.iter().map(|dim| dim.to_be_bytes()).collect();
            [&[0, 0, 8, dims.len() as u8], dims.concat().as_slice()].concat()
        };
        let mut images = header(&[part.len() as u32, self.height(), self.width()]);
        images.extend(part.iter().flat_map(|(picture, _)| picture.as_raw()));
        let mut labels = header(&[part.len() as u32]);
        labels.extend(part.iter().map(|(_, label)| label));
        fs::write(dir.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(dir.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// An array of bytes as NumPy saves it.
fn npy(shape: &str, bytes: Vec<u8>) -> Vec<u8> {
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}");
    let len = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &len[..], text.as_bytes(), &bytes].concat()
}

/// A zip archive of stored members.
fn zip(members: [(&str, Vec<u8>); 4]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let [crc, len] = [crc32fast::hash(&content), content.len() as u32].map(u32::to_le_bytes);
        let name_len = (name.len() as u16).to_le_bytes();
        let fields = [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0], &crc[..], &len, &len, &name_len, &[0; 2]];
        let (fields, name) = (fields.concat(), name.as_bytes());
        let offset = (archive.len() as u32).to_le_bytes();
        directory.extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 10], &offset, name].concat());
        archive.extend([b"PK\x03\x04", &fields[..], name, &content].concat());
    }
    let [start, len] = [archive.len() as u32, directory.len() as u32].map(u32::to_le_bytes);
    let end = [b"PK\x05\x06\0\0\0\0\x04\0\x04\0", &len[..], &start, &[0; 2]].concat();
    [archive, directory, end].concat()
}

fn write_csv(dir: &Path, name: &str, part: &[Labelled]) {
    let columns = 0..part[0].0.len();
    let mut text =
        format!("label{}\n", columns.map(|i| format!(",pixel{}", i + 1)).collect::<String>());
    for (picture, label) in part {
        let pixels = picture.iter().map(|pixel| format!(",{pixel}"));
        text += &format!("{label}{}\n", pixels.collect::<String>());
    }
    fs::write(dir.join(format!("{name}.csv")), text).unwrap();
}

fn pictures(split: &Split) -> Vec<Labelled> {
    let pictures = split.images.iter().map(|pixels| {
        GrayImage::from_raw(split.images.width as u32, split.images.height as u32, pixels.to_vec())
    });
    pictures.map(Option::unwrap).zip(split.labels.iter().copied()).collect()
}
