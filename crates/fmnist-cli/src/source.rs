//! Which images are asked for and where they are: whatever is wrong with that is found before any is read.

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

/// Sides of a garment's image.
const SIDE: usize = 28;

/// Which dataset is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Choice {
    /// Fashion-MNIST if it is there or can be downloaded, else the synthetic garments
    Auto,
    /// Fashion-MNIST, found or downloaded, and nothing else
    FashionMnist,
    /// Garments drawn by this program
    Synthetic,
    /// Four IDX files in --data-dir, named as Fashion-MNIST's
    Idx,
    /// Pictures in --data-dir, in a folder for each class
    Folder,
    /// Two CSV files in --data-dir, as Kaggle has Fashion-MNIST
    Csv,
}

impl Choice {
    /// The dataset that a model was trained on.
    pub(crate) fn of_model(info: &ModelInfo) -> anyhow::Result<Self> {
        let name = info.dataset.name.as_str();
        Self::value_variants()
            .iter()
            .find(|choice| choice.name() == Some(name))
            .copied()
            .with_context(|| format!("the model was trained on {name:?}, which is not known here"))
    }

    /// Its name in model files.
    pub(crate) fn name(self) -> Option<&'static str> {
        let name = match self {
            Choice::Auto => return None,
            Choice::FashionMnist => DatasetName::FashionMnist,
            Choice::Synthetic => DatasetName::Synthetic,
            Choice::Idx => DatasetName::Idx,
            Choice::Folder => DatasetName::Folder,
            Choice::Csv => DatasetName::Csv,
        };
        Some(name.as_str())
    }

    /// Whether it is a set of the user's own: of any size and classes, where the user says.
    pub(crate) fn is_own(self) -> bool {
        self.files().is_some()
    }

    /// The files that are looked for in the directory of a set of the user's own.
    fn files(self) -> Option<&'static str> {
        match self {
            Choice::Auto | Choice::FashionMnist | Choice::Synthetic => None,
            Choice::Idx => Some(
                "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
                 t10k-labels-idx1-ubyte, each as it is or as .gz",
            ),
            Choice::Folder => {
                Some("train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png; .jpg as well")
            }
            Choice::Csv => Some(
                "fashion-mnist_train.csv and fashion-mnist_test.csv, or train.csv and test.csv",
            ),
        }
    }

    /// Whether its files leave the size of an image open.
    pub(crate) fn takes_size(self) -> bool {
        matches!(self, Choice::Folder | Choice::Csv)
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("auto"))
    }
}

/// A dataset that can be looked for.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) choice: Choice,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) size: Option<ImageSize>,
}

impl Source {
    /// The dataset of this kind at this place, if that makes sense.
    pub(crate) fn new(
        choice: Choice,
        dir: Option<&Path>,
        size: Option<ImageSize>,
    ) -> anyhow::Result<Self> {
        if let (Some(files), None) = (choice.files(), dir) {
            return Err(Usage::error(format!(
                "--data-dir: expected the directory of the data, of the kind {choice}, found none; \
                 looked for in it are {files}"
            )));
        }
        if choice == Choice::Synthetic && dir.is_some() {
            return Err(Usage::error("--data-dir: the synthetic garments are in no directory"));
        }
        if size.is_some() && !choice.takes_size() {
            return Err(Usage::error(format!(
                "--image-size: expected --dataset folder or csv, whose images may have any, \
                 found {choice}"
            )));
        }
        Ok(Self { choice, dir: dir.map(Into::into), size })
    }

    /// The dataset that a model was trained on; images come in the size that the model takes.
    pub(crate) fn of_model(info: &ModelInfo, dir: Option<&Path>) -> anyhow::Result<Self> {
        let choice = Choice::of_model(info)?;
        let size = ImageSize::new(info.input.width, info.input.height);
        Self::new(choice, dir, size.filter(|_| choice.takes_size()))
    }

    /// How many pixels and classes there are at least, as far as that is known before the data are.
    pub(crate) fn least_shape(&self) -> (usize, usize) {
        match self.choice.is_own() {
            true => (self.size.map_or(1, ImageSize::pixels), 1),
            false => (SIDE * SIDE, CLASS_NAMES.len()),
        }
    }
}
