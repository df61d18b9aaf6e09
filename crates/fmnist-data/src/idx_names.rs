//! Finds the four IDX files of a dataset by their names, which differ from one publisher to another.
//!
//! The names end as Fashion-MNIST's do, with a dash or a dot before `idx`, and with or without `.gz`. The test set is called
//! `t10k` or `test`. Before that, there may be a prefix, as in EMNIST's `emnist-letters-train-images-idx3-ubyte.gz`. Files with
//! the same prefix belong together. If there are none, the directories that torchvision makes are searched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::Present;
use crate::manifest::Manifest;
use crate::{Error, quote};

/// The directories of torchvision that hold IDX files in their folder `raw`.
const IN_TORCHVISION: [&str; 4] = ["FashionMNIST", "MNIST", "KMNIST", "EMNIST"];

/// How many names a message shows.
const SHOWN: usize = 6;

/// The four files: training images, training labels, test images, test labels.
pub(crate) type FourFiles = [PathBuf; 4];

/// What was found of a dataset.
pub(crate) enum Search {
    Found(FourFiles),
    /// These files are missing. With all four, nothing was found.
    Missing(Vec<String>),
    /// The files of several datasets were found.
    Several(Error),
}

/// Searches `dir`, which need not exist. `manifest` decides which file is read if it is there both zipped and not.
pub(crate) fn find(dir: &Path, manifest: &Manifest) -> Search {
    match find_in(dir, manifest) {
        Search::Missing(missing) if missing.len() == manifest.files.len() => {}
        search => return search,
    }
    let raw = |name| dir.join(name).join("raw");
    let searches = IN_TORCHVISION.map(|name| (name, find_in(&raw(name), manifest)));
    let is_there = |search: &Search| !matches!(search, Search::Missing(names) if names.len() == 4);
    let mut there: Vec<_> = searches.into_iter().filter(|(_, search)| is_there(search)).collect();
    match there.pop() {
        None => Search::Missing(published_names(manifest)),
        Some((name, Search::Missing(files))) if there.is_empty() => {
            Search::Missing(files.iter().map(|file| format!("{name}/raw/{file}")).collect())
        }
        Some((_, search)) if there.is_empty() => search,
        Some((last, _)) => {
            let names = there.iter().map(|(name, _)| *name).chain([last]).map(String::from);
            let hint = "name the directory of one of them, such as DIR/MNIST/raw";
            Search::Several(several(dir, names.collect(), hint))
        }
    }
}

/// The first few names in a directory, and their number. Nothing if it cannot be read.
pub(crate) fn present(dir: &Path) -> Present {
    let (mut names, mut count) = (BTreeSet::new(), 0_usize);
    for name in entries(dir) {
        count = count.saturating_add(1);
        let is_plain = !name.contains(quote::is_command);
        names.insert(if is_plain { name } else { quote::quoted(&name) });
        if names.len() > SHOWN {
            names.pop_last();
        }
    }
    Present { names: names.into_iter().collect(), count }
}

fn entries(dir: &Path) -> impl Iterator<Item = String> {
    let entries = dir.read_dir().ok().into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

fn published_names(manifest: &Manifest) -> Vec<String> {
    manifest.files.iter().map(|spec| spec.name.into()).collect()
}

fn several(dir: &Path, names: Vec<String>, hint: &'static str) -> Error {
    Error::Layout {
        path: dir.into(),
        expected: "the IDX files of one dataset".into(),
        found: format!("those of {}", names.join(", ")),
        hint,
    }
}

/// What a file name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Named<'a> {
    /// What comes before `train-` or `test-`: nothing, or a text that ends in a dash.
    prefix: &'a str,
    /// Which of the four files it is.
    role: usize,
    /// The name without `.gz`. Of two, the one with a dash and `t10k` comes first.
    rank: u8,
    is_gzip: bool,
}

fn parse(name: &str) -> Option<Named<'_>> {
    let raw = name.strip_suffix(".gz");
    let (is_gzip, raw) = (raw.is_some(), raw.unwrap_or(name));
    let ends = [
        ("-images-idx3-ubyte", 0, 0),
        ("-images.idx3-ubyte", 0, 2),
        ("-labels-idx1-ubyte", 1, 0),
        ("-labels.idx1-ubyte", 1, 2),
    ];
    let sets = [("train", 0, 0), ("t10k", 2, 0), ("test", 2, 1)];
    let (rest, labels, dot) = ends
        .into_iter()
        .find_map(|(end, role, rank)| Some((raw.strip_suffix(end)?, role, rank)))?;
    let (prefix, set, other) = sets
        .into_iter()
        .find_map(|(set, role, rank)| Some((rest.strip_suffix(set)?, role, rank)))?;
    let is_prefix = prefix.is_empty() || prefix.ends_with('-') && prefix.len() > 1;
    let (role, rank) = (labels | set, dot | other);
    is_prefix.then_some(Named { prefix, role, rank, is_gzip })
}

/// Whether a file is named as those of EMNIST are.
pub(crate) fn is_emnist(path: &Path) -> bool {
    let start = path.file_name().and_then(|name| name.as_encoded_bytes().get(..6));
    start.is_some_and(|start| start.eq_ignore_ascii_case(b"emnist"))
}

/// The files of one dataset: for each role, those of the best rank, zipped and not.
#[derive(Default)]
struct Group([Option<(u8, Forms)>; 4]);

/// The two forms in which a file may be there.
#[derive(Default)]
struct Forms {
    raw: Option<PathBuf>,
    gzip: Option<PathBuf>,
}

impl Group {
    fn add(&mut self, named: Named<'_>, path: PathBuf) {
        let Some(slot) = self.0.get_mut(named.role) else { return };
        if slot.as_ref().is_none_or(|(rank, _)| named.rank < *rank) {
            *slot = Some((named.rank, Forms::default()));
        }
        if let Some((rank, forms)) = slot
            && *rank == named.rank
        {
            let form = if named.is_gzip { &mut forms.gzip } else { &mut forms.raw };
            *form = Some(path);
        }
    }

    /// The four paths, or the names of those that are missing.
    fn paths(self, prefix: &str, manifest: &Manifest) -> Result<FourFiles, Vec<String>> {
        let Self(files) = self;
        let missing: Vec<String> = files
            .iter()
            .zip(&manifest.files)
            .filter(|(file, _)| file.is_none())
            .map(|(_, spec)| match prefix {
                "" => spec.name.into(),
                _ => format!("{prefix}{}", spec.name.replace("t10k", "test")),
            })
            .collect();
        let mut chosen = files.into_iter().zip(&manifest.files).filter_map(|(file, spec)| {
            let (_, Forms { raw, gzip }) = file?;
            // The unzipped file, if it has the published length or is the only one.
            let is_whole = |path: &PathBuf| {
                path.metadata().is_ok_and(|metadata| metadata.len() == spec.raw.bytes)
            };
            match (raw, gzip) {
                (Some(raw), gzip) if gzip.is_none() || is_whole(&raw) => Some(raw),
                (raw, gzip) => gzip.or(raw),
            }
        });
        let mut next = || chosen.next();
        match (next(), next(), next(), next()) {
            (Some(a), Some(b), Some(c), Some(d)) => Ok([a, b, c, d]),
            _ => Err(missing),
        }
    }
}

/// Searches one directory.
fn find_in(dir: &Path, manifest: &Manifest) -> Search {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for name in entries(dir) {
        let path = dir.join(&name);
        // Not a link to nowhere.
        if let Some(named) = parse(&name).filter(|_| path.exists()) {
            groups.entry(named.prefix.into()).or_default().add(named, path);
        }
    }
    // Files without a prefix have the first place.
    let mut missing = None;
    let mut found = Vec::new();
    for (prefix, group) in groups {
        match group.paths(&prefix, manifest) {
            Ok(files) if prefix.is_empty() => return Search::Found(files),
            Ok(files) => found.push((prefix, files)),
            // Of several datasets that are not whole, the one that lacks the fewest files is named.
            Err(lacks) => {
                if missing.as_ref().is_none_or(|fewer: &Vec<_>| lacks.len() < fewer.len()) {
                    missing = Some(lacks);
                }
            }
        }
    }
    match found.pop() {
        Some((_, files)) if found.is_empty() => Search::Found(files),
        Some(last) => {
            let names = found.iter().chain([&last]);
            let names = names.map(|(prefix, _)| prefix.trim_end_matches('-').into()).collect();
            let hint = "put the files of the one you want into a directory of their own";
            Search::Several(several(dir, names, hint))
        }
        None => Search::Missing(missing.unwrap_or_else(|| published_names(manifest))),
    }
}

#[cfg(test)]
mod tests;
