//! The seeds of the fuzz targets are good files. From a seed that is refused, a fuzzer would not get past the first check.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use fmnist_data::{
    Colour, Dataset, Images, ReadOptions, folder::Folder, idx, picture::Preparation,
};

/// The seeds of a target; none in a published package, which has no repository around it.
fn seeds(target: &str) -> Vec<PathBuf> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    if !fuzz.exists() {
        return Vec::new();
    }
    let files = fs::read_dir(fuzz.join("seeds").join(target)).unwrap();
    let seeds: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    assert!(seeds.len() >= 12, "{} seeds of {target}", seeds.len());
    seeds
}

#[test]
fn every_idx_file_parses() {
    for path in seeds("idx") {
        idx::open(&path).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Each fits one of the target's options.
#[test]
fn every_table_parses() {
    for path in seeds("csv") {
        let read = |colour, size: Option<&str>| {
            let size = size.and_then(|size| size.parse().ok());
            Images::from_csv(&path, &ReadOptions { size, colour, ..ReadOptions::default() })
        };
        let any = read(Colour::Grey, None)
            .or_else(|_| read(Colour::Grey, Some("2x3")))
            .or_else(|_| read(Colour::Rgb, None));
        any.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn every_folder_lists() {
    for path in seeds("folder") {
        let bytes = fs::read(&path).unwrap();
        let mut parts = bytes.split(|&byte| byte == 0).map(|it| std::str::from_utf8(it).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let table = parts.next().unwrap();
        if !table.is_empty() {
            fs::write(dir.path().join("labels.csv"), table).unwrap();
        }
        for name in parts {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, []).unwrap();
        }
        let folder = Folder::list(dir.path());
        let folder = folder.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(folder.class_names(), ["a", "b"], "{}", path.display());
    }
}

#[test]
fn every_numpy_archive_loads() {
    for path in seeds("npz") {
        let loaded = Dataset::load_npz(&path, &ReadOptions::default());
        let dataset = loaded.unwrap_or_else(|error| panic!("{error}"));
        let found = Dataset::parse_npz(&fs::read(&path).unwrap(), &ReadOptions::default());
        assert_eq!(found.unwrap().info.sha256, dataset.info.sha256, "{}", path.display());
    }
}

#[test]
fn every_picture_decodes() {
    for path in seeds("picture") {
        let seen = Preparation::Garment.load(&path, 28, 28);
        let image = seen.unwrap_or_else(|error| panic!("{error}")).pixels;
        assert_eq!(image.len(), 28 * 28, "{}", path.display());
    }
}
