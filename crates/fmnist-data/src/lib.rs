#![doc = include_str!("../README.md")]
//!
//! # Reading order
//!
//! [`idx`] (the file format) → [`dataset`] (the four files, verified) → [`locate`] and [`download`]
//! (where they are and how they get there) → [`garments`] (a stand-in without files) →
//! [`picture`] (a photograph made to look like the dataset) → [`folder`] and [`Dataset::load_csv`] (sets of
//! one's own).
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

pub mod dataset;
mod digest;
mod manifest;

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
mod sniff;

#[cfg(test)]
mod child;
#[cfg(test)]
mod fixture;

pub use dataset::{CLASS_NAMES, Dataset, DatasetName, ImageSize, Images, MAX_CLASSES, Split};
pub use error::{Attempt, Error};
