//! Where the data of a run are. That is remembered in a file beside its model, such as `cats.model.data.toml`, and not in the
//! model, which travels to machines that have the data elsewhere.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use fmnist::options::{Options, PlaceOptions};
use nn_io::SetAside;

use crate::{console::Console, outside::Outside};

/// Appended to the name of the model.
const EXTENSION: &str = ".data.toml";

/// The first line, by which the program recognises its own file.
const HEAD: &str = "# Where fmnist found the data of this model. Change it if they move.\n";

/// The longest file in bytes: one with the longest path, and more options than this one.
const MAX_BYTES: u64 = 64 << 10;

/// Remembers the data directory of the run that is saved in `output`. What cannot be written is a warning, since the run
/// does not need it.
pub(crate) fn save(output: &Path, dir: &Path, console: &Console) {
    let path = beside(output);
    let written = text_of(dir).and_then(|text| write(&path, &text));
    if let Err(problem) = written {
        let path = Outside::from(&path);
        console.warning(&format!("{path}: cannot remember the data directory: {problem}"));
    }
}

/// Remembers for a model that a save will rename what is remembered for it under its name of today.
pub(crate) fn follow(rename: &SetAside) {
    if let Ok(text) = read(&beside(&rename.from)) {
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
        Ok(found) if !found.starts_with(HEAD) => return Err("it exists and is not fmnist's".into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    let temporary = with_extension(path, ".tmp");
    let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| error.to_string())
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
        let name = model.file_name().unwrap_or_default().to_string_lossy();
        let is_checkpoint = name.starts_with("ckpt-") || name == "best.model";
        let place = match (model.is_dir(), model.parent()) {
            (true, _) => beside(&model.join("final.model")),
            (false, Some(dir)) if is_checkpoint => beside(&dir.join("final.model")),
            _ => beside(model),
        };
        let Some(text) = read(&place).ok().filter(|text| text.starts_with(HEAD)) else {
            return Ok(None);
        };
        let options = Options::from_toml(&text, &Outside::from(&place).to_string())?;
        Ok(options.places.data_dir.map(|dir| Self { place, dir }))
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
