//! Classes from a table of pictures and their labels.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::classes;
use crate::csv::listed::{self, Listed};
use crate::dataset::MAX_CLASSES;
use crate::quote::quoted;

/// The classes of the pictures in `dir`, which are `files`, by the table. Classes and their pictures are sorted by name.
///
/// A picture has the name of its file, with or without its extension and the folders above it. So no name leads out of
/// `dir`.
pub(super) fn classes(
    dir: &Path,
    table: &Path,
    files: Vec<PathBuf>,
) -> Result<Vec<(String, Vec<PathBuf>)>, Error> {
    let by_name = by_name(dir, &files);
    let mut labels: Vec<Option<String>> = vec![None; files.len()];
    for Listed { file, label, line, columns: [file_at, label_at] } in
        listed::read(table, files.len())?
    {
        let wrong = |column, expected: String, found: String| Error::Text {
            path: table.into(),
            line,
            column,
            expected,
            found,
        };
        if let Some(fault) = classes::fault(&label) {
            let expected = format!("a class's name of 1 to {} bytes", classes::MAX_NAME);
            return Err(wrong(label_at, expected, fault));
        }
        let named = by_name.get(file.trim_start_matches("./")).copied();
        if let Some((index, Some(other))) = named {
            let expected =
                "a name that only one picture has, with its folder, or a labels.csv in each folder";
            let name = |index: usize| {
                let file = files.get(index).map(|file| file.strip_prefix(dir).unwrap_or(file));
                quoted(&file.unwrap_or(dir).to_string_lossy())
            };
            let found = format!("{}, which is {} and {}", quoted(&file), name(index), name(other));
            return Err(wrong(file_at, expected.into(), found));
        }
        let Some(slot) = named.and_then(|(index, _)| labels.get_mut(index)) else {
            let expected = match line {
                1 => "a header with the columns file and label, or the name of a picture in",
                _ => "the name of a picture in",
            };
            return Err(wrong(file_at, format!("{expected} {}", dir.display()), quoted(&file)));
        };
        if slot.replace(label).is_some() {
            let expected = "each picture once".into();
            return Err(wrong(file_at, expected, format!("{} again", quoted(&file))));
        }
    }
    let mut classes: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (file, label) in files.into_iter().zip(labels) {
        let Some(label) = label else {
            return Err(Error::Layout {
                path: file,
                expected: format!("a label in {}", table.display()),
                found: "none".into(),
                hint: "add a line for it, or remove the picture",
            });
        };
        classes.entry(label).or_default().push(file);
        if classes.len() > MAX_CLASSES {
            return Err(Error::Layout {
                path: table.into(),
                expected: format!("at most {MAX_CLASSES} classes"),
                found: "more".into(),
                hint: "is this the column of the labels? give it the name label",
            });
        }
    }
    Ok(classes.into_iter().collect())
}

/// A file, and another one of the same name if there is one.
type Named = (usize, Option<usize>);

/// The files by all names that a table may give them. The name of a file within `dir` comes before those that leave out
/// something.
fn by_name(dir: &Path, files: &[PathBuf]) -> HashMap<String, Named> {
    let mut found: HashMap<String, Named> = HashMap::new();
    for shorten in [whole, without_extension, without_folders, alone] {
        let mut of_form: HashMap<String, Named> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            let within = file.strip_prefix(dir).unwrap_or(file);
            let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
            let (first, other) =
                of_form.entry(shorten(&parts.join("/")).into()).or_insert((index, None));
            if *first != index {
                other.get_or_insert(index);
            }
        }
        for (name, named) in of_form {
            found.entry(name).or_insert(named);
        }
    }
    found
}

fn whole(name: &str) -> &str {
    name
}

fn without_extension(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn without_folders(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}

fn alone(name: &str) -> &str {
    without_extension(without_folders(name))
}
