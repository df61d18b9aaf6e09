//! Which dataset is used and where it is. Options that conflict are refused before any file is read.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use fmnist_data::{CLASS_NAMES, Colour, Dataset, DatasetName, ImageSize, ReadOptions};
use nn_io::ModelInfo;
use serde::{Deserialize, Serialize};

use super::{
    ColourName, Error,
    form::{Form, one_of},
};

/// The side of an image of Fashion-MNIST.
const SIDE: usize = 28;

/// The kind of dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum DatasetKind {
    /// Fashion-MNIST if it is found or can be downloaded, else synthetic garments
    #[default]
    Auto,
    /// Fashion-MNIST, found or downloaded
    FashionMnist,
    /// Synthetic garments, drawn by this program
    Synthetic,
    /// Four IDX files in --data-dir, named like those of Fashion-MNIST or EMNIST
    Idx,
    /// Pictures in --data-dir, in one folder for each class, or with labels.csv
    Folder,
    /// CSV tables in --data-dir: train.csv, and test.csv if there is one
    Csv,
    /// A NumPy archive (.npz) with x_train, y_train, x_test and y_test: --data-dir, or in it
    Npz,
}

impl DatasetKind {
    const ALL: [Self; 7] = [
        Self::Auto,
        Self::FashionMnist,
        Self::Synthetic,
        Self::Idx,
        Self::Folder,
        Self::Csv,
        Self::Npz,
    ];

    /// The kind of dataset that a model was trained on.
    ///
    /// # Errors
    ///
    /// If the model's file names no dataset, or an unknown one.
    pub fn of_model(info: &ModelInfo) -> Result<Self, Error> {
        let Some(dataset) = &info.dataset else {
            let problem = "the file does not say which dataset the model was trained on";
            return Err(Error::Dataset(problem.into()));
        };
        let name = dataset.name.as_str();
        Self::ALL.into_iter().find(|kind| kind.name() == Some(name)).ok_or_else(|| {
            let problem = "which this program does not know";
            Error::Dataset(format!("the model was trained on \"{name}\", {problem}"))
        })
    }

    /// The name of this kind in model files; `None` for [`DatasetKind::Auto`].
    pub fn name(self) -> Option<&'static str> {
        self.data_name().map(DatasetName::as_str)
    }

    /// The kind of data that it is; `None` for [`DatasetKind::Auto`].
    pub fn data_name(self) -> Option<DatasetName> {
        Some(match self {
            DatasetKind::Auto => return None,
            DatasetKind::FashionMnist => DatasetName::FashionMnist,
            DatasetKind::Synthetic => DatasetName::Synthetic,
            DatasetKind::Idx => DatasetName::Idx,
            DatasetKind::Folder => DatasetName::Folder,
            DatasetKind::Csv => DatasetName::Csv,
            DatasetKind::Npz => DatasetName::Npz,
        })
    }

    /// Whether it is a custom dataset, with images of any size and any classes.
    pub fn is_custom(self) -> bool {
        self.files().is_some()
    }

    /// The files of a custom dataset, for messages.
    fn files(self) -> Option<&'static str> {
        match self {
            DatasetKind::Auto | DatasetKind::FashionMnist | DatasetKind::Synthetic => None,
            DatasetKind::Idx => Some(
                "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
                 t10k-labels-idx1-ubyte, each plain or as .gz",
            ),
            DatasetKind::Folder => {
                Some("train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png; .jpg as well")
            }
            DatasetKind::Csv => Some(
                "train.csv and test.csv, mnist_train.csv and mnist_test.csv, or fashion-mnist_train.csv and \
                 fashion-mnist_test.csv; .csv.gz as well",
            ),
            DatasetKind::Npz => {
                Some("one .npz file with the arrays x_train, y_train, x_test and y_test")
            }
        }
    }

    /// Whether the image size is an option, because the files do not determine it.
    pub fn takes_size(self) -> bool {
        matches!(self, DatasetKind::Folder | DatasetKind::Csv)
    }

    /// Whether rows and columns can be exchanged.
    pub fn takes_transpose(self) -> bool {
        matches!(self, DatasetKind::Idx | DatasetKind::Csv | DatasetKind::Npz)
    }
}

impl Form for DatasetKind {
    fn form() -> String {
        one_of(&Self::ALL)
    }
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("auto"))
    }
}

/// Where to get a dataset.
#[derive(Debug)]
pub struct DataSource {
    /// The kind of dataset.
    pub kind: DatasetKind,
    /// Its directory, if one was given.
    pub dir: Option<PathBuf>,
    /// How a custom dataset is read.
    pub options: ReadOptions,
}

impl DataSource {
    /// Names the dataset of this kind in this directory.
    ///
    /// # Errors
    ///
    /// If a custom dataset has no directory, synthetic garments have one, or the kind has a fixed image size.
    pub fn new(kind: DatasetKind, dir: Option<&Path>, options: ReadOptions) -> Result<Self, Error> {
        if let (Some(files), None) = (kind.files(), dir) {
            let problem = "needs the directory of the data, which must have";
            return Err(Error::option("data-dir", format!("--dataset {kind} {problem} {files}")));
        }
        if kind == DatasetKind::Synthetic && dir.is_some() {
            return Err(Error::option("data-dir", "the synthetic garments need no directory"));
        }
        if options.size.is_some() && !kind.takes_size() {
            let expected = "--dataset folder or csv, whose images can have any size";
            return Err(Error::range("image-size", expected, kind));
        }
        if options.colour != Colour::Grey && !kind.is_custom() {
            return Err(Error::range("colour", "grey, as this dataset is", "rgb"));
        }
        if options.transpose && !kind.takes_transpose() {
            return Err(Error::range("transpose", "--dataset idx, csv or npz", kind));
        }
        Ok(Self { kind, dir: dir.map(Into::into), options })
    }

    /// The dataset that a model was trained on, with images of the size that the model takes.
    ///
    /// # Errors
    ///
    /// As [`DatasetKind::of_model`] and [`DataSource::new`].
    pub fn of_model(info: &ModelInfo, dir: Option<&Path>) -> Result<Self, Error> {
        let kind = DatasetKind::of_model(info)?;
        if let (Some(files), None) = (kind.files(), dir) {
            let what = match kind {
                DatasetKind::Folder => "a folder of pictures",
                DatasetKind::Csv => "CSV files",
                DatasetKind::Npz => "a NumPy archive",
                _ => "IDX files",
            };
            let problem =
                format!("the model was trained on {what}; give the directory that has {files}");
            return Err(Error::option("data-dir", problem));
        }
        let options = Self::read_options(info);
        let size = options.size.filter(|_| kind.takes_size());
        Self::new(kind, dir, ReadOptions { size, ..options })
    }

    /// How images for a model are read: with the size that it takes, and as those of its dataset were.
    pub fn read_options(info: &ModelInfo) -> ReadOptions {
        let size = info.input.image.and_then(|image| ImageSize::new(image.width, image.height));
        let colour = colour_of(info).map_or(Colour::Grey, ColourName::value);
        let transpose = info.dataset.as_ref().is_some_and(|dataset| dataset.transposed);
        ReadOptions { size, colour, transpose }
    }

    /// The smallest shape that the dataset can have, before it is read.
    pub fn min_shape(&self) -> DataShape {
        let (inputs, outputs) = match self.kind.is_custom() {
            true => {
                (self.options.size.map_or(1, ImageSize::pixels) * self.options.colour.channels(), 1)
            }
            false => (SIDE * SIDE, CLASS_NAMES.len()),
        };
        DataShape { inputs, outputs, train: None }
    }
}

/// The channels of a model's images, if it takes images.
pub(super) fn colour_of(info: &ModelInfo) -> Option<ColourName> {
    let channels = info.input.image?.channels;
    let colour = [Colour::Grey, Colour::Rgb].into_iter().find(|it| it.channels() == channels)?;
    ColourName::of(&colour)
}

/// What a run needs to know about its data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataShape {
    /// Values of an image.
    pub inputs: usize,
    /// Classes.
    pub outputs: usize,
    /// Training images, if they are known.
    pub train: Option<TrainShape>,
}

/// What a run needs to know about its training images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrainShape {
    /// Their number, including the held-out ones.
    pub n: usize,
    /// Their number in each class.
    pub class_counts: Vec<usize>,
    /// Which of them are held out.
    pub held_out: HoldOut,
}

/// Which training images a dataset lets a run hold out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldOut {
    /// The last ones, as many as the run likes. This is the rule for garments, whose order is random.
    #[default]
    Last,
    /// Some of each class.
    Stratified,
    /// The last ones, which the dataset itself sets apart.
    Own(usize),
}

impl DataShape {
    /// The shape of a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        let Dataset { train, info, .. } = dataset;
        let is_random = matches!(info.name, DatasetName::FashionMnist | DatasetName::Synthetic);
        let held_out = match info.n_validation {
            Some(n) => HoldOut::Own(n),
            None if is_random => HoldOut::Last,
            None => HoldOut::Stratified,
        };
        let train_shape =
            TrainShape { n: train.len(), class_counts: train.class_counts(), held_out };
        Self {
            inputs: train.images.image_len(),
            outputs: info.class_names.len(),
            train: Some(train_shape),
        }
    }
}
