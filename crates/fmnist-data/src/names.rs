//! Finds files by the ends of their names.

use std::path::{Path, PathBuf};

/// The files whose names end in one of these ways, in upper or lower case, except hidden ones.
pub(crate) fn end_in(dir: &Path, ends: &'static [&str]) -> impl Iterator<Item = PathBuf> {
    let entries = dir.read_dir().ok().into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        let matches = !name.starts_with('.') && ends.iter().any(|end| name.ends_with(end));
        Some(entry.path()).filter(|path| matches && path.is_file())
    })
}
