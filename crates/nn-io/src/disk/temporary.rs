//! Temporary files, written next to the file that they replace: section 11 of FORMAT.md.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::system::Disk;
use crate::Error;
use crate::wire::header;

/// A new file `.NAME.N.tmp` next to NAME. It is removed when it is dropped, unless it was renamed.
pub(crate) struct Temporary<'a, D: Disk> {
    disk: &'a D,
    path: PathBuf,
    renamed: bool,
}

impl<'a, D: Disk> Temporary<'a, D> {
    /// Creates an empty file.
    pub(crate) fn create(disk: &'a D, target: &Path) -> Result<Self, Error> {
        Self::open(disk, target, None).map(|(temporary, _)| temporary)
    }

    /// Creates a file with these contents and the permissions of the file `like`. Returns once the contents are on the
    /// disk.
    pub(crate) fn write(
        disk: &'a D,
        target: &Path,
        like: Option<&Path>,
        bytes: &[u8],
    ) -> Result<Self, Error> {
        let (temporary, mut file) = Self::open(disk, target, like)?;
        let failed = |error| Error::cannot_write(target, bytes.len())(error);
        file.write_all(bytes).map_err(failed)?;
        // After a failure, the kernel may regard pages as written that are not. So the sync is not tried again: the
        // temporary file is removed, and the next save starts from the beginning.
        disk.sync(&file).map_err(failed)?;
        Ok(temporary)
    }

    fn open(disk: &'a D, target: &Path, like: Option<&Path>) -> Result<(Self, D::File), Error> {
        let directory = directory(target);
        for n in 0..u16::MAX {
            let mut name = OsString::from(".");
            name.push(target.file_name().unwrap_or_default());
            name.push(format!(".{n}.tmp"));
            let path = directory.join(name);
            match disk.create_new(&path) {
                Ok(file) => {
                    let temporary = Self { disk, path, renamed: false };
                    // Before it has contents, which not everybody may be allowed to read.
                    like.map_or(Ok(()), |like| temporary.copy_permissions(like))?;
                    return Ok((temporary, file));
                }
                // It belongs to another run, or a killed run left it there.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io(directory, "create a file in it")(error)),
            }
        }
        let full = io::Error::other("too many temporary files; remove those of this model");
        Err(Error::io(directory, "create a file in it")(full))
    }

    fn copy_permissions(&self, target: &Path) -> Result<(), Error> {
        let copied = self.disk.copy_permissions(&self.path, target);
        copied.map_err(Error::io(target, "give the new file its permissions"))
    }

    /// Renames the file to the target, and replaces the file there. A power cut may undo this until [`flush_names`].
    pub(crate) fn rename(mut self, target: &Path) -> Result<(), Error> {
        // Copied again, since the permissions may have changed while the file was written.
        self.copy_permissions(target)?;
        let renamed = self.disk.rename(&self.path, target);
        renamed.map_err(Error::io(target, "replace the file"))?;
        self.renamed = true;
        Ok(())
    }
}

/// Makes the names in the target's directory durable.
pub(crate) fn flush_names(disk: &impl Disk, target: &Path) -> Result<(), Error> {
    let directory = directory(target);
    disk.sync_directory(directory).map_err(Error::io(directory, "flush it to the disk"))
}

impl<D: Disk> Drop for Temporary<'_, D> {
    fn drop(&mut self) {
        // After the rename, the temporary name is free, and another run may use it.
        if !self.renamed {
            // The save failed, or was only a rehearsal. If the file cannot be removed, the next lock sweeps it.
            let _ = self.disk.remove(&self.path);
        }
    }
}

/// Removes the temporary files of these targets that killed runs left: regular files that are the beginning of a
/// model. Only the holder of the lock may do this, since it would remove another run's files too.
pub(crate) fn sweep(directory: &Path, is_target: impl Fn(&[u8]) -> bool) -> Result<(), Error> {
    let entries = fs::read_dir(directory).map_err(Error::io(directory, "list it"))?;
    for entry in entries {
        let entry = entry.map_err(Error::io(directory, "list it"))?;
        let path = entry.path();
        if target_of(entry.file_name().as_encoded_bytes()).is_some_and(&is_target) && is_ours(&path)
        {
            match fs::remove_file(&path) {
                // It belonged to another run, which has removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                result => result.map_err(Error::io(&path, "remove this temporary file"))?,
            }
        }
    }
    Ok(())
}

/// Whether a file is the beginning of what a save writes. `false` if it cannot be read, since it may be anything then.
fn is_ours(path: &Path) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let mut start = Vec::with_capacity(header::LEN);
    let mut read = || File::open(path)?.take(header::LEN as u64).read_to_end(&mut start);
    is_file && read().is_ok() && header::may_become_model(&start)
}

/// Whether this is the name of a temporary file.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    target_of(name.as_encoded_bytes()).is_some()
}

/// The NAME in `.NAME.N.tmp`.
fn target_of(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_prefix(b".")?.strip_suffix(b".tmp")?;
    let dot = name.iter().rposition(|&byte| byte == b'.')?;
    let (target, number) = name.split_at_checked(dot)?;
    match number {
        [_, digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            Some(target)
        }
        _ => None,
    }
}

/// The directory of the target.
pub(crate) fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whether two paths, which may lead through links of directories, are one name.
pub(crate) fn is_same_name(one: &Path, other: &Path) -> bool {
    let directories = [one, other].map(|path| fs::canonicalize(directory(path)));
    one.file_name() == other.file_name()
        && matches!(directories, [Ok(one), Ok(other)] if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(target_of(name.as_bytes()), expected.map(str::as_bytes), "{name}");
    }

    #[test]
    fn names_of_temporary_files() {
        check(".m.model.0.tmp", Some("m.model"));
        check(".m.model.65535.tmp", Some("m.model"));
        check(".other.model.0.tmp", Some("other.model"));
        check(".m.model.1.2.tmp", Some("m.model.1"));
        check(".m.model..tmp", None);
        check(".m.model.x.tmp", None);
        check(".m.model.tmp", None);
        check(".0.tmp", None);
        check(".tmp", None);
        check("m.model.0.tmp", None);
        check("m.model", None);
    }

    #[test]
    fn a_bare_name_is_in_the_working_directory() {
        assert_eq!(directory(Path::new("m.model")), Path::new("."));
        assert_eq!(directory(Path::new("a/m.model")), Path::new("a"));
        assert_eq!(directory(Path::new("/m.model")), Path::new("/"));
    }
}
