//! Getting a dataset: found, downloaded, or drawn.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ValueEnum;
use fmnist_data::{
    Dataset, DatasetName, Split,
    download::{self, Progress},
    garments, locate,
};
use nn_core::{Model, Scaling};
use nn_io::{Checkpoint, ModelInfo};
use nn_train::{Features, Samples};

use crate::{console::Console, exit::Usage};

/// What the synthetic garments are drawn from: always the same, so that a model meets the images
/// again that it was trained on.
const SYNTHETIC_SEED: u64 = 0;

/// Which dataset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// Fashion-MNIST if it is there or can be downloaded, else the synthetic garments
    Auto,
    /// Fashion-MNIST, found or downloaded, and nothing else
    FashionMnist,
    /// Garments drawn by this program
    Synthetic,
}

impl Choice {
    /// The dataset that a model was trained on.
    pub(crate) fn of_model(checkpoint: &Checkpoint) -> anyhow::Result<Self> {
        let name = checkpoint.info.dataset.name.as_str();
        [Choice::FashionMnist, Choice::Synthetic]
            .into_iter()
            .find(|choice| choice.name() == Some(name))
            .with_context(|| format!("the model was trained on {name:?}, which is not known here"))
    }

    /// Its name in model files.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Choice::Auto => None,
            Choice::FashionMnist => Some(DatasetName::FashionMnist.as_str()),
            Choice::Synthetic => Some(DatasetName::Synthetic.as_str()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("auto"))
    }
}

/// Finds, downloads or draws the dataset.
pub(crate) fn obtain(
    choice: Choice,
    data_dir: Option<&Path>,
    console: &mut Console,
) -> anyhow::Result<Dataset> {
    if choice == Choice::Synthetic {
        return match data_dir {
            None => Ok(synthetic(console)),
            Some(_) => Err(Usage::error("--data-dir: the synthetic garments are in no directory")),
        };
    }
    // A directory that somebody named and that has no good dataset is an error, never a fall back.
    let found = locate::find(data_dir)?;
    let named = locate::is_named(data_dir);
    match fashion_mnist(found, named, console) {
        Err(error) if choice == Choice::Auto && !named => {
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

fn synthetic(console: &Console) -> Dataset {
    console.message("drawing 70,000 synthetic garments");
    garments::synthetic(SYNTHETIC_SEED, 60_000, 10_000)
}

/// A split in the form that training and evaluation take.
pub(crate) struct LabelledImages<'a> {
    pixels: &'a [u8],
    labels: Vec<u32>,
    n_features: usize,
    scaling: Scaling,
}

impl<'a> LabelledImages<'a> {
    pub(crate) fn new(split: &'a Split, scaling: Scaling) -> Self {
        let images = &split.images;
        Self {
            pixels: &images.pixels,
            labels: split.labels.iter().map(|&label| u32::from(label)).collect(),
            n_features: images.width * images.height,
            scaling,
        }
    }

    pub(crate) fn samples(&self) -> Result<Samples<'_>, nn_train::Error> {
        let features = Features::Bytes { data: self.pixels, scaling: self.scaling };
        Samples::new(features, self.n_features, &self.labels)
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

/// `784-128-128-10`.
pub(crate) fn architecture(model: &Model) -> String {
    let mut sizes = vec![model.inputs().to_string()];
    for layer in model.layers() {
        if let nn_core::Layer::Dense(dense) = layer {
            sizes.push(dense.outputs.to_string());
        }
    }
    sizes.join("-")
}
