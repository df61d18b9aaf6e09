#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`idx`] (the file format) → [`dataset`] (images and labels in memory) → [`locate`] and `download` (finding and
//! fetching the files) → [`garments`] (a substitute that needs no files) → [`picture`] (preparing a photograph
//! like the dataset) → [`folder`], [`Dataset::load_csv`] and [`Dataset::load_npz`] (custom datasets).
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation
    )
)]

pub mod idx;

mod budget;
mod classes;
mod contents;
pub mod dataset;
mod digest;
mod four_arrays;
mod four_files;
mod idx_names;
mod manifest;
mod names;
mod npz;
mod values;

#[cfg(feature = "download")]
pub mod download;
pub mod locate;

#[allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "drawing: every number comes from our own constants and dice, none from outside"
)]
pub mod garments;

pub mod picture;

mod csv;
pub mod folder;

mod error;
mod quote;
mod sniff;
mod test_images;
mod threads;

#[cfg(test)]
mod child;
#[cfg(test)]
mod fixture;

pub use dataset::{
    CLASS_NAMES, Colour, Dataset, DatasetInfo, DatasetName, ImageSize, Images, MAX_CLASSES, Note,
    ReadOptions, Split, TestImages,
};
pub use error::{Attempt, Error, Present};
