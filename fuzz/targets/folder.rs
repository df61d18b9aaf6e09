//! A folder of pictures whose names and table of labels are any bytes. Listing it must give an error, or classes with as
//! many pictures as files.
//!
//! The input is the table, then the names of files, each after a zero byte. The files are empty, since listing reads none.
#![no_main]

use std::fs;
use std::path::Path;

use fmnist_data::folder::Folder;
use libfuzzer_sys::fuzz_target;

/// More files take longer, and show nothing new.
const MAX_FILES: usize = 24;

fuzz_target!(|bytes: &[u8]| {
    let dir = tempfile::tempdir().expect("a directory");
    let mut parts = bytes.split(|&byte| byte == 0);
    let table = parts.next().unwrap_or_default();
    if !table.is_empty() {
        fs::write(dir.path().join("labels.csv"), table).expect("a file");
    }
    let mut n_files = 0;
    for name in parts.take(MAX_FILES) {
        let Ok(name) = std::str::from_utf8(name) else { continue };
        // Within the directory, and no longer than a file system allows.
        let is_inside =
            name.split('/').all(|part| !matches!(part, "" | "." | "..") && part.len() < 200);
        let path = dir.path().join(Path::new(name));
        if !is_inside || name.len() > 1000 || path.exists() {
            continue;
        }
        let parent = path.parent().expect("a name has a directory");
        n_files += usize::from(fs::create_dir_all(parent).is_ok() && fs::write(&path, []).is_ok());
    }
    if let Ok(folder) = Folder::list(dir.path()) {
        let (n_train, n_test) = folder.counts();
        assert!(folder.class_names().len() >= 2);
        let n = n_train + n_test + folder.n_validation().unwrap_or(0);
        // Without a test set, the validation set is counted twice.
        assert!(n <= 2 * n_files, "{n} pictures of {n_files} files");
    }
});
