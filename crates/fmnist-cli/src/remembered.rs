//! Where the data of a run are. That is remembered in a file beside its model, such as `cats.model.data.toml`, and not in the
//! model, which travels to machines that have the data elsewhere.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use fmnist::options::{Options, PlaceOptions};
use nn_io::SetAside;

use crate::{console::Console, exit::Usage, outside::Outside};

/// Appended to the name of the model.
const EXTENSION: &str = ".data.toml";

/// The first line, by which the program recognises its own file. It reads a file that a user wrote without it as well, but never
/// replaces one.
const HEAD: &str = "# Where fmnist found the data of this model. Change it if they move.\n";

/// The longest file in bytes: one with the longest path, and more options than this one.
const MAX_BYTES: u64 = 64 << 10;

/// Remembers the data directory of the run that is saved in `output`. What cannot be written is a warning, since the run
/// does not need it.
pub(crate) fn save(output: &Path, dir: &Path, console: &Console) {
    let path = beside(output);
    let is_same = |it: Remembered| {
        it.dir.canonicalize().is_ok_and(|it| dir.canonicalize().is_ok_and(|dir| it == dir))
    };
    // A user who edited the file may want its path relative.
    if Remembered::read(&path).is_ok_and(|it| it.is_some_and(is_same)) {
        return;
    }
    let written = text_of(dir).and_then(|text| write(&path, &text));
    if let Err(problem) = written {
        let path = Outside::from(&path);
        console.warning(&format!("{path}: cannot remember the data directory: {problem}"));
    }
}

/// Remembers for a model that a save will rename what is remembered for it under its name of today.
pub(crate) fn follow(rename: &SetAside) {
    let from = beside(&rename.from);
    if let (Ok(Some(_)), Ok(text)) = (Remembered::read(&from), read(&from)) {
        // The copy is the program's own, even if a user wrote the original.
        let head = if text.starts_with(HEAD) { "" } else { HEAD };
        let text = head.to_owned() + &text;
        // If it is not written, --data-dir can still be given.
        let _ = write(&beside(&rename.to), &text);
    }
}

/// The contents of a file that remembers this directory.
fn text_of(dir: &Path) -> Result<String, String> {
    let dir = dir.canonicalize().map_err(|error| error.to_string())?;
    let options = Options {
        places: PlaceOptions { data_dir: Some(dir), ..PlaceOptions::default() },
        ..Options::default()
    };
    Ok(HEAD.to_owned() + &options.to_toml().map_err(|error| error.to_string())?)
}

/// Writes the file as a whole, and replaces no other program's file.
fn write(path: &Path, text: &str) -> Result<(), String> {
    match read(path) {
        Ok(found) if found == text => return Ok(()),
        Ok(found) if !found.starts_with(HEAD) => {
            return Err("it exists and is not fmnist's; set its data-dir, or remove it".into());
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    let temporary = with_extension(path, ".tmp");
    let mut file = fs::File::create_new(&temporary).map_err(|error| error.to_string())?;
    let written = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // The first error counts.
        let _ = fs::remove_file(&temporary);
        error.to_string()
    })
}

/// Forgets the data of an earlier run that was saved in `output`.
pub(crate) fn forget(output: &Path) {
    let path = beside(output);
    if read(&path).is_ok_and(|text| text.starts_with(HEAD)) {
        // If it stays, the model of this run does not need it.
        let _ = fs::remove_file(path);
    }
}

/// What is remembered of a model's data.
pub(crate) struct Remembered {
    /// The file that says it.
    pub(crate) place: PathBuf,
    /// The directory of the data.
    pub(crate) dir: PathBuf,
}

impl Remembered {
    /// What is remembered of this model's data, if anything is. A checkpoint has what its directory has.
    pub(crate) fn of_model(model: &Path) -> anyhow::Result<Option<Self>> {
        Self::read(&Self::place_of(model))
    }

    /// The file that is looked for.
    pub(crate) fn place_of(model: &Path) -> PathBuf {
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let is_checkpoint = name.starts_with("ckpt-") || name == "best.model";
        match (model.is_dir(), model.parent()) {
            (true, _) => beside(&model.join("final.model")),
            (false, Some(dir)) if is_checkpoint => beside(&dir.join("final.model")),
            _ => beside(model),
        }
    }

    /// What a file says, if there is one. A relative path is relative to the file.
    fn read(place: &Path) -> anyhow::Result<Option<Self>> {
        let name = Outside::from(place);
        let text = match read(place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("{name}: cannot read"))?,
        };
        let mut options = Options::from_toml(&text, &name.to_string())?;
        match (options.places.data_dir.take(), options == Options::default()) {
            (Some(dir), true) => {
                let dir = place.parent().unwrap_or(Path::new("")).join(dir);
                Ok(Some(Self { place: place.to_owned(), dir }))
            }
            (dir, _) => {
                let found = if dir.is_some() { "other settings as well" } else { "none" };
                Err(Usage::error(format!(
                    "{name}: expected the setting data-dir and no other, found {found}; change the file, or give --data-dir"
                )))
            }
        }
    }
}

fn beside(model: &Path) -> PathBuf {
    with_extension(model, EXTENSION)
}

/// The path with this after its name.
fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    name.into()
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
