//! Where the data of a run are. That is remembered in a file beside its model, such as `cats.model.data.toml`, and not in the
//! model, which travels to machines that have the data elsewhere.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use fmnist::options::{DataOptions, Options, PlaceOptions};

use crate::{console::Console, outside::Outside};

/// Appended to the name of the model.
const EXTENSION: &str = ".data.toml";

/// The first line, by which the program recognises its own file.
const HEAD: &str = "# Where fmnist found the data of this model. Change it if they move.\n";

/// The longest file in bytes: one with the longest path, and more options than these two.
const MAX_BYTES: u64 = 64 << 10;

/// Remembers the data directory of the run that is saved in `output`, and how the data are read. What cannot be
/// written is a warning, since the run does not need it.
pub(crate) fn save(output: &Path, dir: &Path, transpose: bool, console: &Console) {
    let path = beside(output);
    if let Err(problem) = write(&path, dir, transpose) {
        let path = Outside::from(&path);
        console.warning(&format!("{path}: cannot remember the data directory: {problem}"));
    }
}

fn write(path: &Path, dir: &Path, transpose: bool) -> Result<(), String> {
    let dir = dir.canonicalize().map_err(|error| error.to_string())?;
    let options = Options {
        places: PlaceOptions { data_dir: Some(dir), ..PlaceOptions::default() },
        data: DataOptions { transpose: transpose.then_some(true), ..DataOptions::default() },
        ..Options::default()
    };
    let text = HEAD.to_owned() + &options.to_toml().map_err(|error| error.to_string())?;
    match read(path) {
        Ok(found) if found == text => return Ok(()),
        Ok(found) if !found.is_empty() && !found.starts_with(HEAD) => {
            return Err("it exists and is not fmnist's".into());
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    fs::write(path, text).map_err(|error| error.to_string())
}

/// Forgets the data of an earlier run that was saved in `output`.
pub(crate) fn forget(output: &Path) {
    let path = beside(output);
    if read(&path).is_ok_and(|text| text.starts_with(HEAD)) {
        // If it stays, the model of this run does not need it.
        let _ = fs::remove_file(path);
    }
}

/// What is remembered of a model's data, and in which file, if it is. A checkpoint has what its directory has.
pub(crate) fn of_model(model: &Path) -> anyhow::Result<Option<(PathBuf, Options)>> {
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    let is_checkpoint = name.starts_with("ckpt-") || name == "best.model";
    let path = match (model.is_dir(), model.parent()) {
        (true, _) => beside(&model.join("final.model")),
        (false, Some(dir)) if is_checkpoint => beside(&dir.join("final.model")),
        _ => beside(model),
    };
    let Some(text) = read(&path).ok().filter(|text| text.starts_with(HEAD)) else {
        return Ok(None);
    };
    let options = Options::from_toml(&text, &Outside::from(&path).to_string())?;
    Ok(Some((path, options)))
}

fn beside(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(EXTENSION);
    name.into()
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
