//! Options that are not part of the network or its training: which data, how long, and where the run is saved.

use std::{path::PathBuf, str::FromStr};

use fmnist_data::{ImageSize, dataset::MAX_SIDE};

use nn_io::Preparation;

use super::{
    ColourName, DatasetKind,
    form::Form,
    group::{names, options},
    scale::Scale,
};

options! {
    /// The options of the dataset, and the number of epochs.
    pub struct DataOptions ["Data"] {
        /// Kind of dataset [default: auto]
        dataset: DatasetKind [value_enum, value_name = "KIND"],

        /// With folder, csv: size of the images [default: the files' own]
        image_size: Size [value_name = "WxH"],

        /// Channels of the images: grey or rgb [default: grey]
        colour: ColourName [value_enum, value_name = "NAME", hide_possible_values = true],

        /// With idx, csv, npz: exchange rows and columns, as EMNIST needs [default: false]
        transpose: bool [num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_name = "BOOL", hide_possible_values = true],

        /// The pixel that counts as white, of 1 to 255, or `auto`: 255, or the largest pixel if it is below 128 [default: auto]
        scale: Scale [value_name = "PIXEL"],

        /// How predict prepares pictures for the model [default: garment for Fashion-MNIST and synthetic, else plain]
        prepare: PreparationName [value_enum, value_name = "KIND"],

        /// Total epochs, including resumed ones [default: 10]
        epochs: u64 [value_name = "N", help_heading = "Training"],
    }
}

options! {
    /// The options of the data directory and the threads. They do not affect results, and are not saved with the run.
    pub struct PlaceOptions ["Data"] {
        /// Directory of the dataset [default: found or downloaded]
        data_dir: PathBuf [value_name = "DIR"],

        /// Threads to use; the number does not change the result [default: all]
        threads: u64 [value_name = "N", help_heading = "Training", display_order = 1000],
    }
}

options! {
    /// The options of where a run is saved. They do not affect results, and are not saved with the run.
    pub struct SaveOptions ["Saving"] {
        /// File for the run; another run's model there is kept as NAME.previous.model [default: DIR/final.model, the
        /// resumed file, or fashion_mnist.model]
        output: PathBuf [short, value_name = "FILE"],

        /// Directory for the newest checkpoints, the best one and the final model [default: none, or the resumed directory]
        checkpoint_dir: PathBuf [value_name = "DIR"],

        /// Epochs between two checkpoints [default: 1]
        checkpoint_every: u64 [value_name = "N"],
    }
}

names! {
    /// How pictures are prepared for a model.
    pub enum PreparationName: Preparation {
        /// As Fashion-MNIST: the garment, bright on black, cropped and centred
        Garment = Preparation::Garment,
        /// As MNIST: the ink, bright on black, with its centre of mass in the middle
        Ink = Preparation::Ink,
        /// As they are: grey, fitted to the size
        Plain = Preparation::Plain,
    }
}

/// The size of an image, such as `28x28`.
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
