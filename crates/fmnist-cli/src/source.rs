//! Which dataset is used and where it is. Options that make no sense are refused before any file is read.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::ValueEnum;
use fmnist_data::{CLASS_NAMES, DatasetName, ImageSize};
use nn_io::ModelInfo;
use serde::Serialize;

use crate::exit::Usage;

/// The side of an image of Fashion-MNIST.
const SIDE: usize = 28;

/// The kind of dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DatasetKind {
    /// Fashion-MNIST if it is found or can be downloaded, else synthetic garments
    Auto,
    /// Fashion-MNIST, found or downloaded
    FashionMnist,
    /// Synthetic garments, drawn by this program
    Synthetic,
    /// Four IDX files in --data-dir, with the names of Fashion-MNIST's
    Idx,
    /// Pictures in --data-dir, in one folder for each class
    Folder,
    /// Two CSV files in --data-dir, in the form of Fashion-MNIST on Kaggle
    Csv,
}

impl DatasetKind {
    /// The kind of dataset that a model was trained on.
    pub(crate) fn of_model(info: &ModelInfo) -> anyhow::Result<Self> {
        let dataset = info.dataset.as_ref();
        let dataset =
            dataset.context("the model's file does not name the dataset of its training")?;
        let name = dataset.name.as_str();
        Self::value_variants().iter().find(|kind| kind.name() == Some(name)).copied().with_context(
            || format!("the model was trained on {name:?}, which this program does not know"),
        )
    }

    /// Its name in model files.
    pub(crate) fn name(self) -> Option<&'static str> {
        let name = match self {
            DatasetKind::Auto => return None,
            DatasetKind::FashionMnist => DatasetName::FashionMnist,
            DatasetKind::Synthetic => DatasetName::Synthetic,
            DatasetKind::Idx => DatasetName::Idx,
            DatasetKind::Folder => DatasetName::Folder,
            DatasetKind::Csv => DatasetName::Csv,
        };
        Some(name.as_str())
    }

    /// Whether it is a custom dataset, with images of any size and any classes.
    pub(crate) fn is_custom(self) -> bool {
        self.files().is_some()
    }

    /// The files of a custom dataset, for messages.
    fn files(self) -> Option<&'static str> {
        match self {
            DatasetKind::Auto | DatasetKind::FashionMnist | DatasetKind::Synthetic => None,
            DatasetKind::Idx => Some(
                "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
                 t10k-labels-idx1-ubyte, each as it is or as .gz",
            ),
            DatasetKind::Folder => {
                Some("train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png; .jpg as well")
            }
            DatasetKind::Csv => Some(
                "fashion-mnist_train.csv and fashion-mnist_test.csv, or train.csv and test.csv",
            ),
        }
    }

    /// Whether the size of an image is an option, since the files do not determine it.
    pub(crate) fn takes_size(self) -> bool {
        matches!(self, DatasetKind::Folder | DatasetKind::Csv)
    }
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("auto"))
    }
}

/// Where to get a dataset.
#[derive(Debug)]
pub(crate) struct DataSource {
    pub(crate) kind: DatasetKind,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) size: Option<ImageSize>,
}

impl DataSource {
    /// The dataset of this kind in this directory, if the options make sense together.
    pub(crate) fn new(
        kind: DatasetKind,
        dir: Option<&Path>,
        size: Option<ImageSize>,
    ) -> anyhow::Result<Self> {
        if let (Some(files), None) = (kind.files(), dir) {
            return Err(Usage::error(format!(
                "--data-dir: --dataset {kind} needs the directory of the data, which must have {files}"
            )));
        }
        if kind == DatasetKind::Synthetic && dir.is_some() {
            return Err(Usage::error("--data-dir: the synthetic garments need no directory"));
        }
        if size.is_some() && !kind.takes_size() {
            return Err(Usage::error(format!(
                "--image-size: expected --dataset folder or csv, whose images can have any size, \
                 found {kind}"
            )));
        }
        Ok(Self { kind, dir: dir.map(Into::into), size })
    }

    /// The dataset that a model was trained on, with images of the size that the model takes.
    pub(crate) fn of_model(info: &ModelInfo, dir: Option<&Path>) -> anyhow::Result<Self> {
        let kind = DatasetKind::of_model(info)?;
        let size = info.input.image.and_then(|image| ImageSize::new(image.width, image.height));
        Self::new(kind, dir, size.filter(|_| kind.takes_size()))
    }

    /// The smallest numbers of pixels and classes that the dataset can have, before it is read.
    pub(crate) fn min_shape(&self) -> (usize, usize) {
        match self.kind.is_custom() {
            true => (self.size.map_or(1, ImageSize::pixels), 1),
            false => (SIDE * SIDE, CLASS_NAMES.len()),
        }
    }
}
