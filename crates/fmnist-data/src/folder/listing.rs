//! Lists a folder: its parts, their classes, and the pictures of each.
//!
//! Below a class, links to folders are not followed, so a loop of links does no harm.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::labelled;
use crate::dataset::{MAX_CLASSES, MAX_IMAGES};
use crate::quote::quoted;
use crate::{Error, classes};

/// A class and its pictures, sorted by name.
pub(super) type Class = (String, Vec<PathBuf>);

/// The folders of a set's parts. Without a folder for the training set, the classes lie in the directory itself.
pub(super) struct Parts {
    pub(super) train: PathBuf,
    pub(super) validation: Option<PathBuf>,
    pub(super) test: Option<PathBuf>,
    /// The names of folders next to the parts, which are not read.
    pub(super) unread: Vec<String>,
}

/// The names of the parts' folders, in any case: of the training, validation and test set.
const PARTS: [&[&str]; 3] =
    [&["train", "training"], &["val", "valid", "validation"], &["test", "testing"]];

/// How many folders may lie around a set, each alone in the one above it.
const MAX_AROUND: usize = 4;

/// How deep folders may lie below that of a class.
const MAX_BELOW: usize = 8;

/// Finds the parts of the set in `dir`, or in the only folder there.
pub(super) fn parts(dir: &Path) -> Result<Parts, Error> {
    let mut dir = dir.to_owned();
    let mut folders = folders_in(&dir)?;
    for _ in 0..MAX_AROUND {
        match folders.as_slice() {
            [only] if !has_table(&dir) && part(only).is_none() && is_around(only)? => {
                dir = only.clone();
            }
            _ => break,
        }
        folders = folders_in(&dir)?;
    }
    let without_parts =
        |dir| Parts { train: dir, validation: None, test: None, unread: Vec::new() };
    if has_table(&dir) {
        return Ok(without_parts(dir));
    }
    let mut found = [None, None, None];
    let (mut are_parts, mut unread) = (false, Vec::new());
    for folder in folders {
        let Some(place) = part(&folder).and_then(|part| found.get_mut(part)) else {
            let name = folder.file_name().unwrap_or_default();
            unread.push(name.to_string_lossy().into_owned());
            continue;
        };
        if let Some(other) = place.replace(folder.clone()) {
            let expected = format_args!("one folder of this kind, as {}", other.display());
            check(&folder, false, expected, "another")?;
        }
        are_parts = are_parts || is_around(&folder)?;
    }
    // A folder of such a name that holds pictures is a class.
    if !are_parts {
        return Ok(without_parts(dir));
    }
    let [train, validation, test] = found;
    let found = if test.is_some() { "test without train" } else { "validation without train" };
    check(&dir, train.is_some(), "a folder train", found)?;
    Ok(Parts { train: train.unwrap_or(dir), validation, test, unread })
}

/// Which of [`PARTS`] a folder is, by its name.
pub(super) fn part(folder: &Path) -> Option<usize> {
    let name = folder.file_name()?;
    let is_one = |names: &&[&str]| names.iter().any(|it| name.eq_ignore_ascii_case(it));
    PARTS.iter().position(is_one)
}

fn folders_in(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(entries(dir)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

/// Whether there is a table of labels.
pub(super) fn has_table(dir: &Path) -> bool {
    dir.join(LABELS).is_file()
}

/// Whether the folder has classes: folders, or a table of labels.
fn is_around(dir: &Path) -> Result<bool, Error> {
    Ok(has_table(dir) || entries(dir)?.iter().any(|entry| entry.is_dir()))
}

/// Whether `dir` has a picture in a folder, as in `CLASS/1.png`, or one level deeper, as in `train/CLASS/1.png`.
pub(crate) fn is_in(dir: &Path) -> bool {
    let list = |dir: &Path| entries(dir).unwrap_or_default().into_iter();
    let is_class = |dir: &Path| list(dir).any(|path| is_named_as_picture(&path));
    if has_table(dir) {
        return true;
    }
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
    let paths = names(dir)?.into_iter().map(|name| dir.join(name));
    let mut paths: Vec<_> = paths.filter(|it| is_named_as_picture(it) && !it.is_dir()).collect();
    paths.sort();
    Ok(paths)
}

/// A table of pictures and their labels, instead of folders.
pub(super) const LABELS: &str = "labels.csv";

/// The classes in `dir`, sorted by name.
pub(super) fn classes(dir: &Path) -> Result<Vec<Class>, Error> {
    if has_table(dir) {
        let mut files = Vec::new();
        list(dir, MAX_BELOW, &mut files)?;
        files.retain(|file| is_named_as_picture(file));
        return labelled::classes(dir, &dir.join(LABELS), files);
    }
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
        let mut pictures = Vec::new();
        list(&path, MAX_BELOW, &mut pictures)?;
        n_pictures = n_pictures.saturating_add(pictures.len());
        classes.push((name.to_owned(), pictures));
        let expected = format_args!("at most {MAX_IMAGES} pictures in a set");
        check(dir, n_pictures <= MAX_IMAGES.saturating_mul(2), expected, "more")?;
    }
    check_not_empty(dir, &classes)?;
    Ok(classes)
}

/// Lists the files in the folder of a class, and those in the folders below it.
fn list(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    for path in entries(dir)? {
        if !path.is_dir() {
            let expected = format_args!("at most {MAX_IMAGES} pictures in a class");
            check(dir, files.len() < MAX_IMAGES, expected, "more")?;
            files.push(path);
            continue;
        }
        check(&path, !path.is_symlink(), "a picture", "a link to a folder")?;
        let expected = format_args!("at most {MAX_BELOW} folders below that of a class");
        check(&path, depth > 0, expected, "more")?;
        list(&path, depth.saturating_sub(1), files)?;
    }
    Ok(())
}

/// Fails if a class has no picture, in any part: it is named as empty before the classes of the parts are compared.
fn check_not_empty(dir: &Path, classes: &[Class]) -> Result<(), Error> {
    match classes.iter().find(|(_, pictures)| pictures.is_empty()) {
        None => Ok(()),
        Some((name, _)) => Err(Error::Layout {
            path: dir.join(name),
            expected: "pictures of this class".into(),
            found: "an empty folder".into(),
            hint: "add pictures, or remove the class from all parts of the set",
        }),
    }
}

/// Fails unless there are at least 2 classes.
pub(super) fn check_classes(dir: &Path, classes: &[Class]) -> Result<(), Error> {
    let found = format_args!("{} of them", classes.len());
    check(dir, classes.len() >= 2, "2 classes or more, each with its pictures", found)
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

/// The entries of a directory that are not ignored, sorted by the bytes of their names.
pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut names = names(dir)?;
    for name in &names {
        // Errors show paths unescaped.
        let shown = name.to_string_lossy();
        let is_plain = !classes::has_commands(&shown);
        check(dir, is_plain, "names without control characters", quoted(&shown))?;
    }
    names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// What systems put into folders unasked.
const LITTER: [&str; 5] = ["Thumbs.db", "ehthumbs.db", "desktop.ini", "__MACOSX", "Icon\r"];

/// The names in a directory, except those that begin with a dot and [`LITTER`].
fn names(dir: &Path) -> Result<Vec<OsString>, Error> {
    let failed = || Error::io(dir, "list");
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        let is_ignored = name.as_encoded_bytes().starts_with(b".")
            || LITTER.iter().any(|it| name.eq_ignore_ascii_case(it));
        if !is_ignored {
            names.push(name);
        }
    }
    Ok(names)
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

pub(super) fn is_named_as_picture(path: &Path) -> bool {
    let is = |kind: &str| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(kind));
    EXTENSIONS.into_iter().any(is)
}
