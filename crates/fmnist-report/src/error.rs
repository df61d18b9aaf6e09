//! Errors of this crate.

use thiserror::Error;

/// Why a page could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The model cannot classify the images.
    #[error(transparent)]
    Model(#[from] fmnist::Error),
    /// A subject was made with other images than those of the page.
    #[error(
        "expected answers to {expected} images, found {found}; make the subjects with the images of the page"
    )]
    Images {
        /// The images of the page.
        expected: usize,
        /// The answers of a subject.
        found: usize,
    },
    /// A picture could not be encoded.
    #[error("cannot encode a picture: {0}")]
    Picture(#[from] image::ImageError),
    /// A checksum could not be computed.
    #[error(transparent)]
    Checkpoint(#[from] nn_io::Error),
    /// A template could not be filled in.
    #[error("cannot fill in the page: {0}")]
    Page(#[from] askama::Error),
}
