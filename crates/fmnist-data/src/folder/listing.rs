//! Lists a folder: its classes, and the pictures of each.
//!
//! Only two levels are read, so a loop of links does no harm.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::dataset::{MAX_CLASSES, MAX_IMAGES};
use crate::quote::quoted;
use crate::{Error, classes};

/// A class and its pictures, sorted by name.
pub(super) type Class = (String, Vec<PathBuf>);

/// The folders of training and test set, if `dir` has both. A single one may be a class of that name, but not if it
/// contains folders.
pub(super) fn train_and_test(dir: &Path) -> Result<Option<[PathBuf; 2]>, Error> {
    let parts = ["train", "test"].map(|name| dir.join(name));
    let [train, test] = &parts;
    let (part, found) = match (train.is_dir(), test.is_dir()) {
        (true, true) => return Ok(Some(parts)),
        (false, false) => return Ok(None),
        (true, false) => (train, "train without test"),
        (false, true) => (test, "test without train"),
    };
    let has_folders = entries(part)?.iter().any(|entry| entry.is_dir());
    check(dir, !has_folders, "both folders, train and test", found)?;
    Ok(None)
}

/// Whether `dir` has a picture in a folder, as in `CLASS/1.png`, or one level deeper, as in `train/CLASS/1.png`.
pub(crate) fn is_in(dir: &Path) -> bool {
    let list = |dir: &Path| entries(dir).unwrap_or_default().into_iter();
    let is_class = |dir: &Path| list(dir).any(|path| is_named_as_picture(&path));
    let mut folders = list(dir).filter(|path| path.is_dir());
    folders.any(|folder| is_class(&folder) || list(&folder).any(|inner| is_class(&inner)))
}

/// The pictures in a folder, sorted by name. They are recognised by their extensions, which for icons is not `ico`, since that
/// is often the icon of the folder. Subfolders and hidden files are skipped.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn pictures_in(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        let path = entry.map_err(Error::io(dir, "list"))?.path();
        let is_hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"."));
        if is_named_as_picture(&path) && !is_hidden && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The classes in `dir`, sorted by name.
pub(super) fn classes(dir: &Path) -> Result<Vec<Class>, Error> {
    let mut classes = Vec::new();
    let mut n_pictures = 0_usize;
    for path in entries(dir)? {
        if !path.is_dir() {
            let expected = "pictures in the folders of their classes";
            check(&path, !is_named_as_picture(&path), expected, "one next to them")?;
            continue;
        }
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let fault = classes::fault(name);
        let expected = format_args!("a class's name in UTF-8 of 1 to {} bytes", classes::MAX_NAME);
        check(&path, fault.is_none(), expected, fault.as_deref().unwrap_or_default())?;
        let expected = format_args!("at most {MAX_CLASSES} classes");
        check(dir, classes.len() < MAX_CLASSES, expected, "more")?;
        let pictures = entries(&path)?;
        for picture in &pictures {
            check(picture, !picture.is_dir(), "a picture", "a folder")?;
        }
        n_pictures = n_pictures.saturating_add(pictures.len());
        classes.push((name.to_owned(), pictures));
        let expected = format_args!("at most {MAX_IMAGES} pictures in a set");
        check(dir, n_pictures <= MAX_IMAGES.saturating_mul(2), expected, "more")?;
    }
    Ok(classes)
}

/// Fails unless there are at least 2 classes and each has a picture.
pub(super) fn check_classes(dir: &Path, classes: &[Class]) -> Result<(), Error> {
    let found = format_args!("{} of them", classes.len());
    check(dir, classes.len() >= 2, "a folder for each of 2 classes or more", found)?;
    for (name, pictures) in classes {
        check(&dir.join(name), !pictures.is_empty(), "pictures of this class", "none")?;
    }
    Ok(())
}

/// Fails unless both sets have the same classes.
pub(super) fn check_same(
    dir: &Path,
    classes: &[Class],
    other_dir: &Path,
    others: &[Class],
) -> Result<(), Error> {
    let lacks = |classes: &[Class], name: &str| !classes.iter().any(|(other, _)| other == name);
    let only_here = classes.iter().find(|(name, _)| lacks(others, name));
    let only_there = others.iter().find(|(name, _)| lacks(classes, name));
    let disagree = |path: &Path, other: &Path, name: &str| Error::Disagreement {
        path: path.into(),
        found: format!("a class {}", quoted(name)),
        other: other.into(),
        expected: "none of this name".into(),
    };
    match (only_here, only_there) {
        (Some((name, _)), _) => Err(disagree(dir, other_dir, name)),
        (_, Some((name, _))) => Err(disagree(other_dir, dir, name)),
        (None, None) => Ok(()),
    }
}

/// The entries of a directory that are not hidden, sorted by the bytes of their names.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io(dir, "list"))? {
        let name = entry.map_err(Error::io(dir, "list"))?.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Errors show paths unescaped.
        let shown = name.to_string_lossy();
        let is_plain = !classes::has_commands(&shown);
        check(dir, is_plain, "names without control characters", quoted(&shown))?;
        paths.push(dir.join(name));
    }
    let name = |path: &PathBuf| path.file_name().map(|name| name.as_encoded_bytes().to_vec());
    paths.sort_by_cached_key(name);
    Ok(paths)
}

/// Fails unless `holds`, a rule about the arrangement of the folder.
pub(super) fn check(
    path: &Path,
    holds: bool,
    expected: impl fmt::Display,
    found: impl fmt::Display,
) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    let hint = "arrange the pictures as DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, or as DIR/CLASS/*.png";
    Err(Error::Layout { path: path.into(), expected, found, hint })
}

/// The usual extensions of the kinds of [`picture`](crate::picture#kinds), except for `ico`: next to folders, that is often the
/// icon of the folder.
const EXTENSIONS: [&str; 18] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "webp", "gif", "bmp", "dib", "tif", "tiff", "pnm", "pbm",
    "pgm", "ppm", "pam", "tga", "qoi",
];

fn is_named_as_picture(path: &Path) -> bool {
    let is = |kind: &str| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(kind));
    EXTENSIONS.into_iter().any(is)
}
