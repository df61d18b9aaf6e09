//! Getting a dataset: found, read, downloaded, or drawn.

use std::path::{Path, PathBuf};

use fmnist_data::{
    Dataset, ImageSize, Split,
    download::{self, Progress},
    folder::{Folder, TEST_SHARE},
    garments, locate,
};
use nn_core::{LayerSpec, Model, Scaling};
use nn_io::ModelInfo;
use nn_train::{Features, Samples};

use crate::{
    console::Console,
    source::{Choice, Source},
    text::thousands,
};

/// What the synthetic garments are drawn from: always the same, so that a model meets the images
/// again that it was trained on.
const SYNTHETIC_SEED: u64 = 0;

/// Finds, reads, downloads or draws the dataset.
pub(crate) fn obtain(source: &Source, console: &mut Console) -> anyhow::Result<Dataset> {
    let Source { choice, dir, size } = source;
    let data_dir = dir.as_deref();
    match (*choice, data_dir) {
        (Choice::Synthetic, _) => return Ok(synthetic(console)),
        (Choice::Idx, Some(dir)) => return Ok(Dataset::load_idx(dir)?),
        (Choice::Csv, Some(dir)) => return Ok(Dataset::load_csv(dir, *size)?),
        (Choice::Folder, Some(dir)) => return pictures(dir, *size, console),
        _ => {}
    }
    // A directory that somebody named and that has no good dataset is an error, never a fall back.
    let found = locate::find(data_dir)?;
    let named = locate::is_named(data_dir);
    match fashion_mnist(found, named, console) {
        Err(error) if *choice == Choice::Auto && !named => {
            console.warning(&format!("no Fashion-MNIST: {error}"));
            console.warning(SYNTHETIC_NOTICE);
            Ok(synthetic(console))
        }
        result => Ok(result?),
    }
}

/// What must be said loudly wherever `auto` fell back.
pub(crate) const SYNTHETIC_NOTICE: &str = "SYNTHETIC DATA: these garments are drawn by the \
    program, and results on them say nothing about Fashion-MNIST; \
    `cargo xtask fetch-data` or --data-dir brings the real images";

/// The dataset in the directory where it was found; downloaded where there is none or, unless the
/// directory was `named`, where it is damaged.
fn fashion_mnist(
    found: Option<PathBuf>,
    named: bool,
    console: &mut Console,
) -> Result<Dataset, fmnist_data::Error> {
    match found.map(|dir| Dataset::load(&dir)) {
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
    console.message(&format!("downloading Fashion-MNIST (31 MB) into {}", dir.display()));
    let bar = console.start_bar(0, "{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}");
    let fetched = download::fetch(&dir, &download::sources(None)?, &mut |progress| {
        if let Progress::Receiving { file, received, total, .. } = progress {
            if bar.length() != Some(total) || received < bar.position() {
                bar.reset();
                bar.set_length(total);
                bar.set_message(file);
            }
            bar.set_position(received);
        }
    });
    console.finish_bar();
    fetched?;
    Dataset::load(&dir)
}

/// The pictures in a folder, and what is said of them before they are read.
fn pictures(dir: &Path, size: Option<ImageSize>, console: &Console) -> anyhow::Result<Dataset> {
    let folder = Folder::list(dir)?;
    let (n_train, n_test) = folder.counts();
    let [n_train, n_test] = [n_train, n_test].map(|n| thousands(n as u64));
    let (dir, n_classes) = (dir.display(), folder.class_names().len());
    let pictures =
        format!("reading {n_train} and {n_test} pictures of {n_classes} classes in {dir}");
    console.message(&match folder.has_test() {
        true => pictures,
        false => format!(
            "{pictures}: without folders train and test, every {TEST_SHARE}th picture of a class, \
             by its name, is for the test"
        ),
    });
    Ok(folder.load(size)?)
}

fn synthetic(console: &Console) -> Dataset {
    console.message("drawing 70,000 synthetic garments");
    garments::synthetic(SYNTHETIC_SEED, 60_000, 10_000)
}

/// The error where a set of the user's own is not one that the model can be asked about: the sizes of its
/// images and the meanings of its labels are the model's. That it is the set of the training is not asked,
/// but said where it is not.
pub(crate) fn check_fits(
    info: &ModelInfo,
    dataset: &Dataset,
    console: &Console,
) -> anyhow::Result<()> {
    if !Choice::of_model(info)?.is_own() {
        return Ok(());
    }
    let images = &dataset.test.images;
    let (expected, found) = (&info.input, format!("{}x{}", images.width, images.height));
    let expected = format!("{}x{}", expected.width, expected.height);
    if expected != found {
        anyhow::bail!("the model takes images of {expected}, these data have images of {found}");
    }
    if !info.class_names.starts_with(&dataset.class_names) {
        let brief = |names: &[String]| match names {
            [first @ .., last] if first.len() > 8 => {
                format!("{}, ... {last} ({} classes)", first[..8].join(", "), names.len())
            }
            _ => names.join(", "),
        };
        let (expected, found) = (brief(&info.class_names), brief(&dataset.class_names));
        anyhow::bail!("the model tells apart {expected}; the classes of these data are {found}");
    }
    if info.dataset.sha256 != dataset.sha256 {
        let (expected, found) = (&info.dataset.sha256, &dataset.sha256);
        console.warning(&format!(
            "these are not the data that the model was trained on: SHA-256 {found}, not {expected}"
        ));
    }
    Ok(())
}

/// A split in the form that training and evaluation take.
pub(crate) struct LabelledImages<'a> {
    pixels: &'a [u8],
    labels: Vec<u32>,
    n_features: usize,
    width: usize,
    scaling: Scaling,
}

impl<'a> LabelledImages<'a> {
    pub(crate) fn new(split: &'a Split, scaling: Scaling) -> Self {
        let images = &split.images;
        Self {
            pixels: &images.pixels,
            labels: split.labels.iter().map(|&label| u32::from(label)).collect(),
            n_features: images.width * images.height,
            width: images.width,
            scaling,
        }
    }

    pub(crate) fn samples(&self) -> Result<Samples<'_>, nn_train::Error> {
        let features = Features::Bytes { data: self.pixels, scaling: self.scaling };
        Samples::new(features, self.n_features, &self.labels)?.as_images(self.width)
    }
}

/// The scaling that a model was trained with.
pub(crate) fn scaling(info: &ModelInfo) -> Scaling {
    Scaling { mean: info.input.mean, std: info.input.std }
}

/// Threads to use: as asked for, or as many as the machine runs at once.
pub(crate) fn threads(asked: Option<u16>) -> usize {
    let all = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or_else(all, usize::from)
}

/// `784-128-128-10`, and what else there is: `784-128-128-10, batch_norm, silu, dropout`.
pub(crate) fn architecture(model: &Model) -> String {
    let mut sizes = vec![model.inputs().to_string()];
    let mut kinds = Vec::new();
    for spec in model.specs() {
        match spec {
            LayerSpec::Dense { outputs, .. } => sizes.push(outputs.to_string()),
            LayerSpec::RELU | LayerSpec::Softmax => {}
            other if kinds.contains(&other.name()) => {}
            other => kinds.push(other.name()),
        }
    }
    let mut parts = vec![sizes.join("-")];
    parts.extend(kinds.into_iter().map(|kind| kind.replace('_', " ")));
    parts.join(", ")
}
