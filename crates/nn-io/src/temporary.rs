//! Temporary files beside a file that is to be replaced: section 11 of FORMAT.md.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::Error;

/// A new file `.NAME.N.tmp` beside NAME, removed again unless it is renamed.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Creates it, with the permissions that the umask leaves.
    pub(crate) fn create(target: &Path) -> Result<(Self, File), Error> {
        let directory = directory(target);
        for n in 0..u16::MAX {
            let mut name = prefix(target);
            name.push(format!("{n}.tmp"));
            let path = directory.join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((Self { path, renamed: false }, file)),
                // Another run's, or left behind by one that was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io(directory, "create a file in it")(error)),
            }
        }
        let full = io::Error::other("too many temporary files; remove those of this model");
        Err(Error::io(directory, "create a file in it")(full))
    }

    /// Gives it the target's name, in place of the file that had it.
    pub(crate) fn rename(mut self, target: &Path) -> Result<(), Error> {
        fs::rename(&self.path, target).map_err(Error::io(target, "replace the file"))?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Once renamed, the name is free and may be another run's.
        if !self.renamed {
            // It failed already, or was only a probe; what is left here the next lock sweeps.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the temporary files of this target that killed runs left behind. Only the holder of its
/// lock may: another run's would go as well.
pub(crate) fn sweep(target: &Path) -> Result<(), Error> {
    let directory = directory(target);
    let prefix = prefix(target);
    let entries = fs::read_dir(directory).map_err(Error::io(directory, "list it"))?;
    for entry in entries {
        let entry = entry.map_err(Error::io(directory, "list it"))?;
        if is_temporary(entry.file_name().as_encoded_bytes(), prefix.as_encoded_bytes()) {
            let path = entry.path();
            match fs::remove_file(&path) {
                // Another run's probe, gone by itself.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => result.map_err(Error::io(&path, "remove this temporary file"))?,
            }
        }
    }
    Ok(())
}

/// Whether this is the prefix, a number and `.tmp`.
fn is_temporary(name: &[u8], prefix: &[u8]) -> bool {
    let number = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(b".tmp"));
    number.is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
}

/// `.NAME.`
fn prefix(target: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    prefix
}

/// Where the target is.
pub(crate) fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: bool) {
        assert_eq!(is_temporary(name.as_bytes(), b".m.model."), expected, "{name}");
    }

    #[test]
    fn knows_its_own() {
        check(".m.model.0.tmp", true);
        check(".m.model.65535.tmp", true);
        check(".m.model..tmp", false);
        check(".m.model.x.tmp", false);
        check(".m.model.1.2.tmp", false);
        check(".m.model.tmp", false);
        check("m.model.0.tmp", false);
        check(".other.model.0.tmp", false);
        check("m.model", false);
    }

    #[test]
    fn a_bare_name_is_in_the_working_directory() {
        assert_eq!(directory(Path::new("m.model")), Path::new("."));
        assert_eq!(directory(Path::new("a/m.model")), Path::new("a"));
        assert_eq!(directory(Path::new("/m.model")), Path::new("/"));
    }
}
