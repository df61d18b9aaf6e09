//! Options that are not part of the network or its training: which data, how long, and where the run is saved.

use std::{path::PathBuf, str::FromStr};

use fmnist_data::{ImageSize, dataset::MAX_SIDE};

use super::{DatasetKind, form::Form, group::options};

options! {
    /// The options of the dataset, and of the run's length.
    pub struct DataOptions ["Settings of a run"] {
        /// The images to train on [default: auto]
        dataset: DatasetKind [value_enum],

        /// The size of an image: pictures in folders are fitted to it [default: the size of the first picture; with
        /// csv, square]
        image_size: Size [value_name = "WIDTHxHEIGHT"],

        /// Total number of epochs, including those before --resume [default: 10; when resuming cosine or one-cycle,
        /// the saved number]
        epochs: u64 [value_name = "N"],
    }
}

options! {
    /// Where the data are, and the threads. They change no result, and are not saved with the run.
    pub struct PlaceOptions ["Data and threads"] {
        /// The directory of the dataset [env: FMNIST_DATA_DIR, for Fashion-MNIST only]
        data_dir: PathBuf [value_name = "DIR"],

        /// Threads to use; the number does not change the result [default: all]
        threads: u64 [value_name = "N"],
    }
}

options! {
    /// Where a run is saved. They change no result, and are not saved with the run.
    pub struct SaveOptions ["Saving"] {
        /// Save the model here [default: fashion_mnist.model, or the resumed file]
        output: PathBuf [short, value_name = "FILE"],

        /// Also keep the newest three checkpoints and the best one in this directory [default: the resumed directory]
        checkpoint_dir: PathBuf [value_name = "DIR"],

        /// Epochs between two checkpoints in that directory [default: 1]
        checkpoint_every: u64 [value_name = "N"],
    }
}

/// The size of an image, as `28x28`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(pub ImageSize);

impl Form for Size {
    fn form() -> String {
        format!("a width and a height of 1 to {MAX_SIDE} in quotes, such as \"28x28\"")
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(Size(size): Size) -> Self {
        size.to_string()
    }
}
