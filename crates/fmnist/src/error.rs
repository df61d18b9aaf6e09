//! The errors of this crate.

/// Why there is no classifier, or no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's file cannot be read, or is damaged or of another kind.
    #[error(transparent)]
    Model(#[from] nn_io::Error),

    /// The picture cannot be read, or is damaged or of another kind.
    #[error(transparent)]
    Data(#[from] fmnist_data::Error),

    /// The model gives no probabilities of classes.
    #[error("expected softmax as the last layer, which gives probabilities")]
    NotAClassifier,

    /// The model takes the features of a table.
    #[error("the model takes no images: its file has no image size")]
    NoImages,

    /// The model takes floats.
    #[error("the model takes no bytes, such as pixels: its file has no scaling")]
    NoScaling,

    /// An image has another number of pixels than the model has inputs.
    #[error("the model takes {expected} pixels, the image has {found}")]
    Pixels {
        /// The model's inputs.
        expected: usize,
        /// The image's pixels.
        found: usize,
    },

    /// A probability is infinite or not a number.
    #[error("the model's probabilities are not finite; its weights are too large")]
    NotFinite,
}
