//! Datasets, pictures and downloads.

use super::Mutant;

const DATA: &[&str] = &["--package", "fmnist-data", "--lib"];

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "an IDX file's length not checked",
        file: "crates/fmnist-data/src/idx.rs",
        from: "self.fill(1, &mut piece)?;",
        to: "self.fill(0, &mut piece)?;",
        tests: DATA,
    },
    Mutant {
        name: "a dataset's SHA-256 not checked",
        file: "crates/fmnist-data/src/manifest.rs",
        from: "*found == self.gzip || *found == self.raw",
        to: "*found == self.gzip || *found == self.raw || true",
        tests: DATA,
    },
    Mutant {
        name: "elements read before the headers are checked",
        file: "crates/fmnist-data/src/four_files.rs",
        from: "open(train_images, MAX_PIXELS)?,",
        to: "{ let _ = open(train_images, MAX_PIXELS)?.bytes(); open(train_images, MAX_PIXELS)? },",
        tests: DATA,
    },
    Mutant {
        name: "large pictures of a folder decoded all at once",
        file: "crates/fmnist-data/src/picture.rs",
        from: "self.pixels.take(picture.memory())",
        to: "self.pixels.take(0)",
        tests: DATA,
    },
    Mutant {
        name: "a picture's pixels decoded before its size is checked",
        file: "crates/fmnist-data/src/picture.rs",
        from: "check(&picture)?;",
        to: "Picture::open(read_all(File::open(path).map_err(Error::io(path, \"open\"))?, path)?, path)?.grey()?; \
             check(&picture)?;",
        tests: DATA,
    },
    Mutant {
        name: "a picture's file limited to less than its pixels take",
        file: "crates/fmnist-data/src/picture/decode.rs",
        from: "MAX_MEMORY + MAX_METADATA;",
        to: "64 << 20;",
        tests: DATA,
    },
    Mutant {
        name: "a download's lock on a file that is gone",
        file: "crates/fmnist-data/src/download/lock.rs",
        from: "Ok(is_at(&file, &path).then_some(Self { file, path }))",
        to: "Ok(Some(Self { file, path }))",
        tests: DATA,
    },
    Mutant {
        name: "anything with the name of a download's lock used as one",
        file: "crates/fmnist-data/src/download/lock.rs",
        from: "if !kind.is_file() {",
        to: "if false {",
        tests: DATA,
    },
    Mutant {
        name: "a download's lock waited for without end",
        file: "crates/fmnist-data/src/download.rs",
        from: "if start.elapsed() >= self.patience {",
        to: "if false {",
        tests: DATA,
    },
    Mutant {
        name: "anything with a temporary file's name swept",
        file: "crates/fmnist-data/src/download.rs",
        from: "entry.file_type().is_ok_and(|kind| kind.is_file())",
        to: "true",
        tests: DATA,
    },
    Mutant {
        name: "a palette with a part of a colour given to the decoder",
        file: "crates/fmnist-data/src/picture/whole.rs",
        from: "if kind == *b\"PLTE\" && !len.is_multiple_of(3) {",
        to: "if kind == *b\"PLTE\" && len > u32::MAX - 3 {",
        tests: DATA,
    },
];
