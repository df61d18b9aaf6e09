//! Gets a dataset: finds, downloads, reads or draws it, and checks that it fits a model.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use fmnist::{
    Trap,
    options::{self, DataSource, DatasetKind},
};
use fmnist_data::{
    Dataset, Images, ReadOptions, TestImages,
    download::{self, DownloadProgress},
    folder::Folder,
    garments, locate,
};
use nn_io::ModelInfo;
use nn_train::Threads;

use crate::{
    console::Console, exit::Usage, outside::Outside, remembered::Remembered, text::thousands,
};

/// The seed of the synthetic garments. It is fixed, so that a model is evaluated on the set that it was trained on.
const SYNTHETIC_SEED: u64 = 0;

/// The dataset that a model was trained on, in the directory that is given or else in the one that is remembered for the
/// model at `path`. Errors call the model `name`.
pub(crate) fn source_of(
    info: &ModelInfo,
    dir: Option<&Path>,
    path: Option<&Path>,
    name: &str,
) -> anyhow::Result<DataSource> {
    let kind = DatasetKind::of_model(info).with_context(|| name.to_owned())?;
    // A directory that is given counts, even if the remembered one cannot be read.
    let path = path.filter(|_| kind != DatasetKind::Synthetic && dir.is_none());
    let dir = match path.map(Remembered::of_model).transpose()?.flatten() {
        Some(Remembered { place, dir }) if !dir.exists() => {
            let (dir, place) = (Outside::from(&dir), Outside::from(&place));
            return Err(Usage::error(format!(
                "{dir}: no such file or directory; {place} names it as the data; give --data-dir"
            )));
        }
        Some(Remembered { dir, .. }) => Some(dir),
        None => dir.map(Into::into),
    };
    let source = DataSource::of_model(info, dir.as_deref()).map_err(|error| match (error, path) {
        (options::Error::Option { option, problem }, Some(path)) if dir.is_none() => {
            let place = Remembered::place_of(path);
            let place = Outside::from(&place);
            let problem =
                format!("{problem}; it is also looked for in {place}, which does not exist");
            options::Error::Option { option, problem }
        }
        (error, _) => error,
    });
    source.with_context(|| name.to_owned())
}

/// Finds, reads, downloads or draws the dataset.
pub(crate) fn obtain(source: &DataSource, console: &mut Console) -> anyhow::Result<Dataset> {
    obtain_or_draw(source, SYNTHETIC_NOTICE, console)
}

/// The same, with the warning to print if `auto` falls back to synthetic garments.
pub(crate) fn obtain_or_draw(
    source: &DataSource,
    notice: &str,
    console: &mut Console,
) -> anyhow::Result<Dataset> {
    let DataSource { kind, dir, options } = source;
    let data_dir = dir.as_deref();
    let custom = match (*kind, data_dir) {
        (DatasetKind::Synthetic, _) => return Ok(synthetic(console)),
        (DatasetKind::Idx, Some(dir)) => Dataset::load_idx(dir, options)?,
        (DatasetKind::Csv, Some(dir)) => Dataset::load_csv(dir, options)?,
        (DatasetKind::Npz, Some(path)) => Dataset::load_npz(path, options)?,
        (DatasetKind::Folder, Some(dir)) => pictures(dir, options, console)?,
        _ => return garments_or_draw(source, notice, console),
    };
    custom.notes.iter().for_each(|note| console.message(&note.to_string()));
    Ok(custom)
}

/// Finds or downloads Fashion-MNIST; `auto` falls back to synthetic garments.
fn garments_or_draw(
    source: &DataSource,
    notice: &str,
    console: &mut Console,
) -> anyhow::Result<Dataset> {
    let data_dir = source.dir.as_deref();
    // If the user named a directory and it has no good dataset, that is an error: there is no fallback.
    let found = locate::find(data_dir)?;
    let named = locate::is_named(data_dir);
    match fashion_mnist(found, named, console) {
        Err(error) if source.kind == DatasetKind::Auto && !named => {
            console.warning(&format!("no Fashion-MNIST: {error}"));
            console.warning(notice);
            Ok(synthetic(console))
        }
        result => Ok(result?),
    }
}

/// Adds to an error of [`obtain`] the kind of dataset that the directory seems to have, for commands with --dataset.
pub(crate) fn suggest_kind(error: anyhow::Error, source: &DataSource) -> anyhow::Error {
    match error.downcast_ref() {
        Some(fmnist_data::Error::Missing { holds: Some(kind), .. }) => {
            Usage::error(format!("{error}; did you mean --dataset {kind}?"))
        }
        // The names are right, and the user named the directory: perhaps its files are meant as they are.
        Some(fmnist_data::Error::Checksum { .. } | fmnist_data::Error::Mnist { .. })
            if source.dir.is_some() =>
        {
            let message = format!("{error}; or give --dataset idx for your own data");
            error.context(message)
        }
        _ => error,
    }
}

/// The warning after `auto` fell back to synthetic garments.
pub(crate) const SYNTHETIC_NOTICE: &str = "SYNTHETIC DATA: these garments are drawn by the \
    program, and results on them say nothing about Fashion-MNIST; \
    get the real images with `cargo xtask fetch-data`, or give their directory with --data-dir";

/// Loads the dataset from the directory where it was found. Downloads it if it was not found, or if it is damaged and
/// the user did not name the directory.
fn fashion_mnist(
    found: Option<PathBuf>,
    named: bool,
    console: &mut Console,
) -> Result<Dataset, fmnist_data::Error> {
    match found.map(|dir| Dataset::fashion_mnist(&dir)) {
        Some(Ok(dataset)) => Ok(dataset),
        Some(Err(error)) if named => Err(error),
        Some(Err(error)) => {
            console.warning(&error.to_string());
            download(console)
        }
        None => download(console),
    }
}

fn download(console: &mut Console) -> Result<Dataset, fmnist_data::Error> {
    let dir = locate::download_dir(None)?;
    console.message(&format!("downloading Fashion-MNIST (31 MB) into {}", Outside::from(&dir)));
    let bar = console.start_bar(0, "{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}");
    let show = &mut |progress: DownloadProgress<'_>| match progress {
        DownloadProgress::Waiting => console.warning(&format!(
            "waiting up to an hour for another download into {}; \
             to avoid this, stop that download, or set {} to another directory",
            Outside::from(&dir),
            locate::VARIABLE
        )),
        DownloadProgress::Receiving { file, received, total, .. } => {
            if bar.length() != Some(total) || received < bar.position() {
                bar.reset();
                bar.set_length(total);
                bar.set_message(file);
            }
            bar.set_position(received);
        }
        _ => {}
    };
    let fetched = download::fetch(&dir, &download::sources(None)?, show);
    console.finish_bar();
    fetched?;
    Dataset::fashion_mnist(&dir)
}

/// Reads the pictures in a folder, and prints beforehand how many there are.
fn pictures(dir: &Path, options: &ReadOptions, console: &Console) -> anyhow::Result<Dataset> {
    let folder = Folder::list(dir)?;
    let (n_train, n_test) = folder.counts();
    let [n_train, n_test] = [n_train, n_test].map(|n| thousands(n as u64));
    let validation = folder
        .n_validation()
        .map_or_else(String::new, |n| format!(", {} validation", thousands(n as u64)));
    console.message(&format!(
        "reading {n_train} training{validation} and {n_test} test pictures of {} classes in {}",
        folder.class_names().len(),
        Outside::from(dir)
    ));
    Ok(folder.load(options)?)
}

fn synthetic(console: &Console) -> Dataset {
    console.message("drawing 70,000 synthetic garments");
    garments::synthetic(SYNTHETIC_SEED, 60_000, 10_000)
}

/// Reads images of the test set, by index from 0. Fails if a custom dataset does not fit the model.
pub(crate) fn test_images(
    source: &DataSource,
    info: &ModelInfo,
    indices: &[usize],
    console: &mut Console,
) -> anyhow::Result<TestImages> {
    let found = match (source.kind.data_name(), &source.dir) {
        (Some(name), Some(dir)) if source.kind.is_custom() => {
            TestImages::load(name, dir, &source.options, indices)
        }
        _ => TestImages::of(&obtain(source, console)?.test, indices),
    };
    let found = found.map_err(|error| match error {
        fmnist_data::Error::NoSuchImage { .. } => Usage::error(format!("--index: {error}")),
        error => error.into(),
    })?;
    if source.kind.is_custom() {
        check_size(info, &found.images)?;
        if let Some(names) = &found.class_names {
            check_classes(info, names)?;
        }
    }
    Ok(found)
}

/// Whether the model's dataset has the classes of Fashion-MNIST.
pub(crate) fn has_garments(info: &ModelInfo) -> bool {
    DatasetKind::of_model(info).is_ok_and(|kind| !kind.is_custom())
}

/// Fails if a dataset has another image size or other classes than the model. Warns if it is not the dataset that the model
/// was trained on. Warnings call the model `name`.
pub(crate) fn check_fits(
    name: &str,
    info: &ModelInfo,
    dataset: &Dataset,
    console: &Console,
) -> anyhow::Result<()> {
    check_size(info, &dataset.test.images)?;
    check_classes(info, &dataset.info.class_names)?;
    if let Some(trained_on) = &info.dataset
        && trained_on.sha256 != dataset.info.sha256
    {
        let (expected, found) = (&trained_on.sha256, &dataset.info.sha256);
        console.warning(&format!(
            "{name}: this is not the dataset that the model was trained on: SHA-256 {found}, not {expected}"
        ));
    }
    Ok(())
}

/// Fails if images have another size than those that the model takes.
pub(crate) fn check_size(info: &ModelInfo, images: &Images) -> anyhow::Result<()> {
    let expected =
        info.input.image.context("the model takes no images: its file has no image size")?;
    let size = |width, height, channels| match channels {
        1 => format!("{width}x{height}"),
        _ => format!("{width}x{height} in colour"),
    };
    let found = size(images.width, images.height, images.channels);
    let expected = size(expected.width, expected.height, expected.channels);
    if expected != found {
        anyhow::bail!("the model takes images of {expected}, the dataset has images of {found}");
    }
    Ok(())
}

/// Fails if a dataset has other classes than the model.
fn check_classes(info: &ModelInfo, found: &[String]) -> anyhow::Result<()> {
    if !info.class_names.is_empty() && !info.class_names.starts_with(found) {
        let brief = |names: &[String]| match names {
            [first @ .., last] if first.len() > 8 => {
                format!("{}, ... {last} ({} classes)", first[..8].join(", "), names.len())
            }
            _ => names.join(", "),
        };
        let (expected, found) = (brief(&info.class_names), brief(found));
        anyhow::bail!("the model's classes are {expected}; the dataset's classes are {found}");
    }
    Ok(())
}

/// Warns of the mistakes in a dataset that training would not notice.
pub(crate) fn warn_of_traps(dataset: &Dataset, console: &Console) {
    Trap::in_data(dataset)
        .iter()
        .for_each(|trap| console.warning(&Outside::from(&trap.to_string()).to_string()));
}

/// The threads to use: the number asked for, or as many as the machine can run at once.
pub(crate) fn threads(asked: Option<u64>) -> Result<Threads, nn_train::Error> {
    asked.map_or_else(Threads::all, |count| Threads::new(count as usize))
}
