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
        let named = by_name.get(&file).copied();
        let slot = named.flatten().and_then(|index| labels.get_mut(index));
        let Some(slot) = slot else {
            let expected = match (named, line) {
                (Some(_), _) => "a name that only one picture has, with its folder".into(),
                (None, 1) => format!(
                    "a header with the columns file and label, or the name of a picture in {}",
                    dir.display()
                ),
                _ => format!("the name of a picture in {}", dir.display()),
            };
            return Err(wrong(file_at, expected, quoted(&file)));
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

/// The files by all names that a table may give them; `None` for a name that several files have. The name of a file within
/// `dir` comes before those that leave out something.
fn by_name(dir: &Path, files: &[PathBuf]) -> HashMap<String, Option<usize>> {
    let mut found: HashMap<String, Option<usize>> = HashMap::new();
    for shorten in [whole, without_extension, without_folders, alone] {
        let mut of_form: HashMap<String, Option<usize>> = HashMap::new();
        for (index, file) in files.iter().enumerate() {
            let within = file.strip_prefix(dir).unwrap_or(file);
            let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
            let place = of_form.entry(shorten(&parts.join("/")).into()).or_insert(Some(index));
            if *place != Some(index) {
                *place = None;
            }
        }
        for (name, index) in of_form {
            found.entry(name).or_insert(index);
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
