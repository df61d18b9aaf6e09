//! Reads some images of a test set, without the rest of the dataset where its files allow it.

use std::path::Path;

use crate::dataset::{Dataset, DatasetName, ReadOptions, TestImages};
use crate::folder::Folder;
use crate::{Error, four_files, npz};

impl TestImages {
    /// Reads the images with these indices, counted from 0, of a custom dataset. IDX files and NumPy archives of bytes are
    /// read up to the last of the images, and of pictures only these are. Other datasets are read whole.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchImage`] if an index is beyond the test set, or as the function that loads the whole dataset.
    pub fn load(
        name: DatasetName,
        dir: impl AsRef<Path>,
        options: &ReadOptions,
        indices: &[usize],
    ) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let some = match name {
            DatasetName::Idx => four_files::test_images(dir, options, indices)?,
            DatasetName::Npz => npz::test_images(dir, options, indices)?,
            DatasetName::Folder => Some(Folder::list(dir)?.test_images(options, indices)?),
            _ => None,
        };
        let whole = || match name {
            DatasetName::Idx => Dataset::load_idx(dir, options),
            DatasetName::Npz => Dataset::load_npz(dir, options),
            DatasetName::Folder => Folder::list(dir)?.load(options),
            DatasetName::Csv => Dataset::load_csv(dir, options),
            DatasetName::FashionMnist | DatasetName::Synthetic => Dataset::fashion_mnist(dir),
        };
        match some {
            Some(some) => Ok(some),
            None => Self::of(&whole()?.test, indices),
        }
    }
}
