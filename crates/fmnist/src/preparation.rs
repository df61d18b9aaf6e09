//! How the pictures of a model are prepared: as its file says or, if it does not, as its dataset was made.

use fmnist_data::{Colour, DatasetName, picture};
use nn_io::{ModelInfo, Preparation};

/// How pictures are prepared for a model.
pub(crate) fn preparation_of(info: &ModelInfo) -> Preparation {
    let dataset = info.dataset.as_ref().map(|dataset| dataset.name.as_str());
    info.input.preparation.unwrap_or_else(|| default_for(dataset))
}

/// How pictures are prepared for a model of this dataset, unless its file says otherwise.
pub(crate) fn default_for(dataset: Option<&str>) -> Preparation {
    let garments = [DatasetName::FashionMnist, DatasetName::Synthetic].map(DatasetName::as_str);
    match dataset.is_some_and(|name| garments.contains(&name)) {
        true => Preparation::Garment,
        false => Preparation::Plain,
    }
}

/// The code that prepares pictures in this way, for images of so many channels. Pictures in colour are taken as they are.
pub(crate) fn code_of(preparation: Preparation, channels: usize) -> picture::Preparation {
    match preparation {
        _ if channels == Colour::Rgb.channels() => picture::Preparation::Colour,
        Preparation::Garment => picture::Preparation::Garment,
        Preparation::Ink => picture::Preparation::Ink,
        Preparation::Plain => picture::Preparation::Plain,
    }
}
