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
/// A picture has the name of its file, with or without its extension and the folders above it. So no name leads out of `dir`.
pub(super) fn classes(
    dir: &Path,
    table: &Path,
    files: Vec<PathBuf>,
) -> Result<Vec<(String, Vec<PathBuf>)>, Error> {
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        for name in names(dir, file) {
            by_name.entry(name).or_insert(index);
        }
    }
    let mut labels: Vec<Option<String>> = vec![None; files.len()];
    for Listed { file, label, line } in listed::read(table)? {
        let wrong = |column, expected: String, found: String| Error::Text {
            path: table.into(),
            line,
            column,
            expected,
            found,
        };
        if let Some(fault) = classes::fault(&label) {
            let expected = format!("a class's name of 1 to {} bytes", classes::MAX_NAME);
            return Err(wrong(2, expected, fault));
        }
        let slot = by_name.get(&file).and_then(|&index| labels.get_mut(index));
        let Some(slot) = slot else {
            let expected = format!("the name of a picture in {}", dir.display());
            return Err(wrong(1, expected, quoted(&file)));
        };
        if slot.replace(label).is_some() {
            let expected = "each picture once".into();
            return Err(wrong(1, expected, format!("{} again", quoted(&file))));
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

/// What a table may call a file.
fn names(dir: &Path, file: &Path) -> impl Iterator<Item = String> {
    let within = file.strip_prefix(dir).unwrap_or(file);
    let slashed = |path: &Path| {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    };
    let name = within.file_name().map(PathBuf::from).unwrap_or_default();
    [
        slashed(within),
        slashed(&within.with_extension("")),
        slashed(&name),
        slashed(&name.with_extension("")),
    ]
    .into_iter()
}
